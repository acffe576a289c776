#include "pairs.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "embedding.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn::test {
namespace {

class PairsTest : public testing::Test {
 protected:
  TextPairs read(const std::string& rows, Value::Map values) {
    file_ = folder_.write("p.csv", rows).string();
    values["train"] = file_;
    return read_pairs(Params("task", embedding_entry().params, values));
  }
  std::string error(const std::string& rows, const Value::Map& values) {
    return error_of([&] { read(rows, values); });
  }

  TemporaryFolder folder_;
  std::string file_;
};

const Value::Map kColumns = {{"anchor", "a"}, {"positive", "p"}};

Value::Map with(Value::Map more) {
  more.insert(kColumns.begin(), kColumns.end());
  return more;
}

TEST_F(PairsTest, HaveAnyNumberOfNegatives) {
  const auto pairs = read("a,p,n,m\n q ,r,s,t\nu,v,,w\nx,y,,\nk,l,l,\n",
                          with({{"negatives", Value::List{"n", "m"}}}));
  ASSERT_EQ(4U, pairs.pairs.size());
  EXPECT_EQ("q", pairs.pairs[0].anchor);
  EXPECT_EQ("r", pairs.pairs[0].positive);
  EXPECT_EQ((std::vector<std::string>{"s", "t"}), pairs.pairs[0].negatives);
  EXPECT_EQ((std::vector<std::string>{"w"}), pairs.pairs[1].negatives);
  EXPECT_TRUE(pairs.pairs[2].negatives.empty());
  EXPECT_TRUE(pairs.pairs[3].negatives.empty());
  EXPECT_EQ((std::vector<std::string>{
                "negatives of train that equal their row's positive and are left out: 1"}),
            pairs.warnings);
}

TEST_F(PairsTest, OfOneLabelEachTextIsAnAnchorOnceAndAPositiveOnce) {
  const auto pairs =
      read("t,l\na,x\nb,x\nc,x\na,x\nd,y\ne,y\nf,z\n", {{"text", "t"}, {"label", "l"}});
  std::multiset<std::string> anchors;
  std::multiset<std::string> positives;
  for (const auto& pair : pairs.pairs) {
    anchors.insert(pair.anchor);
    positives.insert(pair.positive);
    EXPECT_NE(pair.anchor, pair.positive);
    EXPECT_EQ(pair.anchor < "d" ? "x" : "y", pair.label);
  }
  EXPECT_EQ((std::multiset<std::string>{"a", "b", "c", "d", "e"}), anchors);
  EXPECT_EQ(anchors, positives);
  EXPECT_EQ((std::vector<std::string>{
                "labels of train with a single text, of which no pair can be made: 1"}),
            pairs.warnings);
}

TEST_F(PairsTest, ScoredPairsAreAllOrThoseThatBelongTogether) {
  const std::string rows = "a,p,s\nq,r,4.5\nu,v,0\nx,y,4\n";
  const auto all = read(rows, with({{"loss", "cosent"}, {"score", "s"}}));
  ASSERT_EQ(3U, all.pairs.size());
  EXPECT_EQ(4.5, all.pairs[0].score);
  const auto some = read(rows, with({{"score", "s"}, {"min_score", 4}}));
  EXPECT_EQ(2U, some.pairs.size());
  EXPECT_EQ((std::vector<std::string>{
                "pairs of train that score below task.min_score and are left out: 1"}),
            some.warnings);
}

TEST_F(PairsTest, SayWhatIsWrongAndWhere) {
  EXPECT_EQ(
      "task.anchor: is required: the column with the first text of each pair (or text "
      "and label)",
      error("a,p\nq,r\n", {{"positive", "p"}}));
  EXPECT_EQ("task.label: is required: the column with the labels, beside text",
            error("t\nq\n", {{"text", "t"}}));
  EXPECT_EQ("task.loss: cosent needs scored pairs: anchor, positive and score",
            error("t,l\nq,r\n", {{"text", "t"}, {"label", "l"}, {"loss", "cosent"}}));
  EXPECT_EQ("task.score: is required: the column with the pair's score; cosent orders by it",
            error("a,p\nq,r\n", with({{"loss", "cosent"}})));
  EXPECT_EQ("task.min_score: is required: from which score on a pair belongs together",
            error("a,p,s\nq,r,1\n", with({{"score", "s"}})));
  EXPECT_EQ(file_ + ":3: the positive in column 'p' is empty", error("a,p\nq,r\nu,\n", with({})));
  EXPECT_EQ(file_ + ":2: the anchor in column 'a' is empty", error("a,p\n ,r\nu,v\n", with({})));
  EXPECT_EQ(file_ + ":3: score 'much' is no number",
            error("a,p,s\nq,r,1\nu,v,much\n", with({{"loss", "cosent"}, {"score", "s"}})));
  EXPECT_EQ(file_ + ": every pair has one score, so there is no order to learn",
            error("a,p,s\nq,r,1\nu,v,1.0\n", with({{"loss", "cosent"}, {"score", "s"}})));
  EXPECT_EQ(file_ + ": every row has the same positive, so no batch has a negative to learn from",
            error("a,p\nq,r\nu,r\n", with({})));
  EXPECT_EQ(file_ + ": every row has the same label, so no batch has a negative to learn from",
            error("t,l\nq,x\nu,x\n", {{"text", "t"}, {"label", "l"}}));
  EXPECT_EQ(file_ + ": has no pair to train on",
            error("a,p,s\nq,r,1\n", with({{"score", "s"}, {"min_score", 4}})));
}

}  // namespace
}  // namespace mvn::test
