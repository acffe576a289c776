#include "train/trainer/saved_head.h"

#include <gtest/gtest.h>

#include <utility>

#include "../toy/toy.h"
#include "mvn/linear.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

using test::error_of;
using Names = std::vector<std::string>;

Value::Map labels(const Names& names) {
  Value::Map id2label;
  for (std::size_t i = 0; i < names.size(); ++i) id2label[std::to_string(i)] = names[i];
  return {{"id2label", id2label}};
}

struct Head : torch::nn::Module {
  explicit Head(std::int64_t classes, const torch::TensorOptions& options = torch::kFloat32)
      : score(register_module("score", std::make_shared<Linear>(2, classes, false, options))) {}
  std::shared_ptr<Linear> score;
};

// Row i holds 10 i and 10 i + 1.
torch::Tensor rows(std::int64_t count) {
  return torch::arange(count).unsqueeze(1) * 10 + torch::arange(2).to(torch::kFloat32);
}

FoundHead found(const Names& names, std::int64_t count) {
  return {{{"score.weight", rows(count)}}, names, "model.weights", "/m"};
}

// The first numbers of the rows of a head for these classes of the data.
std::vector<float> filled(const Names& data, const FoundHead& head) {
  Head made(static_cast<std::int64_t>(data.size()));
  fill_head(made, labels(data), head);
  const auto first = made.score->weight.detach().select(1, 0).contiguous();
  return {first.data_ptr<float>(), first.data_ptr<float>() + first.numel()};
}

std::string refusal(const Names& data, const FoundHead& head) {
  return error_of([&] { filled(data, head); });
}

TEST(SavedHeadTest, ARowGoesToTheClassOfItsName) {
  EXPECT_EQ((std::vector<float>{10, 0}), filled({"neg", "pos"}, found({"pos", "neg"}, 2)));
  EXPECT_EQ((std::vector<float>{0, 10}), filled({"neg", "pos"}, found({"neg", "pos"}, 2)));
  EXPECT_EQ((std::vector<float>{20, 0, 10}), filled({"a", "b", "c"}, found({"b", "c", "a"}, 3)));
  // Names count even where they are numbers.
  EXPECT_EQ((std::vector<float>{10, 0}), filled({"0", "1"}, found({"1", "0"}, 2)));
}

TEST(SavedHeadTest, RowsWithoutNamesAreNumbered) {
  EXPECT_EQ((std::vector<float>{0, 10}), filled({"0", "1"}, found({}, 2)));
  EXPECT_EQ((std::vector<float>{0, 10}), filled({"0", "1"}, found({"LABEL_0", "LABEL_1"}, 2)));
  EXPECT_EQ((std::vector<float>{0, 10}),
            filled({"LABEL_0", "LABEL_1"}, found({"LABEL_0", "LABEL_1"}, 2)));
  const std::string unnamed =
      "model.weights: the head in /m does not say which of its rows is which class; model.config: "
      "{id2label: {0: neg, 1: pos}} does, in the order of its rows; task.head: new starts the head "
      "anew";
  EXPECT_EQ(unnamed, refusal({"neg", "pos"}, found({}, 2)));
  EXPECT_EQ(unnamed, refusal({"neg", "pos"}, found({"LABEL_0", "LABEL_1"}, 2)));
}

TEST(SavedHeadTest, OtherClassesAreRefused) {
  EXPECT_EQ(
      "model.weights: the head in /m has other classes than the data; only in the head: 'good'; "
      "only in the data: 'pos'; task.head: new starts the head anew",
      refusal({"neg", "pos"}, found({"neg", "good"}, 2)));
  EXPECT_EQ(
      "model.weights: the head in /m has 3 classes and the data 2; only in the head: 'mid'; "
      "task.classes names those that the data happens to lack; task.head: new starts the head anew",
      refusal({"neg", "pos"}, found({"neg", "mid", "pos"}, 3)));
  EXPECT_EQ(
      "model.weights: the head in /m has 3 classes and the data 2; task.classes names those that "
      "the data happens to lack; task.head: new starts the head anew",
      refusal({"0", "1"}, found({}, 3)));
}

TEST(SavedHeadTest, OtherTensorsAreRefused) {
  auto other = found({}, 2);
  other.tensors = {{"classifier.weight", rows(2)}};
  EXPECT_EQ(
      "model.weights: the head in /m has 'classifier.weight', which this task's has not; "
      "task.head: new starts the head anew",
      refusal({"0", "1"}, other));
  other.tensors = {{"score.weight", torch::zeros({2, 3})}};
  EXPECT_EQ(
      "model.weights: the head in /m does not fit: 'score.weight' is [2, 3] there and [2, 2] here; "
      "task.head: new starts the head anew",
      refusal({"0", "1"}, other));
}

TEST(SavedHeadTest, AHeadOfShapesAloneIsChecked) {
  Head shapes(2, torch::TensorOptions().device(torch::kMeta));
  EXPECT_NO_THROW(fill_head(shapes, labels({"a", "b"}), found({"b", "a"}, 2)));
  EXPECT_NE("(no error)", error_of([&] {
              fill_head(shapes, labels({"a", "b"}), found({"b", "c"}, 2));
            }));
}

TEST(SavedHeadTest, AConfigurationNamesItsClasses) {
  EXPECT_EQ((Names{"b", "a"}), class_names(labels({"b", "a"})));
  EXPECT_EQ((Names{"b", "a"}), class_names({{"label2id", Value::Map{{"a", 1}, {"b", 0}}}}));
  EXPECT_EQ((Names{"7", "true"}), class_names({{"id2label", Value::Map{{"0", 7}, {"1", true}}}}));
  EXPECT_EQ(Names{}, class_names({{"id2label", Value::Map{{"0", "a"}, {"2", "b"}}}}));
  EXPECT_EQ(Names{}, class_names({{"num_labels", 2}}));
}

// An adapter whose files hold a head.
class WithHead : public toy::TrainAll {
 public:
  explicit WithHead(SavedHead head) : head_(std::move(head)) {}
  [[nodiscard]] SavedHead saved_head() const override { return head_; }

 private:
  SavedHead head_;
};

TEST(SavedHeadTest, TheAdaptersHeadComesBeforeTheWeights) {
  const test::TemporaryFolder folder;
  const auto config = labels({"x", "y"});
  const auto of_weights = find_head(toy::TrainAll(), "/w", {{"score.weight", rows(2)}}, config);
  EXPECT_EQ("model.weights", of_weights.key);
  EXPECT_EQ((Names{"x", "y"}), of_weights.classes);
  const WithHead adapter({{{"score.weight", rows(3)}}, "adapter.weights", folder.path()});
  EXPECT_EQ((Names{"x", "y"}), find_head(adapter, "/w", {}, config).classes);
  folder.write("head_config.json", R"({"id2label": {"0": "c", "1": "b", "2": "a"}})");
  const auto of_adapter = find_head(adapter, "/w", {{"score.weight", rows(2)}}, config);
  EXPECT_EQ("adapter.weights", of_adapter.key);
  EXPECT_EQ((Names{"c", "b", "a"}), of_adapter.classes);
  EXPECT_EQ(3, of_adapter.tensors.at("score.weight").size(0));
}

TEST(SavedHeadTest, ATaskMayWantANewOne) {
  EXPECT_TRUE(wants_new_head({{"head", "new"}}));
  EXPECT_FALSE(wants_new_head({{"head", "loaded"}}));
  EXPECT_FALSE(wants_new_head({}));
}

}  // namespace
}  // namespace mvn
