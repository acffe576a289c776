#include "train/trainer/trainer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "../toy/toy.h"
#include "support/error_of.h"
#include "support/plain_recorder.h"
#include "support/temporary_folder.h"
#include "train/trainer/precision.h"
#include "train/trainer/random.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;
using test::PlainRecorder;

class TrainerTest : public testing::Test {
 protected:
  void SetUp() override {
    set_numerics(1, Precision::kFp32);
    optimizer_.name = "adamw";
    optimizer_.lr = 0.05;
    optimizer_.weight_decay = 0.01;
    optimizer_.max_grad_norm = 1;
    schedule_.name = "cosine";
    schedule_.warmup_steps = 3;
    training_.epochs = 4;
    training_.batch_size = 8;
    training_.micro_batch_size = 3;
    training_.log_every = 3;
  }

  // Built without plugins, tokenizers and weights, as build_experiment() does with them.
  Experiment build() const {
    Experiment experiment;
    experiment.optimizer = optimizer_;
    experiment.schedule = schedule_;
    experiment.training = training_;
    const Params none("model", {}, {});
    const Value::Map config = {{"dropout", dropout_}};
    experiment.model =
        std::make_shared<toy::ToyModel>(ModelContext{none, config, torch::dtype(torch::kFloat32)});
    experiment.model->initialise(stream_generator(0, "init/model"));
    experiment.task = std::make_unique<toy::ToyTask>();
    const Params task("task", toy::ToyTask::params(), task_);
    experiment.task->prepare({task, nullptr, 64, {}});
    experiment.head = experiment.task->make_head(*experiment.model, torch::kFloat32,
                                                 stream_generator(0, "init/head"));
    experiment.adapter = std::make_unique<toy::TrainAll>();
    experiment.adapter->attach(*experiment.model);
    experiment.base_parameters = 200;
    return experiment;
  }

  [[nodiscard]] TrialFile trial() const {
    TrialFile trial;
    trial.folder = folder_ / "trial";
    trial.spool = folder_ / "spool.jsonl";
    return trial;
  }

  // One attempt: trains from the newest checkpoint of the trial's folder.
  ExitCode train(Experiment& experiment) {
    std::vector<std::string> problems;
    const auto snapshot =
        CheckpointStore(TrialPaths{trial().folder}.checkpoints(), 1).load_newest(problems);
    SpoolWriter spool(trial().spool);
    Cost cost;
    PlainRecorder recorder;
    Trainer trainer(experiment, trial(), snapshot, spool, cost, stop_,
                    training_.cuda_graphs ? &recorder : nullptr);
    return trainer.train();
  }

  // An attempt that is asked to stop while it makes its first step.
  ExitCode train_one_step(Experiment& experiment) {
    stop_ = false;
    dynamic_cast<toy::ToyTask&>(*experiment.task).on_loss = [this] { stop_ = true; };
    return train(experiment);
  }

  // The metrics of all attempts but those that measure time, by step and name.
  [[nodiscard]] std::map<std::pair<std::int64_t, std::string>, double> metrics() const {
    std::map<std::pair<std::int64_t, std::string>, double> all;
    for (const auto& record : read_spool(trial().spool, 0).records) {
      if (record.at("type") != "metric") continue;
      for (const auto& [name, value] : record.at("values").items()) {
        if (name == "train/tokens_per_second" || name == "train/peak_share") continue;
        const bool is_new = all.emplace(std::pair{record.at("step").get<std::int64_t>(), name},
                                        number_from_json(value))
                                .second;
        EXPECT_TRUE(is_new) << name << " twice at step " << record.at("step");
      }
    }
    return all;
  }

  test::TemporaryFolder temporary_;
  fs::path folder_ = temporary_ / "results";
  OptimizerOptions optimizer_;
  ScheduleOptions schedule_;
  TrainingOptions training_;
  Value::Map task_ = {{"examples", 48}};
  double dropout_ = 0.1;
  std::atomic<bool> stop_{false};
};

