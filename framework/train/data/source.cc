#include "train/data/source.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "common/files.h"
#include "common/lfs_pointer.h"
#include "common/utf8.h"
#include "mvn/data.h"
#include "mvn/error.h"
#include "mvn/nearest.h"
#include "train/data/decompress.h"

namespace mvn {
namespace {

constexpr std::array<const char*, 4> kEncodings = {kUtf8, "latin-1", "windows-1252", "utf-16"};

std::string small_ending(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending;
}

// "file:3:17: ", for the byte at `at` of text that is UTF-8 up to there.
std::string place_in(const std::filesystem::path& path, std::string_view text, std::size_t at) {
  const auto before = text.substr(0, at);
  const auto line = 1 + std::ranges::count(before, '\n');
  const auto start = before.rfind('\n') + 1;  // 0 where there is none
  const auto column =
      1 + std::ranges::count_if(before.substr(start), [](char c) { return !continues_utf8(c); });
  return path.string() + ":" + std::to_string(line) + ":" + std::to_string(column) + ": ";
}

std::string byte_text(char byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  return std::string("byte 0x") + kDigits[value >> 4U] + kDigits[value & 15U];
}

// Of the bytes 0x80 to 0x9F, which are control characters in Latin-1; 0: stands for nothing.
constexpr std::array<char16_t, 32> kWindows1252 = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

std::string from_one_byte(std::string_view bytes, bool windows, const std::filesystem::path& path) {
  std::string text;
  text.reserve(bytes.size() + bytes.size() / 8);
  for (const char each : bytes) {
    const auto byte = static_cast<unsigned char>(each);
    char32_t point = byte;
    if (windows && byte >= 0x80 && byte < 0xA0) point = kWindows1252[byte - 0x80U];
    if (point == 0 && byte != 0) {
      throw DataError(place_in(path, text, text.size()) + byte_text(each) +
                      " is no character of windows-1252");
    }
    append_utf8(text, point);
  }
  return text;
}

// By its byte order mark; without one little-endian, as Windows writes it.
std::string from_utf16(std::string_view bytes, const std::filesystem::path& path) {
  const bool big = bytes.starts_with("\xFE\xFF");
  if (big || bytes.starts_with("\xFF\xFE")) bytes.remove_prefix(2);
  std::string text;
  const auto unit = [&](std::size_t at) {
    const auto one = static_cast<unsigned char>(bytes[at]);
    const auto two = static_cast<unsigned char>(bytes[at + 1]);
    return static_cast<char32_t>(big ? one << 8U | two : two << 8U | one);
  };
  const auto fail = [&](const char* what) {
    throw DataError(place_in(path, text, text.size()) + "not UTF-16: " + what);
  };
  if (bytes.size() % 2 != 0) {
    bytes.remove_suffix(1);
    if (bytes.empty()) fail("half a character");
  }
  for (std::size_t at = 0; at < bytes.size(); at += 2) {
    char32_t point = unit(at);
    if (point >= 0xDC00 && point < 0xE000) fail("the second half of a character alone");
    if (point >= 0xD800 && point < 0xDC00) {
      const char32_t low = at + 2 < bytes.size() ? unit(at + 2) : 0;
      if (low < 0xDC00 || low >= 0xE000) fail("the first half of a character alone");
      point = 0x10000 + ((point - 0xD800) << 10U) + (low - 0xDC00);
      at += 2;
    }
    append_utf8(text, point);
  }
  return text;
}

std::string checked_utf8(std::string text, const std::filesystem::path& path) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    throw DataError(path.string() + ": is UTF-16; say encoding: utf-16");
  }
  const std::size_t valid = valid_utf8_prefix(text);
  if (valid != text.size()) {
    throw DataError(place_in(path, text, valid) + "not UTF-8 (" + byte_text(text[valid]) +
                    "); say which encoding it has: latin-1, windows-1252 or utf-16");
  }
  return text;
}

std::string decoded(std::string bytes, std::string_view encoding, const std::filesystem::path& path,
                    const std::string& key) {
  if (encoding == kUtf8) return checked_utf8(std::move(bytes), path);
  if (encoding == "latin-1") return from_one_byte(bytes, false, path);
  if (encoding == "windows-1252") return from_one_byte(bytes, true, path);
  if (encoding == "utf-16") return from_utf16(bytes, path);
  const std::vector<std::string> known(kEncodings.begin(), kEncodings.end());
  throw ConfigError(key, "unknown encoding '" + std::string(encoding) + "'" +
                             suggest(std::string(encoding), known));
}

}  // namespace

std::string data_ending(const std::filesystem::path& path) {
  const auto ending = small_ending(path);
  return is_packed_ending(ending) ? small_ending(path.stem()) : ending;
}

std::string read_source(const std::filesystem::path& path, std::string_view encoding,
                        const std::string& key) {
  if (!std::filesystem::exists(path)) throw ConfigError(key, "no file " + path.string());
  std::string bytes;
  try {
    bytes = read_file(path);
  } catch (const Error& e) {
    throw ConfigError(key, e.what());
  }
  refuse_lfs_pointer(path, bytes);
  auto text = decoded(decompressed(std::move(bytes), path), encoding, path, key);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  if (text.find('\n') == std::string::npos) std::ranges::replace(text, '\r', '\n');
  return text;
}

}  // namespace mvn
