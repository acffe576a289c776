#include "tokens.h"

#include <gtest/gtest.h>

#include "support/byte_tokenizer.h"
#include "support/error_of.h"

namespace mvn::test {
namespace {

using Ids = std::vector<std::int32_t>;

Ids ids_of(const TokenStore& sequences, std::int64_t index) {
  const auto ids = sequences[index];
  return {ids.begin(), ids.end()};
}

TEST(Tokens, LongTextsKeepTheirBeginning) {
  const auto sequences = tokenise(ByteTokenizer(), {"abcdef", "ab"}, 4);
  EXPECT_EQ((Ids{'a', 'b', 'c', 'd'}), ids_of(sequences, 0));
  EXPECT_EQ((Ids{'a', 'b'}), ids_of(sequences, 1));
  EXPECT_EQ(4, sequences.lengths()[0]);
  EXPECT_EQ('d', sequences.largest_id());
}

TEST(Tokens, LongTextsKeepTheTokenThatClosesThem) {
  const auto sequences = tokenise(ByteTokenizer(true, true), {"abcdef"}, 4);
  EXPECT_EQ((Ids{ByteTokenizer::kOpen, 'a', 'b', ByteTokenizer::kClose}), ids_of(sequences, 0));
}

TEST(Tokens, LongTextsKeepTheirEndWhereTheTokenizerSaysSo) {
  const auto left = [](bool opens, bool closes) {
    return ByteTokenizer(opens, closes, ByteTokenizer::kEndOfText, /*truncates_left=*/true);
  };
  EXPECT_EQ((Ids{'c', 'd', 'e', 'f'}), ids_of(tokenise(left(false, false), {"abcdef"}, 4), 0));
  EXPECT_EQ((Ids{ByteTokenizer::kOpen, 'e', 'f', ByteTokenizer::kClose}),
            ids_of(tokenise(left(true, true), {"abcdef"}, 4), 0));
  EXPECT_EQ((Ids{ByteTokenizer::kOpen, 'a', ByteTokenizer::kClose}),
            ids_of(tokenise(left(true, true), {"a"}, 4), 0));
  EXPECT_EQ(
      "training.max_length: the tokenizer closes every text with 2 special tokens, so "
      "max_length must be above that, got 2",
      error_of([&] { static_cast<void>(tokenise(left(true, true), {"abc"}, 2)); }));
}

TEST(Tokens, AnOpeningTokenAloneIsNotTakenForAClosingOne) {
  const auto sequences = tokenise(ByteTokenizer(true, false), {"abcdef"}, 4);
  EXPECT_EQ((Ids{ByteTokenizer::kOpen, 'a', 'b', 'c'}), ids_of(sequences, 0));
}

TEST(Tokens, NoLimitIsNoCut) {
  EXPECT_EQ(6, tokenise(ByteTokenizer(), {"abcdef"}, 0).lengths()[0]);
}

TEST(Tokens, AnEmptyTextBecomesTheEndOfTextToken) {
  EXPECT_EQ((Ids{ByteTokenizer::kEndOfText}), ids_of(tokenise(ByteTokenizer(), {""}, 8), 0));
  EXPECT_EQ((Ids{0}), ids_of(tokenise(ByteTokenizer(false, false, -1), {""}, 8), 0));
  EXPECT_EQ((Ids{ByteTokenizer::kOpen}), ids_of(tokenise(ByteTokenizer(true), {""}, 8), 0));
}

TEST(Tokens, TheNumberOfThreadsChangesNothing) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 3000; ++i) {
    texts.emplace_back(i * 37 % 101, static_cast<char>('a' + i % 26));
  }
  const ByteTokenizer tokenizer(true, true);
  const auto one = tokenise(tokenizer, texts, 64);
  for (const int threads : {2, 3, 16}) {
    const auto many = tokenise(tokenizer, texts, 64, {}, threads);
    ASSERT_EQ(one.size(), many.size());
    EXPECT_EQ(one.bytes(), many.bytes());
    for (std::int64_t i = 0; i < one.size(); ++i) EXPECT_EQ(ids_of(one, i), ids_of(many, i)) << i;
  }
}

TEST(Tokens, ALengthThatHoldsOnlySpecialTokensIsRefused) {
  EXPECT_EQ(
      "training.max_length: the tokenizer closes every text with 1 special tokens, so "
      "max_length must be above that, got 1",
      error_of([] { static_cast<void>(tokenise(ByteTokenizer(true, true), {"abc"}, 1)); }));
}

}  // namespace
}  // namespace mvn::test
