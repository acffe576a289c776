#include "common/printable.h"

#include <array>
#include <cstdio>

#include "common/utf8.h"

namespace mvn {
namespace {

// C0 and C1, what separates lines or paragraphs, and what turns the direction of writing.
bool is_control(char32_t point) {
  return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x061C ||
         (point >= 0x200E && point <= 0x200F) || (point >= 0x2028 && point <= 0x202E) ||
         (point >= 0x2066 && point <= 0x2069);
}

std::string escape(char32_t point) {
  if (point == '\n') return "\\n";
  if (point == '\r') return "\\r";
  if (point == '\t') return "\\t";
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "\\u%04x", static_cast<unsigned>(point));
  return text.data();
}

std::string shown(std::string_view text, std::string_view kept) {
  const std::string valid = replace_invalid_utf8(text);
  std::string result;
  result.reserve(valid.size());
  for (std::size_t at = 0; at < valid.size();) {
    const CodePoint point = code_point_at(valid, at);
    const bool harmless = !is_control(point.value) ||
                          (point.value < 0x80 && kept.find(valid[at]) != std::string_view::npos);
    result += harmless ? valid.substr(at, point.size) : escape(point.value);
    at += point.size;
  }
  return result;
}

}  // namespace

std::string printable(std::string_view text) { return shown(text, ""); }

std::string printable_lines(std::string_view text) { return shown(text, "\n\t"); }

}  // namespace mvn
