#include <gtest/gtest.h>

#include <stdexcept>

#include "mvn/tokenizer.h"
#include "support/byte_tokenizer.h"
#include "support/temporary_folder.h"
#include "train/tokenizers/load.h"

namespace mvn::test {
namespace {

using Ids = std::vector<std::int32_t>;

std::vector<Ids> encoded(const Tokenizer& tokenizer, const std::vector<std::string>& texts,
                         int threads) {
  std::vector<Ids> all;
  encode_each(tokenizer, texts, threads, [&](std::size_t text, const auto ids) {
    EXPECT_EQ(all.size(), text);
    all.emplace_back(ids.begin(), ids.end());
  });
  return all;
}

// Texts of many lengths, empty ones among them, which fill several chunks.
std::vector<std::string> many_texts() {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 4000; ++i) {
    std::string text;
    for (std::size_t k = 0; k < i * 31 % 97; ++k) {
      text += static_cast<char>(k % 6 == 5 ? ' ' : 'a' + (i * 7 + k * k) % 5);
    }
    texts.push_back(std::move(text));
  }
  texts.insert(texts.begin() + 100, std::string(100'000, 'a'));
  return texts;
}

// A tokenizer with a memory of words, which threads must not share.
TEST(EncodeEach, GivesTheSameIdsInTheSameOrderOnAnyNumberOfThreads) {
  const TemporaryFolder folder;
  folder.write("vocab.json",
               R"({"a":0,"b":1,"c":2,"d":3,"e":4,"Ġ":5,"ab":6,"bc":7,"Ġa":8,"abc":9})");
  folder.write("merges.txt", "#version: 0.2\na b\nb c\nĠ a\nab c\n");
  const auto tokenizer = load_tokenizer(folder.path(), "tokenizer");
  const auto texts = many_texts();
  std::vector<Ids> expected;
  for (const auto& text : texts) expected.push_back(tokenizer->encode(text));
  for (const int threads : {1, 2, 5}) {
    EXPECT_EQ(expected, encoded(*tokenizer, texts, threads)) << threads << " threads";
  }
}

TEST(EncodeEach, TakesNoTextsAndFewerTextsThanThreads) {
  EXPECT_EQ(std::vector<Ids>{}, encoded(ByteTokenizer(), {}, 4));
  EXPECT_EQ((std::vector<Ids>{{'x'}, {}}), encoded(ByteTokenizer(), {"x", ""}, 4));
}

class FailingTokenizer : public ByteTokenizer {
 public:
  [[nodiscard]] Ids encode(std::string_view text) const override {
    if (text == "bad") throw std::runtime_error("cannot encode 'bad'");
    return ByteTokenizer::encode(text);
  }
};

TEST(EncodeEach, WhatFailsOnAnyThreadFailsHere) {
  auto texts = many_texts();
  texts.back() = "bad";
  for (const int threads : {1, 4}) {
    try {
      encoded(FailingTokenizer(), texts, threads);
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& e) {
      EXPECT_STREQ("cannot encode 'bad'", e.what());
    }
  }
}

}  // namespace
}  // namespace mvn::test
