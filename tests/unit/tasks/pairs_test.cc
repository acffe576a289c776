#include "pairs.h"

#include <gtest/gtest.h>

#include "support/byte_tokenizer.h"
#include "support/error_of.h"

namespace mvn::test {
namespace {

using Ids = std::vector<std::int32_t>;
using Shares = std::pair<std::size_t, std::size_t>;

Ids first_of(const Tokenizer& tokenizer, const std::vector<std::string>& texts,
             const PairOptions& options = {}) {
  const auto tokens = tokenise_pairs(tokenizer, texts, options);
  const auto ids = tokens[0];
  return {ids.begin(), ids.end()};
}

TEST(Pairs, TheLongerTextGivesWay) {
  EXPECT_EQ(shares_of_pair(3, 4, 7), (Shares{3, 4}));
  EXPECT_EQ(shares_of_pair(3, 9, 7), (Shares{3, 4}));
  EXPECT_EQ(shares_of_pair(9, 3, 7), (Shares{4, 3}));
  EXPECT_EQ(shares_of_pair(9, 2, 7), (Shares{5, 2}));
  EXPECT_EQ(shares_of_pair(9, 9, 7), (Shares{3, 4}));
  EXPECT_EQ(shares_of_pair(9, 5, 7), (Shares{4, 3}));
  EXPECT_EQ(shares_of_pair(5, 9, 7), (Shares{3, 4}));
  EXPECT_EQ(shares_of_pair(0, 9, 7), (Shares{0, 7}));
  EXPECT_EQ(shares_of_pair(9, 9, 2), (Shares{1, 1}));
}

TEST(Pairs, AreJoinedBySeparatorWhereTheTokenizerHasNoTemplate) {
  const auto open = ByteTokenizer::kOpen;
  const auto close = ByteTokenizer::kClose;
  EXPECT_EQ(first_of(ByteTokenizer(), {"ab", "c"}), (Ids{'a', 'b', '\n', 'c'}));
  EXPECT_EQ(first_of(ByteTokenizer(true, true), {"ab", "c"}, {.separator = "; "}),
            (Ids{open, 'a', 'b', ';', ' ', 'c', close}));
  EXPECT_EQ(first_of(ByteTokenizer(), {"ab", "c"}, {.separator = ""}), (Ids{'a', 'b', 'c'}));
  EXPECT_EQ(first_of(ByteTokenizer(), {"", ""}, {.separator = ""}),
            (Ids{ByteTokenizer::kEndOfText}));
}

TEST(Pairs, AreJoinedAsTheTokenizersTemplateSays) {
  ByteTokenizer tokenizer(true, true);
  tokenizer.set_pair_tokens({{1}, {2, 3}, {4}});
  EXPECT_EQ(first_of(tokenizer, {"ab", "c"}), (Ids{1, 'a', 'b', 2, 3, 'c', 4}));
}

TEST(Pairs, AreCutToALength) {
  ByteTokenizer tokenizer(true, true);
  tokenizer.set_pair_tokens({{1}, {2}, {3}});
  const std::vector<std::string> texts = {"abcdef", "wxyz"};
  EXPECT_EQ(first_of(tokenizer, texts, {.max_length = 8}), (Ids{1, 'a', 'b', 'c', 2, 'w', 'x', 3}));
  EXPECT_EQ(first_of(tokenizer, texts, {.max_length = 8, .truncation = "left"}),
            (Ids{1, 'd', 'e', 'f', 2, 'y', 'z', 3}));
  const auto tokens = tokenise_pairs(tokenizer, {"abcdef", "wxyz", "a", "b"}, {.max_length = 8});
  EXPECT_EQ(tokens.size(), 2);
  EXPECT_EQ(tokens.cut(), 1);
  EXPECT_EQ(error_of([&] { static_cast<void>(first_of(tokenizer, texts, {.max_length = 4})); }),
            "training.max_length: a pair takes 3 tokens round and between its texts, so "
            "max_length must be above 4, got 4");
}

TEST(Pairs, AreTheSameOnSeveralThreads) {
  std::vector<std::string> texts;
  for (int i = 0; i < 4000; ++i)
    texts.push_back(std::string(static_cast<std::size_t>(i % 97), 'a'));
  const auto one = tokenise_pairs(ByteTokenizer(), texts, {.max_length = 50});
  const auto many = tokenise_pairs(ByteTokenizer(), texts, {.max_length = 50, .threads = 3});
  ASSERT_EQ(one.size(), 2000);
  ASSERT_EQ(many.size(), 2000);
  for (std::int64_t i = 0; i < one.size(); ++i) {
    ASSERT_TRUE(std::ranges::equal(one[i], many[i])) << i;
  }
}

}  // namespace
}  // namespace mvn::test