std::map<std::string, torch::Tensor> weights_of(const Experiment& experiment) {
  std::map<std::string, torch::Tensor> weights;
  for (const auto& each : experiment.trainables()) weights[each.name] = each.value.detach();
  return weights;
}

void expect_same_weights(const Experiment& one, const Experiment& two) {
  const auto other = weights_of(two);
  for (const auto& [name, tensor] : weights_of(one)) {
    EXPECT_TRUE(torch::equal(tensor, other.at(name))) << name;
  }
}

TEST(SplitMixTest, IsTheReferenceSequence) {
  SplitMix random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317U);
  EXPECT_EQ(random.next(), 3203168211198807973U);
  EXPECT_EQ(random.next(), 9817491932198370423U);
}

// What a seed means must not change from one release to the next.
TEST(StreamTest, SeedsAreTheSameForEver) {
  EXPECT_EQ(stream_seed(0, "dropout"), 15876998530164574652U);
  EXPECT_NE(stream_seed(0, "dropout"), stream_seed(1, "dropout"));
  EXPECT_NE(stream_seed(0, "dropout"), stream_seed(0, "init/model"));
}

TEST_F(TrainerTest, WithoutStepsNothingIsNeededToTrain) {
  training_.epochs.reset();
  training_.steps = 0;
  optimizer_.lr.reset();
  schedule_.warmup_steps.reset();
  schedule_.warmup_tokens = 1000;
  auto experiment = build();
  EXPECT_EQ(ExitCode::kDone, train(experiment));
  std::ifstream in(trial().spool);
  for (std::string line; std::getline(in, line);) {
    EXPECT_EQ(std::string::npos, line.find("optimizer.lr")) << line;
    EXPECT_EQ(std::string::npos, line.find("warning")) << line;
  }
}

TEST_F(TrainerTest, LearnsTheToyTaskAndRecordsIt) {
  training_.epochs = 30;
  training_.checkpoint_every = 100;
  auto experiment = build();
  EXPECT_EQ(train(experiment), ExitCode::kDone);
  const auto recorded = metrics();
  EXPECT_GT(recorded.at({180, "eval/accuracy"}), 0.9);
  EXPECT_LT(recorded.at({180, "train/loss"}), recorded.at({3, "train/loss"}));
  EXPECT_TRUE(recorded.contains({180, "train/grad_norm"}));
  EXPECT_TRUE(recorded.contains({6, "eval/loss"}));
  EXPECT_DOUBLE_EQ(recorded.at({3, "train/lr"}), 0.05);
  std::ifstream predictions(folder_ / "trial/predictions.jsonl");
  std::string line;
  std::int64_t count = 0;
  while (std::getline(predictions, line)) {
    EXPECT_EQ(Json::parse(line).at("example"), count);
    ++count;
  }
  EXPECT_EQ(count, 9);
}

TEST_F(TrainerTest, InterruptedAfterEveryStepItIsTheSameRun) {
  auto whole = build();
  EXPECT_EQ(train(whole), ExitCode::kDone);
  const auto expected = metrics();
  fs::remove_all(folder_);

  Experiment last = build();
  int attempts = 1;
  while (train_one_step(last) == ExitCode::kCheckpointed) {
    last = build();
    ++attempts;
  }
  EXPECT_EQ(attempts, 24);
  EXPECT_EQ(metrics(), expected);
  expect_same_weights(whole, last);
}

