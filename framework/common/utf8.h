// UTF-8: validity, and code points one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mvn {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

// Offset of the first byte that is not part of a well-formed sequence, or text.size().
std::size_t valid_utf8_prefix(std::string_view text);

// Whether a byte goes on with a character: all but the first of each, which takes the column.
inline bool continues_utf8(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// `text` with every maximal ill-formed part replaced by U+FFFD, as Unicode recommends and as
// Rust's and Python's decoders do.
std::string replace_invalid_utf8(std::string_view text);

struct CodePoint {
  char32_t value;
  std::uint32_t size;  // bytes
};

// The code point at text[at]; `text` must be valid UTF-8 and `at` the start of a sequence.
inline CodePoint code_point_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> char32_t {
    return static_cast<unsigned char>(text[at + i]);
  };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F),
          4};
}

void append_utf8(std::string& text, char32_t code_point);

}  // namespace mvn
