#include <algorithm>
#include <array>

#include "common/utf8.h"
#include "mvn/data.h"

namespace mvn {
namespace {

// Unicode's white space and the separators of ASCII, as Python's str.isspace() has them.
bool is_space(char32_t c) {
  constexpr std::array<char32_t, 8> kAlone = {0x20,   0x85,   0xA0,   0x1680,
                                              0x2028, 0x2029, 0x202F, 0x205F};
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F) || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x3000 || std::ranges::find(kAlone, c) != kAlone.end();
}

}  // namespace

std::string stripped(const std::string& text) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    const auto [point, size] = code_point_at(text, begin);
    if (!is_space(point)) break;
    begin += size;
  }
  std::size_t end = text.size();
  while (end > begin) {
    std::size_t last = end - 1;
    while (continues_utf8(text[last])) --last;
    if (!is_space(code_point_at(text, last).value)) break;
    end = last;
  }
  return text.substr(begin, end - begin);
}

}  // namespace mvn