// What is left of a run whose newest checkpoint was damaged while nobody looked.
TEST_F(TrainerTest, FromBehindADamagedCheckpointItIsTheSameRun) {
  auto whole = build();
  EXPECT_EQ(train(whole), ExitCode::kDone);
  fs::remove_all(folder_);
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto part = build();
    EXPECT_EQ(train_one_step(part), ExitCode::kCheckpointed);
  }
  fs::resize_file(folder_ / "trial/checkpoints/step-3/tensors.safetensors", 100);
  std::vector<std::string> problems;
  EXPECT_EQ(CheckpointStore(folder_ / "trial/checkpoints", 1).load_newest(problems).step, 2);
  EXPECT_EQ(problems.size(), 1U);
  stop_ = false;
  auto rest = build();
  EXPECT_EQ(train(rest), ExitCode::kDone);
  expect_same_weights(whole, rest);
}

TEST_F(TrainerTest, TheBestModelIsKeptAndAResumedRunKnowsWhichItWas) {
  training_.keep_best = "eval/loss";
  training_.best_is_smallest = false;  // the largest loss is that of an early step
  Experiment last = build();
  while (train_one_step(last) == ExitCode::kCheckpointed) last = build();
  double best = 0;
  std::int64_t best_step = 0;
  for (const auto& [key, value] : metrics()) {
    if (key.second != "eval/loss" || value <= best) continue;
    best = value;
    best_step = key.first;
  }
  EXPECT_LT(best_step, 24);
  std::int64_t saved = 0;
  for (const auto& record : read_spool(trial().spool, 0).records) {
    if (record.at("type") == "artifact" && record.at("kind") == "best-model") {
      saved = record.at("step");
    }
  }
  EXPECT_EQ(saved, best_step);
  EXPECT_TRUE(fs::exists(folder_ / "trial/best/model.safetensors"));
}

TEST_F(TrainerTest, TheBestByAMetricThatIsNotThereIsAnError) {
  training_.keep_best = "eval/acuracy";
  auto experiment = build();
  EXPECT_EQ(test::error_of([&] { train(experiment); }),
            "training.keep_best: the evaluation has no metric 'eval/acuracy'; did you mean "
            "'eval/accuracy'? (known: eval/accuracy, eval/loss)");
}

TEST_F(TrainerTest, NoStepsAreAnEvaluation) {
  training_.steps = 0;
  training_.epochs.reset();
  auto experiment = build();
  const auto before = weights_of(build());
  EXPECT_EQ(train(experiment), ExitCode::kDone);
  const auto recorded = metrics();
  EXPECT_EQ(recorded.size(), 2U);
  EXPECT_TRUE(recorded.contains({0, "eval/accuracy"}));
  for (const auto& [name, tensor] : weights_of(experiment)) {
    EXPECT_TRUE(torch::equal(tensor, before.at(name))) << name;
  }
}

TEST_F(TrainerTest, AWarmUpInTokensTakesTheStepsOfSoManyMeanBatches) {
  schedule_.warmup_steps.reset();
  std::int64_t tokens = 0;
  const auto sample = build();
  for (const auto length : sample.task->lengths(Split::kTrain)) tokens += length;
  schedule_.warmup_tokens = static_cast<double>(tokens) / 2;  // half an epoch: 3 of 6 batches
  auto experiment = build();
  EXPECT_EQ(train(experiment), ExitCode::kDone);
  EXPECT_DOUBLE_EQ(metrics().at({3, "train/lr"}), 0.05);
  for (const auto& record : read_spool(trial().spool, 0).records) {
    if (record.at("type") == "param") {
      EXPECT_EQ(record.at("values").at("schedule.warmup_steps"), 3);
    }
  }
}

TEST_F(TrainerTest, TheShareOfThePeakIsFlopsOverItAndTime) {
  training_.steps = 3;
  auto experiment = build();
  experiment.peak_flops = 1e9;
  EXPECT_EQ(train(experiment), ExitCode::kDone);
  std::map<std::string, Json> values;
  for (const auto& record : read_spool(trial().spool, 0).records) {
    if (record.at("type") == "metric" && record.at("values").contains("train/peak_share")) {
      values = record.at("values").get<std::map<std::string, Json>>();
    }
  }
  // Three passes of two operations: 64 for a token and layer, and 16 for an example's head.
  const double tokens = values.at("train/tokens_per_second").get<double>();
  const double share = values.at("train/peak_share").get<double>();
  EXPECT_GT(share * 1e9 / tokens, 6 * 64);
  EXPECT_LT(share * 1e9 / tokens, 6 * (64 * 1.5 + 16));
}

