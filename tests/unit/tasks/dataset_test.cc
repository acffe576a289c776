// Labelled texts from files: layouts, splits and samples, and what is said of them.
#include "dataset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "sampling.h"
#include "support/error_of.h"
#include "support/shared_data.h"
#include "support/temporary_folder.h"

namespace mvn::test {
namespace {

using Texts = std::vector<std::string>;

class DatasetTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content) {
    return folder_.write(name, content).string();
  }

  static Dataset read(Value::Map values, bool named = true) {
    if (named) values.insert({{"text", "text"}, {"label", "label"}});
    return read_dataset(Params("task", dataset_params(), values));
  }

  static std::string error(const Value::Map& values, bool named = true) {
    return error_of([&] { static_cast<void>(read(values, named)); });
  }

  // Of a table with these rows ("text,label"), as train and validation.
  Texts warnings(const std::string& rows, Value::Map more = {}) {
    more.insert({{"train", write("w.csv", "text,label\n" + rows)},
                 {"validation", write("v.csv", "text,label\nother,0\nmore,1\n")}});
    return read(more).warnings;
  }

  TemporaryFolder folder_;
};

TEST(Sampling, TakesEachClassInProportion) {
  std::vector<std::string> labels(70, "a");
  labels.insert(labels.end(), 20, "b");
  labels.insert(labels.end(), 10, "c");
  const auto sample = stratified_sample(labels, 30, 0);
  std::map<std::string, int> counts;
  for (const auto row : sample) ++counts[labels[row]];
  EXPECT_EQ(counts, (std::map<std::string, int>{{"a", 21}, {"b", 6}, {"c", 3}}));
  EXPECT_TRUE(std::ranges::is_sorted(sample));
  EXPECT_EQ(std::ranges::adjacent_find(sample), sample.end());
  EXPECT_EQ(stratified_sample(labels, 30, 0), sample);
  EXPECT_NE(stratified_sample(labels, 30, 1), sample);
  EXPECT_EQ(stratified_sample(labels, 31, 0).size(), 31U);
  EXPECT_EQ(stratified_sample(labels, 1000, 0).size(), labels.size());
  // Not the first ones alone.
  EXPECT_GT(sample[20], 40U);
}

TEST(Sampling, TakesAtMostSoManyOfEachClass) {
  const std::vector<std::string> labels = {"a", "a", "a", "b", "a", "c", "c", "c"};
  const auto sample = sample_per_class(labels, 2, 0);
  EXPECT_EQ(sample.size(), 5U);
  std::map<std::string, int> counts;
  for (const auto row : sample) ++counts[labels[row]];
  EXPECT_EQ(counts, (std::map<std::string, int>{{"a", 2}, {"b", 1}, {"c", 2}}));
}

TEST_F(DatasetTest, SharesAreCutFromTheTrainingRows) {
  std::string rows = "text,label\n";
  for (int i = 0; i < 100; ++i) {
    rows += "t" + std::to_string(i) + "," + (i < 80 ? "a" : "b") + "\n";
  }
  const auto train = write("train.csv", rows);
  const auto data = read({{"train", train}, {"validation_share", 0.2}, {"test_share", 0.1}});
  EXPECT_EQ(data.train.texts.size(), 70U);
  EXPECT_EQ(data.validation.texts.size(), 20U);
  EXPECT_EQ(data.test.texts.size(), 10U);
  EXPECT_EQ(std::ranges::count(data.validation.labels, 1), 4);
  EXPECT_EQ(std::ranges::count(data.test.labels, 1), 2);
  std::set<std::string> all;
  for (const auto* split : {&data.train, &data.validation, &data.test}) {
    all.insert(split->texts.begin(), split->texts.end());
  }
  EXPECT_EQ(all.size(), 100U);
  // Test rows do not depend on how many are validated on, nor on how many are trained on.
  const auto other = read(
      {{"train", train}, {"validation_share", 0.5}, {"test_share", 0.1}, {"max_examples", 10}});
  EXPECT_EQ(other.test.texts, data.test.texts);
  EXPECT_EQ(other.train.texts.size(), 10U);
  EXPECT_NE(
      read({{"train", train}, {"test_share", 0.1}, {"validation_share", 0.2}, {"split_seed", 1}})
          .test.texts,
      data.test.texts);
  EXPECT_EQ(error({{"train", train}}),
            "task.validation: is required: examples to evaluate on while training, or "
            "task.validation_share, a part of the training examples");
  EXPECT_EQ(error({{"train", train}, {"validation_share", 0.001}}),
            "task.validation_share: leaves no rows on one side: there are 100");
  EXPECT_EQ(error({{"validation", train}, {"test_share", 0.1}}),
            "task.test_share: is a part of the training examples: give task.train");
}

