// GPT-2's byte-level alphabet, in which each byte is one visible character, and its word splitter.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mvn::byte_level {

// The character that stands for `byte`: itself where it is visible, else U+0100 and up.
char32_t character_of(std::uint8_t byte);
// The byte that `character` stands for, or -1.
int byte_of(char32_t character);

// `bytes` in the alphabet, as UTF-8.
std::string to_characters(std::string_view bytes);
// The bytes that `token` (UTF-8) spells, or `token` itself when a character is not of the alphabet.
std::string to_bytes(std::string_view token);

// End of the word that begins at text[begin], by GPT-2's expression
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// `text` is valid UTF-8 and begin < text.size().
std::size_t word_end(std::string_view text, std::size_t begin);

}  // namespace mvn::byte_level