TEST_F(TrainerTest, HowABatchIsCutDoesNotChangeItsGradient) {
  dropout_ = 0;
  optimizer_.name = "sgd";
  optimizer_.max_grad_norm.reset();
  training_.steps = 2;
  training_.batch_size = 20;
  training_.micro_batch_size = 20;
  auto whole = build();
  EXPECT_EQ(train(whole), ExitCode::kDone);
  fs::remove_all(folder_);
  training_.micro_batch_size = 7;
  auto parts = build();
  EXPECT_EQ(train(parts), ExitCode::kDone);
  const auto other = weights_of(parts);
  for (const auto& [name, tensor] : weights_of(whole)) {
    EXPECT_TRUE(torch::allclose(tensor, other.at(name), 1e-5, 1e-6)) << name;
  }
}

// On a CPU what would be a graph is called again.
TEST_F(TrainerTest, StepsOfPaddedShapesAreTheSameRun) {
  dropout_ = 0;
  training_.batch_size = 7;  // the last batch of an epoch is smaller
  training_.micro_batch_size = 7;
  auto plain = build();
  EXPECT_EQ(train(plain), ExitCode::kDone);
  const auto expected = metrics();
  fs::remove_all(folder_);
  training_.cuda_graphs = true;
  auto graphed = build();
  EXPECT_EQ(train(graphed), ExitCode::kDone);
  const auto other = weights_of(graphed);
  for (const auto& [name, tensor] : weights_of(plain)) {
    EXPECT_TRUE(torch::allclose(tensor, other.at(name), 1e-4, 1e-5)) << name;
  }
  const auto recorded = metrics();
  ASSERT_EQ(recorded.size(), expected.size());
  for (const auto& [key, value] : expected) {
    EXPECT_NEAR(recorded.at(key), value, 1e-4) << key.first << " " << key.second;
  }
}

TEST_F(TrainerTest, StepsOfPaddedShapesInterruptedAfterEachAreTheSameRun) {
  training_.cuda_graphs = true;
  training_.micro_batch_size = training_.batch_size;
  auto whole = build();
  EXPECT_EQ(train(whole), ExitCode::kDone);
  const auto expected = metrics();
  fs::remove_all(folder_);
  Experiment last = build();
  while (train_one_step(last) == ExitCode::kCheckpointed) last = build();
  EXPECT_EQ(metrics(), expected);
  expect_same_weights(whole, last);
}

TEST_F(TrainerTest, ANaNEndsTheTrialWithoutACheckpoint) {
  task_["nan_at"] = 8;  // three calls a step
  auto experiment = build();
  EXPECT_EQ(test::error_of([&] { train(experiment); }),
            "diverged in step 3 of 24: the loss is NaN; a lower optimizer.lr or more warm-up may "
            "help");
  EXPECT_FALSE(fs::exists(folder_ / "trial/checkpoints"));
}

TEST_F(TrainerTest, StepsAndEpochsEndWhereTheFirstOfThemDoes) {
  training_.steps = 5;
  auto experiment = build();
  EXPECT_EQ(train(experiment), ExitCode::kDone);
  EXPECT_TRUE(metrics().contains({5, "eval/loss"}));
  EXPECT_FALSE(metrics().contains({6, "train/loss"}));
}

TEST_F(TrainerTest, BatchesByTokensTrainToo) {
  training_.batch_tokens = 40;
  training_.micro_batch_size = 40;
  auto experiment = build();
  EXPECT_EQ(train(experiment), ExitCode::kDone);
  EXPECT_FALSE(metrics().empty());
}

}  // namespace
}  // namespace mvn