TEST_F(DatasetTest, LimitsTakeTheClassesInProportion) {
  std::string rows = "text,label\n";
  for (int i = 0; i < 60; ++i) rows += "t" + std::to_string(i) + (i < 40 ? ",neg\n" : ",pos\n");
  const auto file = write("sorted.csv", rows);
  const auto data = read({{"train", file},
                          {"validation", file},
                          {"max_examples", 30},
                          {"max_validation_examples", 3}});
  EXPECT_EQ(std::ranges::count(data.train.labels, 0), 20);
  EXPECT_EQ(std::ranges::count(data.train.labels, 1), 10);
  EXPECT_EQ(data.validation.texts.size(), 3U);
  const auto few = read({{"train", file}, {"validation", file}, {"max_examples_per_class", 5}});
  EXPECT_EQ(few.train.texts.size(), 10U);
  // A class that a small sample misses is a class all the same.
  EXPECT_EQ(read({{"train", file}, {"validation", file}, {"max_examples", 1}}).classes.size(), 2);
}

TEST_F(DatasetTest, SeveralFilesAndPatternsAreOneSplit) {
  write("part-1.csv", "text,label\na,0\n");
  write("part-2.jsonl", "{\"text\": \"b\", \"label\": 1, \"more\": 2}\n");
  write("part-3.json", "[{\"label\": 0, \"text\": \"c\"}]");
  const auto pattern = (folder_ / "part-*").string();
  const auto last = (folder_ / "part-1.csv").string();
  const auto data = read({{"train", Value::List{pattern, last}}, {"validation", last}});
  EXPECT_EQ(data.train.texts, (Texts{"a", "b", "c", "a"}));
  EXPECT_EQ(data.train.labels, (std::vector<std::int64_t>{0, 1, 0, 0}));
  EXPECT_EQ(data.train.files.size(), 4U);
  write("part-4.csv", "text,label\na,0\nb,\n");
  EXPECT_EQ(error({{"train", pattern}, {"validation", last}}),
            (folder_ / "part-4.csv").string() + ":3: the label in column 'label' is empty");
}

TEST_F(DatasetTest, TextsAndLabelsInFilesOfTheirOwn) {
  const Value::Map values = {{"train", write("text.txt", "first\n\nthird\n")},
                             {"train_labels", write("labels.txt", "0\n1\n1\n")},
                             {"validation", write("v.txt", "x\ny\n")},
                             {"validation_labels", write("vl.txt", "1\n0\n")}};
  const auto data = read(values, false);
  EXPECT_EQ(data.train.texts, (Texts{"first", "", "third"}));
  EXPECT_EQ(data.train.labels, (std::vector<std::int64_t>{0, 1, 1}));
  write("labels.txt", "0\n1\n");
  EXPECT_EQ(error(values, false), (folder_ / "labels.txt").string() + ": has 2 lines where " +
                                      (folder_ / "text.txt").string() +
                                      " has 3; line by line they belong together");
  EXPECT_EQ(error({{"train", write("t.csv", "text,label\na,0\nb,1\n")},
                   {"validation", (folder_ / "t.csv").string()}},
                  false),
            "task.text: is required: the name of the column with the texts");
}

TEST_F(DatasetTest, LabelsBeforeTheirTextsOnALine) {
  const auto trec = write("train.txt", "DESC:manner How did it go ?\nNUM:date When ?\n");
  const auto data = read({{"train", trec},
                          {"validation", trec},
                          {"delimiter", " "},
                          {"columns", Value::List{"label", "text"}}});
  EXPECT_EQ(data.train.texts, (Texts{"How did it go ?", "When ?"}));
  EXPECT_EQ(data.classes.names(), (Texts{"DESC:manner", "NUM:date"}));
}

