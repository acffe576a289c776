// A step in parts against the same step at once.
#include <gtest/gtest.h>

#include "support/tensors.h"
#include "support/tiny_model.h"
#include "task_fixture.h"
#include "train/trainer/whole_batch_step.h"

namespace mvn::test {
namespace {

using torch::Tensor;

// A tiny model that drops a third of what it says while it trains.
class NoisyModel : public TinyModel {
 public:
  NoisyModel() : TinyModel(259, 8, 1) {}
  Tensor forward(const Tensor& ids_BL, const Tensor& mask_BL) override {
    return torch::dropout(TinyModel::forward(ids_BL, mask_BL), 0.3, is_training());
  }
};

class GradientCacheTest : public testing::TestWithParam<const char*> {
 protected:
  GradientCacheTest() {
    experiment_.task = pairs_.task(
        {{"loss", GetParam()},
         {"score", "grade"},
         {"min_score", 0},
         {"negatives", std::string(GetParam()) == "cosent" ? Value() : Value("wrong")}});
  }

  WholeBatchTask& task() { return *whole_batch_task(*experiment_.task); }

  [[nodiscard]] std::vector<Batch> parts(std::int64_t size) const {
    std::vector<Batch> all;
    for (std::int64_t begin = 0; begin < 12; begin += size) {
      std::vector<std::int64_t> examples;
      for (auto i = begin; i < std::min<std::int64_t>(12, begin + size); ++i) examples.push_back(i);
      all.push_back(experiment_.task->collate(Split::kTrain, examples));
    }
    return all;
  }

  void use(std::shared_ptr<Model> model) {
    experiment_.model = std::move(model);
    experiment_.model->train();
    torch::manual_seed(11);
  }

  [[nodiscard]] std::vector<Tensor> gradients() const {
    std::vector<Tensor> all;
    for (const auto& parameter : experiment_.model->parameters()) {
      all.push_back(parameter.grad().clone());
    }
    experiment_.model->zero_grad();
    return all;
  }

  static void expect_same(const std::vector<Tensor>& expected, const std::vector<Tensor>& got) {
    ASSERT_EQ(expected.size(), got.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_GT(expected[i].abs().max().item<double>(), 0);
      EXPECT_LT(relative_error(expected[i], got[i]), 1e-6) << i;
    }
  }

  SmallPairs pairs_;
  Experiment experiment_;
};

TEST_P(GradientCacheTest, IsTheStepAtOnce) {
  use(std::make_shared<TinyModel>(259, 8, 1));
  const auto at_once = backward_of_whole_batch(experiment_, task(), parts(12), 12);
  const auto expected = gradients();
  for (const std::int64_t size : {1, 5, 7}) {
    const auto in_parts = backward_of_whole_batch(experiment_, task(), parts(size), 12);
    EXPECT_NEAR(at_once.sum.item<double>(), in_parts.sum.item<double>(), 1e-4);
    EXPECT_EQ(at_once.count, in_parts.count);
    expect_same(expected, gradients());
  }
}

// Against all parts' graphs in memory together; and the random numbers go on as if there had been
// one pass.
TEST_P(GradientCacheTest, DropsTheSameInBothPasses) {
  use(std::make_shared<NoisyModel>());
  const auto all = parts(5);
  std::vector<Tensor> vectors;
  std::vector<std::int64_t> examples;
  for (const auto& part : all) {
    vectors.push_back(task().vectors(*experiment_.model, part));
    examples.insert(examples.end(), part.examples.begin(), part.examples.end());
  }
  (task().loss_of(torch::cat(vectors), examples).sum / 12).backward();
  const auto expected = gradients();
  const auto next = torch::rand({4});
  torch::manual_seed(11);
  backward_of_whole_batch(experiment_, task(), all, 12);
  expect_same(expected, gradients());
  EXPECT_TRUE(torch::equal(next, torch::rand({4})));
}

TEST_P(GradientCacheTest, ThePlainLossOfTheTaskIsTheSame) {
  use(std::make_shared<TinyModel>(259, 8, 1));
  const auto batch = parts(12).front();
  const auto plain = experiment_.task->loss(*experiment_.model, batch);
  const auto step = backward_of_whole_batch(experiment_, task(), {batch}, 12);
  EXPECT_EQ(plain.sum.item<double>(), step.sum.item<double>());
}

INSTANTIATE_TEST_SUITE_P(, GradientCacheTest, testing::Values("infonce", "cosent"));

TEST(WholeBatches, SayWhatDoesNotSuitThem) {
  const auto error_for = [](Task& task, TrainingOptions options) {
    try {
      expect_whole_batches(task, options);
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const SmallPairs pairs;
  TrainingOptions options;
  options.batch_size = 1;
  const auto plain = pairs.task({{"negatives", Value()}});
  EXPECT_EQ(
      "training.batch_size: must be 2 or more: a pair's negatives are the other pairs of its "
      "step",
      error_for(*plain, options));
  EXPECT_EQ("", error_for(*pairs.task(), options));  // hard negatives do
  options.batch_size = 2;
  EXPECT_EQ("", error_for(*plain, options));
  options.cuda_graphs = true;
  EXPECT_EQ(
      "training.cuda_graphs: cannot record this task's steps, whose loss looks at all of "
      "their examples",
      error_for(*plain, options));
}

}  // namespace
}  // namespace mvn::test
