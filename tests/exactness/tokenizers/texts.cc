#include "texts.h"

#include <array>
#include <string_view>

#include "common/utf8.h"

namespace mvn::test {
namespace {

constexpr std::array<std::string_view, 28> kWords = {
    "don't",       "'ll",  " 'S",  "I'VE",  "hello",  " world",       "<|endoftext|>",
    "<|padding|>", "<s>",  "</s>", "<unk>", "\u2581", "\u2581\u2581", "<0x0A>",
    "a\u2581b",    "\r\n", "\n\n", "  ",    "\u200d", "\ufe0f",       "http://",
    "::",          "...",  "----", "====",  "\u00df", "\ufb01",       "\u1e9b\u0323"};
constexpr std::array<char32_t, 25> kSpaces = {
    0x9,    0xA,    0xB,    0xC,    0xD,    0x1C,   0x1D,   0x1E,   0x1F,
    0x20,   0x85,   0xA0,   0x1680, 0x180E, 0x2000, 0x2003, 0x200A, 0x200B,
    0x2028, 0x2029, 0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF};

struct Range {
  char32_t first;
  char32_t last;
};
constexpr std::array<Range, 14> kRanges = {{{0x61, 0x7A},
                                            {0x41, 0x5A},
                                            {0x30, 0x39},
                                            {0x21, 0x2F},
                                            {0, 0x10FFFF},
                                            {0, 0xFFFF},
                                            {0x300, 0x36F},
                                            {0, 0x1F},
                                            {0x7F, 0x9F},
                                            {0x1F300, 0x1FAFF},
                                            {0x1100, 0x11FF},
                                            {0xC0, 0x24F},
                                            {0x4E00, 0x9FFF},
                                            {0x370, 0xDFF}}};

// splitmix64
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t below(std::uint64_t bound) {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return (z ^ (z >> 31)) % bound;
  }
  char32_t between(char32_t first, char32_t last) {
    return first + static_cast<char32_t>(below(last - first + 1));
  }

 private:
  std::uint64_t state_;
};

// A surrogate is no character: its place is taken by one of the private use.
void append_scalar(std::string& text, char32_t c) {
  append_utf8(text, c >= 0xD800 && c <= 0xDFFF ? c + 0x800 : c);
}

void append_run(std::string& text, Random& random) {
  std::string character;
  if (random.below(2) != 0) {
    append_scalar(character, random.between(0x20, 0x2FFF));
  } else {
    append_scalar(character, random.between(0x20, 0x7E));
  }
  for (char32_t count = random.between(2, 200); count > 0; --count) text += character;
}

void append_part(std::string& text, Random& random) {
  const std::uint64_t kind = random.below(18);
  const char32_t count = random.between(1, 8);
  if (kind < kRanges.size()) {
    const auto [first, last] = kRanges[kind];
    for (char32_t i = 0; i < count; ++i) append_scalar(text, random.between(first, last));
  } else if (kind == 14) {
    for (char32_t i = 0; i < count; ++i) append_scalar(text, kSpaces[random.below(kSpaces.size())]);
  } else if (kind == 15) {
    text += kWords[random.below(kWords.size())];
  } else if (kind == 16) {
    text.append(random.between(1, 30), ' ');
  } else {
    append_run(text, random);
  }
}

}  // namespace

std::string random_text(int index) {
  Random random(static_cast<std::uint64_t>(index));
  std::string text;
  for (char32_t parts = random.between(1, 12); parts > 0; --parts) append_part(text, random);
  return text;
}

std::string block_text(int index) {
  constexpr std::array<std::string_view, 4> kBefore = {"", "a", " ", "1"};
  constexpr std::array<std::string_view, 4> kAfter = {"b", " ", "", "\u0301"};
  std::string text;
  for (char32_t c = static_cast<char32_t>(index) * 16; c < static_cast<char32_t>(index + 1) * 16;
       ++c) {
    text += kBefore[c % 4];
    append_scalar(text, c);
    if (c / 4 % 4 == 2) append_scalar(text, c);
    text += kAfter[c / 4 % 4];
  }
  return text;
}

std::uint64_t fnv(std::span<const std::int32_t> ids, std::uint64_t state) {
  constexpr std::uint64_t kPrime = 0x100000001B3U;
  for (const std::int32_t id : ids) state = (state ^ static_cast<std::uint32_t>(id)) * kPrime;
  return (state ^ 0xFFFFFFFFU) * kPrime;
}

}  // namespace mvn::test
