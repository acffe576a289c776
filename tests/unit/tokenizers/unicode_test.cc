#include "train/tokenizers/unicode.h"

#include <gtest/gtest.h>

#include "common/utf8.h"
#include "train/tokenizers/byte_level.h"
#include "train/tokenizers/word_cache.h"

namespace mvn {
namespace {

using unicode::Kind;

TEST(Utf8Test, FindsTheFirstBadByte) {
  EXPECT_EQ(valid_utf8_prefix("plain ascii text"), 16U);
  EXPECT_EQ(valid_utf8_prefix("\u00e9\u20ac\U0001F600"), 9U);
  EXPECT_EQ(valid_utf8_prefix("ab\xFFz"), 2U);
  EXPECT_EQ(valid_utf8_prefix("a\xC0\x80"), 1U);          // overlong
  EXPECT_EQ(valid_utf8_prefix("a\xED\xA0\x80"), 1U);      // surrogate
  EXPECT_EQ(valid_utf8_prefix("a\xF4\x90\x80\x80"), 1U);  // beyond U+10FFFF
  EXPECT_EQ(valid_utf8_prefix("a\xE2\x82"), 1U);          // cut off
}

// Unicode's own example, table 3-8.
TEST(Utf8Test, ReplacesMaximalParts) {
  EXPECT_EQ(replace_invalid_utf8("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
            "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd");
}

TEST(UnicodeTest, Kinds) {
  EXPECT_EQ(unicode::kind(U'a'), Kind::kLetter);
  EXPECT_EQ(unicode::kind(U'\u4e2d'), Kind::kLetter);
  EXPECT_EQ(unicode::kind(U'7'), Kind::kNumber);
  EXPECT_EQ(unicode::kind(U'\u00bd'), Kind::kNumber);
  EXPECT_EQ(unicode::kind(U'\u3000'), Kind::kSpace);
  EXPECT_EQ(unicode::kind(U'\u0085'), Kind::kSpace);
  EXPECT_EQ(unicode::kind(U'\u001c'), Kind::kOther);  // a space to Python, not to the reference
  EXPECT_EQ(unicode::kind(U'\u0301'), Kind::kOther);
  EXPECT_TRUE(unicode::is_word(U'_'));
  EXPECT_TRUE(unicode::is_word(U'\u0301'));
  EXPECT_FALSE(unicode::is_word(U'-'));
}

TEST(UnicodeTest, Nfc) {
  EXPECT_EQ(unicode::nfc("e\u0301"), "\u00e9");
  EXPECT_EQ(unicode::nfc("\u212b"), "\u00c5");                 // a singleton
  EXPECT_EQ(unicode::nfc("\u0958"), "\u0915\u093c");           // excluded from composition
  EXPECT_EQ(unicode::nfc("a\u0315\u0300"), "\u00e0\u0315");    // marks are ordered
  EXPECT_EQ(unicode::nfc("\u1100\u1161\u11a8"), "\uac01");     // Hangul
  EXPECT_EQ(unicode::nfc("\uac00\u11a7"), "\uac00\u11a7");     // no trailing consonant
  EXPECT_EQ(unicode::nfc("\u1e9b\u0323"), "\u1e9b\u0323");     // Unicode's annex 15
  EXPECT_EQ(unicode::nfc("a\u0308\u0301b"), "\u00e4\u0301b");  // blocked
}

TEST(UnicodeTest, WhatIsSurelyNfcIsNotChanged) {
  for (char32_t c = 1; c < 0x110000; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    for (const char* before : {"", "a", "\u0301", "\uac00"}) {
      std::string text = before;
      append_utf8(text, c);
      if (unicode::is_surely_nfc(text)) {
        ASSERT_EQ(unicode::nfc(text), text) << std::hex << std::uint32_t{c};
      }
    }
  }
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> found;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = byte_level::word_end(text, at);
    found.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return found;
}

TEST(ByteLevelTest, Words) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(words("Hello there, it's 2023."),
            (Words{"Hello", " there", ",", " it", "'s", " 2023", "."}));
  EXPECT_EQ(words("we'll we'LL 'tis"), (Words{"we", "'ll", " we", "'", "LL", " '", "tis"}));
  EXPECT_EQ(words("a   b"), (Words{"a", "  ", " b"}));
  EXPECT_EQ(words("a \n\n b  "), (Words{"a", " \n\n", " b", "  "}));
  EXPECT_EQ(words("\nx"), (Words{"\n", "x"}));
  EXPECT_EQ(words("x\t\ty"), (Words{"x", "\t", "\t", "y"}));
  EXPECT_EQ(words(" '"), (Words{" '"}));
  EXPECT_EQ(words("'re've'"), (Words{"'re", "'ve", "'"}));
}

TEST(ByteLevelTest, Alphabet) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  EXPECT_EQ(byte_level::to_bytes(byte_level::to_characters(all)), all);
  EXPECT_EQ(byte_level::to_characters(" \n\tA"), "\u0120\u010a\u0109A");
  EXPECT_EQ(byte_level::to_bytes("a b"), "a b");  // a space is not of the alphabet
}

TEST(WordCacheTest, KeepsWordsApartAndForgetsWhenFull) {
  WordCache cache;
  for (std::int32_t i = 0; i < 200'000; ++i) {
    const std::string word = std::string(static_cast<std::size_t>(i % 40), 'x') + std::to_string(i);
    const std::vector<std::int32_t> ids(static_cast<std::size_t>(i % 5 + 1), i);
    EXPECT_TRUE(cache.find(word).empty());
    cache.insert(word, ids);
    const auto found = cache.find(word);
    ASSERT_EQ(std::vector<std::int32_t>(found.begin(), found.end()), ids);
  }
}

}  // namespace
}  // namespace mvn