TEST_F(DatasetTest, SpacesAreTakenOffUnlessToldOtherwise) {
  const auto file = write("a.tsv", "text\tlabel\n good  \tpos \nbad\tneg\n");
  EXPECT_EQ(read({{"train", file}, {"validation", file}}).train.texts, (Texts{"good", "bad"}));
  const auto raw = read({{"train", file}, {"validation", file}, {"strip", false}});
  EXPECT_EQ(raw.train.texts, (Texts{" good  ", "bad"}));
  EXPECT_EQ(raw.classes.names(), (Texts{"neg", "pos "}));
}

TEST_F(DatasetTest, WholeNumbersAreOneLabelHoweverWritten) {
  const auto file =
      write("a.jsonl",
            "{\"text\": \"x\", \"label\": 1.0}\n{\"text\": \"y\", \"label\": 0}\n"
            "{\"text\": \"z\", \"label\": \"1\"}\n{\"text\": \"w\", \"label\": 2.5}\n");
  EXPECT_EQ(read({{"train", file}, {"validation", file}}).classes.names(),
            (Texts{"0", "1", "2.5"}));
  const auto flags = write("b.jsonl",
                           "{\"text\": \"x\", \"label\": true}\n"
                           "{\"text\": \"y\", \"label\": false}\n");
  EXPECT_EQ(read({{"train", flags}, {"validation", flags}}).classes.names(),
            (Texts{"false", "true"}));
}

TEST_F(DatasetTest, SaysWhatWasRead) {
  const auto train = write("train.csv", "text,label\na,neg\nb,pos\nc,pos\n");
  const auto data = read({{"train", train}, {"validation", write("v.csv", "text,label\nd,neg\n")}});
  EXPECT_EQ(data.summary, (Texts{"train: 3 texts of " + train + ", 2 classes (pos: 2, neg: 1)",
                                 "validation: 1 text of " + (folder_ / "v.csv").string() +
                                     ", 1 class (neg: 1)"}));
  EXPECT_EQ(data.warnings, Texts());
}

TEST_F(DatasetTest, WarnsOfWhatMakesResultsMeaningless) {
  const auto train = "train (" + (folder_ / "w.csv").string() + ")";
  const auto file = (folder_ / "w.csv").string();
  EXPECT_EQ(warnings("a,0\nb,1\n"), Texts());
  EXPECT_EQ(warnings("a,0\nb,1\n  ,1\n"),
            Texts{"1 text of " + train + " is empty, the first at " + file + ":4"});
  EXPECT_EQ(warnings("a,0\nb,1\na,0\n"), Texts{"1 text of " + train + " repeats an earlier one"});
  EXPECT_EQ(warnings("a,0\nb,1\na,1\n"), (Texts{"1 text of " + train + " repeats an earlier one",
                                                "1 text of " + train + " has two labels: " + file +
                                                    ":2 ('0') and " + file + ":4 ('1')"}));
  EXPECT_EQ(warnings("other,0\nb,1\n"),
            Texts{"1 text of validation is in train, too, which flatters the result: the first is "
                  "at " +
                  (folder_ / "v.csv").string() + ":2"});
  EXPECT_EQ(warnings("a,0\nb,1\nc,Pos\nd,pos\ne,01\n"),
            (Texts{"labels of " + train + " that may be one: '01', '1'",
                   "labels of " + train + " that may be one: 'Pos', 'pos'"}));
  std::string scores;
  for (int i = 0; i < 22; ++i) {
    scores += "s" + std::to_string(i) + "," + std::to_string(i / 2) + (i % 2 ? ".5\n" : "\n");
  }
  EXPECT_EQ(warnings(scores),
            Texts{"the labels of " + train +
                  " are 22 different numbers, of which each becomes a class; are they scores?"});
}

TEST_F(DatasetTest, WarnsOfSpacesThatAModelWouldLearn) {
  std::string rows;
  for (int i = 0; i < 20; ++i) {
    const auto number = std::to_string(i);
    rows += "a" + number + (i < 18 ? "  ,1\n" : ",1\n") + "b" + number + ",0\n";
  }
  EXPECT_EQ(warnings(rows), Texts());  // they are taken off
  EXPECT_EQ(warnings(rows, {{"strip", false}}),
            Texts{"spaces at the end of texts differ from label to label (90 % of '1', 0 % of "
                  "'0'), and a model that reads the last token learns them; task.strip: true takes "
                  "them off"});
}

