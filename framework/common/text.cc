#include "common/text.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/utf8.h"

namespace mvn {
namespace {

template <typename... Arguments>
std::string format(const char* pattern, Arguments... arguments) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), pattern, arguments...);
  return text.data();
}

std::string quoted(const std::string& word) {
  const bool plain =
      !word.empty() && word.find_first_of(" \t\n'\"\\$`*?[]{}()<>|&;!~#") == std::string::npos;
  if (plain) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

std::string plural(std::size_t count, std::string_view noun) {
  return std::to_string(count).append(" ").append(noun).append(count == 1 ? "" : "s");
}

std::string short_id(std::string_view id) { return std::string(id.substr(0, kShortId)); }

std::string path_text(const std::filesystem::path& path) {
  const auto relative = path.lexically_relative(std::filesystem::current_path());
  return relative.empty() || *relative.begin() == ".." ? path.string() : relative.string();
}

std::string shell_text(const std::vector<std::string>& command) {
  std::string text;
  for (const auto& word : command) {
    if (!text.empty()) text += ' ';
    text += quoted(word);
  }
  return text;
}

std::string duration_text(double seconds) {
  if (seconds < 60) return format("%.1f s", seconds);
  const auto whole = static_cast<long long>(seconds);
  if (whole < 3600) return format("%lldm %02llds", whole / 60, whole % 60);
  if (whole < 86400) return format("%lldh %02lldm", whole / 3600, whole % 3600 / 60);
  return format("%lldd %02lldh", whole / 86400, whole % 86400 / 3600);
}

std::string rate_text(double rate) {
  if (rate >= 100) return format("%.0f", rate);
  return rate >= 10 ? format("%.1f", rate) : format("%.2f", rate);
}

std::string short_number(double number) { return format("%.4g", number); }

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return !continues_utf8(c); }));
}

std::string shortened(const std::string& text, std::size_t width) {
  if (columns(text) <= width) return text;
  const std::size_t keep = width > 3 ? width - 3 : 0;
  std::size_t end = 0;
  for (std::size_t count = 0; end < text.size(); ++end) {
    if (!continues_utf8(text[end]) && count++ == keep) break;
  }
  return text.substr(0, end) + std::string("...").substr(0, std::min<std::size_t>(3, width));
}

std::string last_lines(const std::string& text, std::size_t lines) {
  auto end = text.find_last_not_of("\n\r ");
  if (end == std::string::npos) return "";
  ++end;
  auto start = end;
  for (std::size_t count = 0; start > 0 && end - start < 4000; --start) {
    if (text[start - 1] == '\n' && ++count == lines) break;
  }
  return text.substr(start, end - start);
}

}  // namespace mvn
