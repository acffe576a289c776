#include "sets.h"

#include <gtest/gtest.h>

#include "embedding.h"
#include "support/error_of.h"
#include "support/shared_data.h"
#include "support/temporary_folder.h"

namespace mvn::test {
namespace {

EvaluationSets read(const Value::Map& values) {
  return read_sets(Params("task", embedding_entry().params, values), "test");
}

// Two documents, two queries and a judgement, of which a test changes what it wants.
class RetrievalTest : public testing::Test {
 protected:
  [[nodiscard]] Value::Map values() const {
    return {{"test_corpus", folder_.write("c.jsonl", corpus_).string()},
            {"test_queries", folder_.write("q.jsonl", queries_).string()},
            {"test_qrels", folder_.write("r.tsv", qrels_).string()}};
  }
  [[nodiscard]] std::string error() const {
    return error_of([&] { read(values()); });
  }
  [[nodiscard]] std::string file(const std::string& name) const {
    return (folder_ / name).string();
  }

  TemporaryFolder folder_;
  std::string corpus_ =
      "{\"_id\": \"1\", \"title\": \"Ants\", \"text\": \"work\"}\n"
      "{\"_id\": \"2\", \"title\": \"\", \"text\": \"rest\"}\n";
  std::string queries_ =
      "{\"_id\": \"a\", \"text\": \"who works\"}\n{\"_id\": \"b\", \"text\": \"who rests\"}\n";
  std::string qrels_ = "query-id\tcorpus-id\tscore\nb\t2\t2\nb\t1\t0\n";
};

TEST_F(RetrievalTest, HasTheQueriesThatSomebodyJudged) {
  const auto sets = read(values());
  ASSERT_TRUE(sets.retrieval.has_value());
  EXPECT_EQ((std::vector<std::string>{"Ants work", "rest"}), sets.retrieval->documents);
  EXPECT_EQ((std::vector<std::string>{"who rests"}), sets.retrieval->queries);
  EXPECT_EQ((std::vector<std::pair<std::int64_t, int>>{{1, 2}, {0, 0}}),
            sets.retrieval->judged.at(0));
}

TEST_F(RetrievalTest, SaysWhatIsWrongAndWhere) {
  qrels_ = "query-id\tcorpus-id\tscore\nb\t3\t1\n";
  EXPECT_EQ(file("r.tsv") + ":2: document '3' is not in task.test_corpus", error());
  qrels_ = "query-id\tcorpus-id\tscore\nb\t2\t1\nc\t2\t1\n";
  EXPECT_EQ(file("r.tsv") + ":3: query 'c' is not in task.test_queries", error());
  qrels_ = "query-id\tcorpus-id\tscore\na\t1\thigh\n";
  EXPECT_EQ(file("r.tsv") + ":2: score 'high' is no number", error());
  queries_ = "{\"_id\": \"a\", \"text\": \" \"}\n";
  EXPECT_EQ(file("r.tsv") + ":2: query 'a' has an empty text", error());
  corpus_ += "{\"_id\": \"1\", \"title\": \"\", \"text\": \"\"}\n";
  EXPECT_EQ(file("c.jsonl") + ":3: a second document '1'", error());
  EXPECT_EQ("task.test_qrels: is required beside task.test_queries", error_of([&] {
              auto some = values();
              some.erase("test_qrels");
              some.erase("test_corpus");
              some["test_corpus"] = some["test_queries"];
              read(some);
            }));
}

TEST_F(RetrievalTest, CountsEmptyDocuments) {
  corpus_ += "{\"_id\": \"3\", \"title\": \"\", \"text\": \"\"}\n";
  EXPECT_EQ((std::vector<std::string>{"1 of 3 documents of test_corpus are empty"}),
            read(values()).warnings);
}

TEST(Sets, ScoredPairsAndProbesSayWhatIsWrong) {
  const TemporaryFolder folder;
  const auto error = [&](const std::string& text, Value::Map more = {}) {
    const auto file = folder.write("s.csv", text).string();
    more["test_sts"] = file;
    const auto message = error_of([&] { read(more); });
    return message.starts_with(file) ? message.substr(file.size()) : message;
  };
  EXPECT_EQ(":2: column 'sentence2' is empty", error("sentence1,sentence2,score\na,,1\n"));
  EXPECT_EQ(":2: score 'x' is no number", error("a,b,1\nc,d,x\n", {{"sts_header", false}}));
  EXPECT_EQ(": needs two pairs or more to order them", error("sentence1,sentence2,score\na,b,1\n"));
  EXPECT_EQ("task.sts_columns: names three columns, two of texts and one of scores, got 1",
            error("a,b,1\n", {{"sts_columns", Value::List{"x"}}}));
  const auto train = folder.write("t.csv", "text,label\na,x\nb,y\n").string();
  const auto one = folder.write("o.csv", "text,label\na,x\n").string();
  const auto other = folder.write("u.csv", "text,label\na,x\nb,z\n").string();
  EXPECT_EQ(other + ":3: label 'z' does not occur in task.test_probe_train", error_of([&] {
              read({{"test_probe_train", train}, {"test_probe", other}});
            }));
  EXPECT_EQ(one + ": clusters need two labels or more", error_of([&] {
              read({{"test_clusters", one}});
            }));
  EXPECT_EQ(one + ": a probe needs two labels or more", error_of([&] {
              read({{"test_probe_train", one}, {"test_probe", train}});
            }));
}

TEST(Sets, LabelledPairsAreOfBothLabels) {
  const TemporaryFolder folder;
  const auto error = [&](const std::string& text, const Value::Map& more = {}) {
    const auto file = folder.write("p.csv", "sentence1,sentence2,label\n" + text).string();
    auto values = more;
    values["validation_pairs"] = file;
    const auto message = error_of(
        [&] { read_sets(Params("task", embedding_entry().params, values), "validation"); });
    return message.starts_with(file) ? message.substr(file.size()) : message;
  };
  EXPECT_EQ("(no error)", error("a,b,1\nc,d,0\n"));
  EXPECT_EQ(":3: label '0.5' is neither 0 nor 1", error("a,b,1\nc,d,0.5\n"));
  EXPECT_EQ(": needs pairs of label 1 and of label 0", error("a,b,1\nc,d,1\n"));
  EXPECT_EQ("task.pairs_columns: names three columns, two of texts and one of labels, got 2",
            error("a,b,1\n", {{"pairs_columns", Value::List{"sentence1", "label"}}}));
}

TEST(Sets, ReadTheBenchmarksAsTheyLie) {
  for (const char* needed : {"stsb/test.csv", "scifact/corpus.jsonl", "banking77/test.csv"}) {
    if (!has_shared_data(needed)) GTEST_SKIP() << no_shared_data(needed);
  }
  const auto path = [](const std::string& name) { return shared_data(name).string(); };
  const auto sets = read({{"test_sts", path("stsb/test.csv")},
                          {"sts_header", false},
                          {"test_corpus", path("scifact/corpus.jsonl")},
                          {"test_queries", path("scifact/queries.jsonl")},
                          {"test_qrels", path("scifact/qrels_test.tsv")},
                          {"test_probe_train", path("banking77/train.csv")},
                          {"test_probe", path("banking77/test.csv")},
                          {"probe_label", "category"}});
  EXPECT_EQ(1379U, sets.sts->scores.size());
  EXPECT_EQ(5183U, sets.retrieval->documents.size());
  EXPECT_EQ(300U, sets.retrieval->queries.size());
  EXPECT_EQ(77, sets.probe->classes);
  EXPECT_EQ(3080U, sets.probe->test.size());
  EXPECT_TRUE(sets.warnings.empty());
}

}  // namespace
}  // namespace mvn::test
