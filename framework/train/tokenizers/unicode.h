// Unicode as the reference tokenizers see it: character classes and canonical composition (NFC).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mvn::unicode {

// What SentencePiece writes for a space: U+2581, and its UTF-8.
inline constexpr char32_t kSpaceMarker = 0x2581;
inline constexpr std::string_view kSpaceMarkerUtf8 = "\xE2\x96\x81";

enum class Kind : std::uint8_t { kOther = 0, kLetter = 1, kNumber = 2, kSpace = 3 };

// Bits of a code point's entry in the class table.
inline constexpr std::uint8_t kKindMask = 3;
inline constexpr std::uint8_t kWordBit = 4;

// One byte for each code point up to 0x10FFFF.
const std::uint8_t* class_table();

// \p{L}, \p{N} and \s of regular expressions; these are disjoint.
inline Kind kind(char32_t code_point) {
  return static_cast<Kind>(class_table()[code_point] & kKindMask);
}
// \w: letters, marks, decimal digits, connectors.
inline bool is_word(char32_t code_point) { return (class_table()[code_point] & kWordBit) != 0; }

// Whether valid UTF-8 `text` is surely in NFC already; false means only that it may change.
bool is_surely_nfc(std::string_view text);
// Valid UTF-8 `text` in Unicode's normalisation form C.
std::string nfc(std::string_view text);

}  // namespace mvn::unicode
