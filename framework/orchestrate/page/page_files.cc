#include "orchestrate/page/page_files.h"

#include <array>
#include <charconv>

#include "common/hashing.h"
#include "mvn/error.h"

namespace mvn {
namespace {

// The bytes that hexadecimal digits stand for.
std::string bytes_of(const std::string& hexadecimal) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hexadecimal.size(); i += 2) {
    unsigned value = 0;
    std::from_chars(hexadecimal.data() + i, hexadecimal.data() + i + 2, value, 16);
    bytes += static_cast<char>(value);
  }
  return bytes;
}

std::string base64(const std::string& bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8U | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += i + j <= bytes.size() ? kDigits[group >> (18U - 6U * j) & 63U] : '=';
    }
  }
  return text;
}

void keep_large_integers(Json& json) {
  constexpr std::int64_t kLargest = 9'007'199'254'740'991;  // 2^53 - 1
  if (json.is_structured()) {
    for (auto& each : json) keep_large_integers(each);
  } else if (json.is_number_unsigned()) {
    const auto number = json.get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(kLargest)) json = std::to_string(number);
  } else if (json.is_number_integer()) {
    const auto number = json.get<std::int64_t>();
    if (number > kLargest || number < -kLargest) json = std::to_string(number);
  }
}

void replace(std::string& text, std::string_view mark, std::string_view with) {
  const auto at = text.find(mark);
  if (at == std::string::npos) throw Error("page.html has no " + std::string(mark));
  text.replace(at, mark.size(), with);
}

}  // namespace

std::string content_hash(std::string_view text) {
  return "'sha256-" + base64(bytes_of(sha256(text))) + "'";
}

std::string browser_json(Json json) {
  keep_large_integers(json);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string script_safe(std::string json) {
  std::string safe;
  safe.reserve(json.size() + json.size() / 16);
  for (std::size_t i = 0; i < json.size(); ++i) {
    const std::string_view rest = std::string_view(json).substr(i);
    if (json[i] == '<') {
      safe += "\\u003c";
    } else if (json[i] == '>') {
      safe += "\\u003e";
    } else if (json[i] == '&') {
      safe += "\\u0026";
    } else if (rest.starts_with("\xE2\x80\xA8") || rest.starts_with("\xE2\x80\xA9")) {
      safe += json[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      safe += json[i];
    }
  }
  return safe;
}

std::string page_html(std::string_view head, std::string_view scripts) {
  std::string html(page_file("page.html"));
  replace(html, "<!--scripts-->", scripts);
  replace(html, "<!--head-->", head);
  return html;
}

}  // namespace mvn
