#include "corpus.h"

#include <gtest/gtest.h>

#include "support/byte_tokenizer.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn::test {
namespace {

using Ids = std::vector<std::int32_t>;

constexpr std::int32_t kEnd = ByteTokenizer::kEndOfText;

Ids ids_in(std::span<const std::int32_t> ids) { return {ids.begin(), ids.end()}; }

Corpus corpus_of(const Tokenizer& tokenizer, const std::vector<std::string>& documents,
                 std::int64_t block) {
  return {TokenStore::open(
              {}, {}, {}, [&](TokenWriter& writer) { write_stream(tokenizer, documents, writer); }),
          block};
}

TEST(Corpus, PacksDocumentsBetweenEndOfTextTokens) {
  const auto corpus = corpus_of(ByteTokenizer(), {"ab", "cde"}, 3);
  // The stream: end a b end c d e end.
  ASSERT_EQ(3, corpus.size());
  EXPECT_EQ((Ids{kEnd, 'a', 'b'}), ids_in(corpus.inputs(0)));
  EXPECT_EQ((Ids{'a', 'b', kEnd}), ids_in(corpus.targets(0)));
  EXPECT_EQ((Ids{kEnd, 'c', 'd'}), ids_in(corpus.inputs(1)));
  EXPECT_EQ((Ids{'e'}), ids_in(corpus.inputs(2)));
  EXPECT_EQ((Ids{kEnd}), ids_in(corpus.targets(2)));
  EXPECT_EQ((Ids{3, 3, 1}), ids_in(corpus.lengths()));
  EXPECT_EQ(7, corpus.predictions());
  EXPECT_EQ(5, corpus.bytes());
  EXPECT_EQ(kEnd, corpus.largest_id());
}

TEST(Corpus, WithoutAnEndOfTextTokenDocumentsFollowEachOther) {
  const auto corpus = corpus_of(ByteTokenizer(false, false, -1), {"ab", "c"}, 2);
  ASSERT_EQ(1, corpus.size());
  EXPECT_EQ((Ids{'a', 'b'}), ids_in(corpus.inputs(0)));
  EXPECT_EQ((Ids{'b', 'c'}), ids_in(corpus.targets(0)));
}

TEST(Corpus, OneTokenPredictsNothing) {
  EXPECT_EQ(0, corpus_of(ByteTokenizer(false, false, -1), {"a"}, 2).size());
}

Params corpus_params_for(const std::string& train, Value::Map more = {}) {
  more["train"] = train;
  more["validation"] = train;
  return Params("task", corpus_params(), more);
}

TEST(Corpus, APlainFileIsOneDocument) {
  const TemporaryFolder folder;
  const auto params = corpus_params_for(folder.write("a.txt", "one\n\ntwo\n"));
  EXPECT_EQ(std::vector<std::string>{"one\n\ntwo\n"}, read_documents(params, "train"));
}

TEST(Corpus, ATablesRowsAreDocumentsAndEmptyOnesAreNone) {
  const TemporaryFolder folder;
  const auto params =
      corpus_params_for(folder.write("a.csv", "id,body\n1,one\n2,\n3,two\n"), {{"text", "body"}});
  EXPECT_EQ((std::vector<std::string>{"one", "two"}), read_documents(params, "train"));
}

TEST(Corpus, ATableNeedsTheNameOfItsColumn) {
  const TemporaryFolder folder;
  const auto path = folder.write("a.csv", "id,body\n1,one\n");
  EXPECT_EQ("task.text: is required where the text is in a table (" + path.string() +
                "): the name of the column with the documents",
            error_of([&] { static_cast<void>(read_documents(corpus_params_for(path), "train")); }));
}

TEST(Corpus, AFileWithoutTextIsBadData) {
  const TemporaryFolder folder;
  const auto path = folder.write("a.txt", "");
  EXPECT_EQ(path.string() + ": has no text",
            error_of([&] { static_cast<void>(read_documents(corpus_params_for(path), "train")); }));
}

}  // namespace
}  // namespace mvn::test
