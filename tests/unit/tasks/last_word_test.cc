#include "last_word.h"

#include <gtest/gtest.h>

#include "corpus.h"
#include "support/byte_tokenizer.h"
#include "support/error_of.h"
#include "support/shared_data.h"
#include "support/temporary_folder.h"

namespace mvn::test {
namespace {

using Ids = std::vector<std::int32_t>;

Ids ids_in(std::span<const std::int32_t> ids) { return {ids.begin(), ids.end()}; }

Params params_for(const std::string& path) {
  return Params("task", corpus_params(),
                {{"train", path}, {"validation", path}, {"last_word", path}});
}

LastWords words_of(const Tokenizer& tokenizer, const std::vector<LastWordText>& texts,
                   std::int64_t max_length = 0) {
  return {TokenStore::open(
              {}, {}, {}, [&](TokenWriter& writer) { write_last_words(tokenizer, texts, writer); }),
          max_length};
}

TEST(LastWord, IsSplitFromItsTextWithTheSpaceBeforeIt) {
  const TemporaryFolder folder;
  const auto apart = folder.write(
      "a.jsonl", "{\"context\": \"I don't care about \", \"continuation\": \"signs\"}\n");
  const auto texts = read_last_words(params_for(apart));
  ASSERT_EQ(1U, texts.size());
  EXPECT_EQ("I don't care about", texts[0].context);
  EXPECT_EQ(" signs", texts[0].word);
  const auto whole =
      folder.write("b.jsonl", "{\"text\": \"I don't care\\nabout signs \"}\n{\"text\": \"one\"}\n");
  const auto same = read_last_words(params_for(whole));
  ASSERT_EQ(2U, same.size());
  EXPECT_EQ("I don't care\nabout", same[0].context);
  EXPECT_EQ(" signs", same[0].word);
  EXPECT_EQ("", same[1].context);
  EXPECT_EQ("one", same[1].word);
}

TEST(LastWord, SaysWhatIsWrongAndWhere) {
  const TemporaryFolder folder;
  const auto other = folder.write("a.jsonl", "{\"question\": \"x\"}\n").string();
  const auto blank = folder.write("b.jsonl", "{\"text\": \"x y\"}\n{\"text\": \" \"}\n").string();
  const auto error = [](const std::string& path) {
    return error_of([&] { static_cast<void>(read_last_words(params_for(path))); });
  };
  EXPECT_EQ("task.last_word: " + other +
                " has neither the columns 'context' and 'continuation' nor 'text'",
            error(other));
  EXPECT_EQ(blank + ":2: has no last word", error(blank));
}

TEST(LastWord, ReadsTheContextAndPredictsEveryTokenOfTheWord) {
  const auto words = words_of(ByteTokenizer(), {{"ab", " cd"}, {"", "e"}});
  ASSERT_EQ(2, words.size());
  EXPECT_EQ((Ids{'a', 'b', ' ', 'c'}), words.inputs(0));
  EXPECT_EQ((Ids{' ', 'c', 'd'}), ids_in(words.word(0)));
  EXPECT_EQ((Ids{ByteTokenizer::kEndOfText}), words.inputs(1));
  EXPECT_EQ((Ids{'e'}), ids_in(words.word(1)));
  EXPECT_EQ((Ids{4, 1}), ids_in(words.lengths()));
}

TEST(LastWord, TokensThatCloseATextAreLeftOut) {
  const auto words = words_of(ByteTokenizer(true, true), {{"a", " b"}});
  EXPECT_EQ((Ids{ByteTokenizer::kOpen, 'a', ' '}), words.inputs(0));
  EXPECT_EQ((Ids{' ', 'b'}), ids_in(words.word(0)));
}

TEST(LastWord, LongContextsLoseTheirBeginning) {
  const auto words = words_of(ByteTokenizer(), {{"abcdef", " g"}}, 4);
  EXPECT_EQ((Ids{'d', 'e', 'f', ' '}), words.inputs(0));
  EXPECT_EQ("training.max_length: is 1, but a last word has 2 tokens", error_of([] {
              words_of(ByteTokenizer(), {{"abcdef", " g"}}, 1);
            }));
}

TEST(LastWord, ReadsAllOfLambada) {
  if (!has_shared_data("lambada/test.jsonl")) GTEST_SKIP() << no_shared_data("lambada/test.jsonl");
  const auto texts = read_last_words(params_for(shared_data("lambada/test.jsonl").string()));
  EXPECT_EQ(5153U, texts.size());
  EXPECT_EQ(" signs", texts.front().word);
}

}  // namespace
}  // namespace mvn::test