TEST_F(DatasetTest, TwoColumnsAreAPair) {
  const auto train = write("p.tsv", "premise\thypothesis\tlabel\n a b \tc\tyes\n a b\td\tno\n");
  const auto v = write("v.jsonl", R"({"premise": ["a", "b"], "hypothesis": "", "label": "no"})");
  const Value::List text = {"premise", "hypothesis"};
  const auto data =
      read({{"train", train}, {"validation", v}, {"text", text}, {"label", "label"}}, false);
  EXPECT_TRUE(data.train.are_pairs);
  EXPECT_EQ(data.train.texts, (Texts{"a b", "c", "a b", "d"}));
  EXPECT_EQ(data.validation.texts, (Texts{"a b", ""}));
  EXPECT_EQ(data.summary.front(), "train: 2 pairs of " + train + ", 2 classes (no: 1, yes: 1)");
  EXPECT_EQ(data.warnings,
            (Texts{"1 text of validation (" + v + ") is empty, the first at " + v + ":1"}));
  EXPECT_EQ(error({{"train", train},
                   {"validation", v},
                   {"text", Value::List{"a", "b", "c"}},
                   {"label", "label"}},
                  false),
            "task.text: names the column with the texts, or two columns that are read as a pair, "
            "such as [premise, hypothesis]");
  EXPECT_EQ(error({{"train", train},
                   {"validation", v},
                   {"text", Value::List{"premise", "hypo"}},
                   {"label", "label"}},
                  false),
            "task.text: " + train + " has no column 'hypo' (columns: premise, hypothesis, label)");
}

struct Layout {
  const char* train;
  const char* validation;
  Value::Map values;
  std::int64_t rows;
  std::int64_t classes;
};

// Public classification sets in their own layouts, with no script.
TEST_F(DatasetTest, ReadsPublicSetsAsTheyLie) {
  const Value::List cola = {"source", "label", "mark", "sentence"};
  const std::vector<Layout> layouts = {
      {"sst2/train.tsv", "sst2/validation.tsv", {{"text", "sentence"}}, 6920, 2},
      {"sst2-glue/train.tsv", "sst2-glue/validation.tsv", {{"text", "sentence"}}, 67349, 2},
      {"trec/train.jsonl", "trec/test.jsonl", {}, 5452, 6},
      {"banking77/train.csv", "banking77/test.csv", {{"label", "category"}}, 10003, 77},
      {"cola/in_domain_train.tsv",
       "cola/in_domain_dev.tsv",
       {{"text", "sentence"}, {"columns", cola}},
       8551,
       2},
      {"emotion/train.txt",
       "emotion/val.txt",
       {{"delimiter", ";"}, {"label", "label_name"}},
       16000,
       6},
      {"ag_news/train_10k_description.tsv",
       "ag_news/test_description.tsv",
       {{"columns", Value::List{"text", "label"}}},
       10001,
       4},
      {"massive_en_intent/train.jsonl", "massive_en_intent/validation.jsonl", {}, 11514, 60},
      {"amazon_counterfactual/train.tsv",
       "amazon_counterfactual/valid.tsv",
       {{"text", "sentence"}, {"label", "is_counterfactual"}},
       4018,
       2},
      {"tweet_sentiment/train.csv", "tweet_sentiment/test.csv", {{"label", "sentiment"}}, 27480, 3},
      {"imdb/train.jsonl.xz", "imdb/test.jsonl.xz", {}, 25000, 2},
  };
  if (!has_shared_data("sst2")) GTEST_SKIP() << no_shared_data("sst2");
  for (const auto& layout : layouts) {
    if (!has_shared_data(layout.train)) continue;
    auto values = layout.values;
    values["train"] = shared_data(layout.train).string();
    values["validation"] = shared_data(layout.validation).string();
    const auto data = read(values);
    EXPECT_EQ(std::ssize(data.train.texts), layout.rows) << layout.train;
    EXPECT_EQ(data.classes.size(), layout.classes) << layout.train;
  }
}

}  // namespace
}  // namespace mvn::test
