#include "train/tokenizers/byte_level.h"

#include <array>

#include "common/utf8.h"
#include "train/tokenizers/unicode.h"

namespace mvn::byte_level {
namespace {

using unicode::Kind;

bool is_visible(unsigned byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Alphabet {
  std::array<char32_t, 256> characters{};
  std::array<std::int16_t, 0x200> bytes{};

  Alphabet() {
    bytes.fill(-1);
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      characters[byte] = is_visible(byte) ? byte : next++;
      bytes[characters[byte]] = static_cast<std::int16_t>(byte);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet instance;
  return instance;
}

// Walks over code points by kind.
class Cursor {
 public:
  Cursor(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] Kind kind() const {
    const auto byte = static_cast<unsigned char>(text_[at_]);
    return static_cast<Kind>(classes_[byte < 0x80 ? byte : code_point_at(text_, at_).value] &
                             unicode::kKindMask);
  }
  void advance() {
    const auto byte = static_cast<unsigned char>(text_[at_]);
    at_ += byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
  }
  std::size_t skip(Kind wanted) {
    while (!at_end() && kind() == wanted) advance();
    return at_;
  }

 private:
  std::string_view text_;
  std::size_t at_;
  const std::uint8_t* classes_ = unicode::class_table();
};

// Length of the contraction at text[begin], which is an apostrophe, or 0.
std::size_t contraction(std::string_view text, std::size_t begin) {
  const std::size_t left = text.size() - begin;
  if (left < 2) return 0;
  const char first = text[begin + 1];
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if (left < 3) return 0;
  const char second = text[begin + 2];
  const bool three = (first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
                     (first == 'l' && second == 'l');
  return three ? 3 : 0;
}

// White space up to the end of the text is one word; before anything else its last character is
// left to what follows.
std::size_t white_space_end(std::string_view text, std::size_t begin) {
  Cursor cursor(text, begin);
  std::size_t last = begin;
  while (!cursor.at_end() && cursor.kind() == Kind::kSpace) {
    last = cursor.at();
    cursor.advance();
  }
  return cursor.at_end() || last == begin ? cursor.at() : last;
}

}  // namespace

char32_t character_of(std::uint8_t byte) { return alphabet().characters[byte]; }

int byte_of(char32_t character) {
  return character < alphabet().bytes.size() ? alphabet().bytes[character] : -1;
}

std::string to_characters(std::string_view bytes) {
  std::string characters;
  for (const char byte : bytes) {
    append_utf8(characters, character_of(static_cast<std::uint8_t>(byte)));
  }
  return characters;
}

std::string to_bytes(std::string_view token) {
  std::string bytes;
  for (std::size_t at = 0; at < token.size();) {
    const CodePoint point = code_point_at(token, at);
    const int byte = byte_of(point.value);
    if (byte < 0) return std::string(token);
    bytes.push_back(static_cast<char>(byte));
    at += point.size;
  }
  return bytes;
}

std::size_t word_end(std::string_view text, std::size_t begin) {
  if (text[begin] == '\'') {
    if (const std::size_t length = contraction(text, begin); length != 0) return begin + length;
  }
  Cursor cursor(text, begin);
  if (text[begin] == ' ') {
    cursor.advance();
    if (cursor.at_end()) return cursor.at();
  }
  const Kind kind = cursor.kind();
  return kind == Kind::kSpace ? white_space_end(text, begin) : cursor.skip(kind);
}

}  // namespace mvn::byte_level
