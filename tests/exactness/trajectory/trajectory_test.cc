// Trains LoRA classifiers as a worker does, from a trial's file to its spool, and holds every
// step's loss to what transformers, peft and torch.optim gave from the same weights
// (make_trajectories.py).
//
// Prints a table: model, steps, largest relative error of a loss, bound.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "common/files.h"
#include "common/json.h"
#include "common/spool.h"
#include "common/trial.h"
#include "support/temporary_folder.h"
#include "support/tensors.h"
#include "train/host/plugin_host.h"
#include "train/trainer/batches.h"
#include "train/trainer/run_trial.h"

namespace mvn::test {
namespace {

namespace fs = std::filesystem;

constexpr double kBound = 1e-4;
constexpr std::int64_t kSeed = 3;
constexpr std::int64_t kBatchSize = 8;

const fs::path kHere = MVN_TEST_TRAJECTORIES;

// SETTINGS of make_trajectories.py. Two micro-batches make a batch: the sum must not depend on it.
Json configuration(const std::string& model) {
  const auto data = (kHere / "train.tsv").string();
  // PEFT's files do not name the rows of the head.
  const Json labels = {{"0", "animal"}, {"1", "colour"}, {"2", "number"}};
  return {{"seed", kSeed},
          {"model",
           {{"plugin", model},
            {"weights", (fs::path(MVN_TEST_BASES) / model).string()},
            {"config", {{"id2label", labels}}},
            {"tokenizer", (kHere / "tokenizer.json").string()}}},
          {"adapter", {{"plugin", "lora"}, {"weights", (kHere / model).string()}}},
          {"task",
           {{"plugin", "classification"},
            {"train", data},
            {"validation", data},
            {"text", "text"},
            {"label", "label"}}},
          {"optimizer",
           {{"name", "adamw"}, {"lr", 5e-3}, {"weight_decay", 0.1}, {"max_grad_norm", 1.0}}},
          {"schedule", {{"name", "cosine"}, {"warmup_steps", 5}, {"min_lr", 0.0}}},
          {"training",
           {{"steps", 50},
            {"batch_size", kBatchSize},
            {"micro_batch_size", 4},
            {"log_every", 1},
            {"eval_every", 50},
            {"checkpoint_every", 50}}}};
}

// The loss of every step, as the worker records it.
std::vector<double> train(const std::string& model, const fs::path& folder) {
  TrialFile trial;
  trial.sweep = "trajectory";
  trial.id = "0123456789abcdef";
  trial.config = configuration(model);
  trial.folder = folder / "trial";
  trial.spool = folder / "spool.jsonl";
  write_file_atomically(folder / "trial.json", to_json(trial).dump());
  const PluginHost host({MVN_TEST_PLUGINS});
  Warm warm;
  const std::atomic<bool> stop{false};
  const auto end = run_trial(folder / "trial.json", host, warm, stop);
  EXPECT_EQ(0, end.code) << end.message;
  std::vector<double> losses;
  for (const auto& record : read_spool(trial.spool, 0).records) {
    if (record.at("type") != "metric" || !record.at("values").contains("train/loss")) continue;
    losses.push_back(number_from_json(record.at("values").at("train/loss")));
  }
  return losses;
}

class Trajectory : public testing::TestWithParam<std::string> {};

TEST_P(Trajectory, EveryLossIsThatOfTheReference) {
  const TemporaryFolder folder;
  const auto expected =
      read_json(kHere / GetParam() / "expected.json").at("losses").get<std::vector<double>>();
  const auto losses = train(GetParam(), folder.path());
  ASSERT_EQ(50U, expected.size());
  ASSERT_EQ(expected.size(), losses.size());
  double worst = 0;
  for (std::size_t step = 0; step < losses.size(); ++step) {
    const double error = relative(std::abs(losses[step] - expected[step]), expected[step]);
    EXPECT_LT(error, kBound) << "step " << step + 1;
    worst = worse(worst, error);
  }
  std::printf("| %-8s | %zu | %.1e | %.0e |\n", GetParam().c_str(), losses.size(), worst, kBound);
}

// Where this fails, the order of the data has changed, and with it every trial's result.
TEST_P(Trajectory, TheBatchesAreThoseOfTheReference) {
  std::vector<std::int32_t> lengths;
  const std::string text = read_file(kHere / "train.tsv");
  for (std::size_t begin = text.find('\n') + 1; begin < text.size();) {
    lengths.push_back(static_cast<std::int32_t>(text.find('\t', begin) - begin));
    begin = text.find('\n', begin) + 1;
  }
  TrainingOptions options;
  options.batch_size = kBatchSize;
  const auto expected =
      read_json(kHere / GetParam() / "expected.json").at("batches").get<std::vector<ExampleList>>();
  std::vector<ExampleList> planned;
  for (std::int64_t epoch = 0; planned.size() < expected.size(); ++epoch) {
    for (auto& batch : plan_epoch(lengths, options, kSeed, epoch)) {
      planned.push_back(std::move(batch));
    }
  }
  planned.resize(expected.size());
  EXPECT_EQ(expected, planned);
}

INSTANTIATE_TEST_SUITE_P(All, Trajectory, testing::Values("mamba", "gptneo", "mistral"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace mvn::test
