// Published data sets as they are distributed, with all their oddities.
#include <gtest/gtest.h>

#include "mvn/data.h"
#include "support/shared_data.h"

namespace mvn {
namespace {

using test::has_shared_data;
using test::no_shared_data;
using test::shared_data;

struct File {
  const char* name;
  TableOptions options;
  std::size_t rows;
  std::vector<std::string> columns;
};

const TableOptions kNoHeader = {.header = false};
const TableOptions kSemicolon = {.delimiter = ";"};

const std::vector<File>& files() {
  static const std::vector<File> all = {
      {"sst2/train.tsv", {}, 6920, {"sentence", "label"}},
      {"sst2/validation.tsv", {}, 872, {"sentence", "label"}},
      {"sst2/test.tsv", {}, 1821, {"sentence", "label"}},
      {"trec/train.jsonl", {}, 5452, {"text", "label", "fine_label"}},
      {"trec/test.jsonl", {}, 500, {"text", "label", "fine_label"}},
      {"banking77/train.csv", {}, 10003, {"text", "category"}},
      {"banking77/test.csv", {}, 3080, {"text", "category"}},
      {"sst2-glue/train.tsv", {}, 67349, {"sentence", "label"}},
      {"sst2-glue/validation.tsv", {}, 872, {"sentence", "label"}},
      {"cola/in_domain_train.tsv", kNoHeader, 8551, {"column1", "column2", "column3", "column4"}},
      {"cola/in_domain_dev.tsv", kNoHeader, 527, {"column1", "column2", "column3", "column4"}},
      {"cola/out_of_domain_dev.tsv", kNoHeader, 516, {"column1", "column2", "column3", "column4"}},
      {"emotion/train.txt", kSemicolon, 16000, {"text", "label_name"}},
      {"emotion/val.txt", kSemicolon, 2000, {"text", "label_name"}},
      {"emotion/test.txt", kSemicolon, 2000, {"text", "label_name"}},
      {"ag_news/test.csv", kNoHeader, 7600, {"column1", "column2", "column3"}},
      {"ag_news/test_description.tsv", kNoHeader, 7600, {"column1", "column2"}},
      {"ag_news/train_10k_description.tsv", kNoHeader, 10001, {"column1", "column2"}},
      {"massive_en_intent/train.jsonl", {}, 11514, {"id", "label", "text", "label_text"}},
      {"massive_en_intent/validation.jsonl", {}, 2033, {"id", "label", "text", "label_text"}},
      {"massive_en_intent/test.jsonl", {}, 2974, {"id", "label", "text", "label_text"}},
      {"amazon_counterfactual/train.tsv", {}, 4018, {"sentence", "is_counterfactual"}},
      {"amazon_counterfactual/valid.tsv", {}, 335, {"sentence", "is_counterfactual"}},
      {"amazon_counterfactual/test.tsv", {}, 670, {"sentence", "is_counterfactual"}},
      {"tweet_sentiment/train.csv", {}, 27480, {"textID", "text", "sentiment"}},
      {"tweet_sentiment/test.csv", {}, 3534, {"textID", "text", "sentiment"}},
      {"stsb/train.csv", kNoHeader, 5749, {"column1", "column2", "column3"}},
      {"stsb/dev.csv", kNoHeader, 1500, {"column1", "column2", "column3"}},
      {"stsb/test.csv", kNoHeader, 1379, {"column1", "column2", "column3"}},
      {"scifact/corpus.jsonl", {}, 5183, {"_id", "title", "text"}},
      {"scifact/queries.jsonl", {}, 1109, {"_id", "text"}},
      {"scifact/qrels_test.tsv", {}, 339, {"query-id", "corpus-id", "score"}},
      {"lambada/test.jsonl", {}, 5153, {"context", "continuation"}},
  };
  return all;
}

TEST(RealFilesTest, EveryTableHasItsRowsAndColumns) {
  if (!has_shared_data("sst2")) GTEST_SKIP() << no_shared_data("sst2");
  for (const auto& file : files()) {
    if (!has_shared_data(file.name)) continue;
    const Table table = read_table(shared_data(file.name), file.options, "task.train");
    EXPECT_EQ(table.rows.size(), file.rows) << file.name;
    EXPECT_EQ(table.columns, file.columns) << file.name;
    EXPECT_EQ(table.lines.size(), table.rows.size()) << file.name;
  }
}

TEST(RealFilesTest, PlainTextIsReadWhole) {
  const std::string name = "tinyshakespeare/input.txt";
  if (!has_shared_data(name)) GTEST_SKIP() << no_shared_data(name);
  EXPECT_EQ(read_text(shared_data(name), "task.train").size(), 1115394U);
}

}  // namespace
}  // namespace mvn
