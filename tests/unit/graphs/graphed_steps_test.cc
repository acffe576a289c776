#include "train/trainer/graphed_steps.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/byte_tokenizer.h"
#include "support/error_of.h"
#include "support/gpu.h"
#include "support/parse.h"
#include "support/plain_recorder.h"
#include "support/plugin_library.h"
#include "support/temporary_folder.h"
#include "support/tensors.h"
#include "support/value_reads.h"
#include "train/trainer/placed_batch.h"
#include "train/trainer/precision.h"

namespace mvn::test {
namespace {

using torch::Tensor;

struct Case {
  const char* model;
  const char* config;
  std::vector<const char*> targets;
  const char* task;
};

constexpr auto* kMamba = R"({"hidden_size": 16, "vocab_size": 259, "num_hidden_layers": 2})";
// Heads of 16, which flash attention serves, and a window that most texts are longer than.
constexpr auto* kGptNeo = R"({"hidden_size": 32, "vocab_size": 259, "num_layers": 2,
                              "num_heads": 2, "window_size": 4, "max_position_embeddings": 32})";
const std::vector<Case> kCases = {
    {"mamba", kMamba, {"in_proj", "x_proj"}, "classification"},
    {"mamba", kMamba, {"in_proj", "x_proj"}, "pretraining"},
    {"gptneo", kGptNeo, {"q_proj", "v_proj", "c_fc"}, "classification"},
    {"gptneo", kGptNeo, {"q_proj", "v_proj", "c_fc"}, "pretraining"},
};

// Texts of 3 to 20 letters, or one text that is cut into blocks of 12.
Params task_params(const TaskEntry& entry, const TemporaryFolder& folder) {
  std::string text = "text\tlabel\n";
  for (int i = 0; i < 24; ++i) {
    text += std::string(static_cast<std::size_t>(3 + i * 7 % 18), static_cast<char>('a' + i));
    text += i % 3 == 0 ? "\tyes\n" : "\tno\n";
  }
  const auto file = folder.write("train.tsv", text).string();
  Value::Map values = {{"train", file}, {"validation", file}, {"text", "text"}};
  if (entry.name == "classification") {
    values["label"] = "label";
  } else {
    values["block"] = 12;
  }
  return {"task", entry.params, values};
}

// A frozen model with a LoRA adapter, and what trains it, with a trial's numerics.
class Learner {
 public:
  Learner(const Case& c, torch::Device device, double dropout, const std::string& name = "adamw",
          Precision precision = Precision::kFp32)
      : experiment_(build(c, device, dropout, precision)),
        optimizer_(options(name), experiment_.trainables()),
        window_(device) {}

  Experiment& experiment() { return experiment_; }

  [[nodiscard]] Batch batch(std::vector<std::int64_t> examples) const {
    return experiment_.task->collate(Split::kTrain, examples);
  }
  [[nodiscard]] double count(const Batch& batch) const {
    return experiment_.task->loss_count(Split::kTrain, batch.examples);
  }

  // Steps as the trainer makes them without graphs.
  void train_plainly() {
    for (const auto& each : batches()) {
      optimizer_.zero_gradients();
      loss(each).backward();
      static_cast<void>(optimizer_.clip_gradients());
      optimizer_.step(kRate);
    }
  }
  void train_graphed(GraphRecorder& recorder) {
    torch::Generator random = at::globalContext().defaultGenerator(experiment_.device);
    random.set_current_seed(5);
    GraphedSteps steps(experiment_, optimizer_, window_, recorder);
    for (const auto& each : batches()) {
      window_.add_loss_count(count(each));
      steps.step(each, count(each), kRate);
    }
  }

  // The mean loss of a batch, with its graph.
  Tensor loss(const Batch& batch) {
    const PlacedBatch placed(batch, experiment_.device);
    return experiment_.task->loss(*experiment_.model, placed.batch()).sum / count(batch);
  }
  [[nodiscard]] double mean_loss() const { return window_.loss(); }

  [[nodiscard]] std::map<std::string, Tensor> values() const {
    std::map<std::string, Tensor> all;
    for (const auto& each : experiment_.trainables()) {
      all[each.name] = each.value.detach().cpu().clone();
    }
    return all;
  }
  [[nodiscard]] std::map<std::string, Tensor> gradients() const {
    std::map<std::string, Tensor> all;
    for (const auto& each : experiment_.trainables()) all[each.name] = each.value.grad().clone();
    return all;
  }

 private:
  static constexpr double kRate = 1e-2;

  static OptimizerOptions options(const std::string& name) {
    OptimizerOptions options;
    options.name = name;
    options.weight_decay = 0.1;
    options.max_grad_norm = 1;
    return options;
  }

  // A few shapes, each several times.
  [[nodiscard]] std::vector<Batch> batches() const {
    std::vector<Batch> all;
    for (std::int64_t step = 0; step < 12; ++step) {
      const std::int64_t first = step % 4 * 5;
      all.push_back(step % 2 == 0 ? batch({first, first + 1, first + 2, first + 3})
                                  : batch({first, first + 1, first + 2}));
    }
    return all;
  }

  Experiment build(const Case& c, torch::Device device, double dropout, Precision precision) {
    set_numerics(/*threads=*/2, precision);
    Experiment experiment;
    experiment.device = device;
    experiment.training.precision = precision;
    experiment.model =
        make_model(c.model, parse(c.config),
                   precision == Precision::kBf16 ? torch::kBFloat16 : torch::kFloat32);
    experiment.model->initialise(generator(7));
    static PluginLibrary lora("lora");
    Value::List targets(c.targets.begin(), c.targets.end());
    const auto& adapter = lora.adapters.at("lora");
    const Params params("adapter", adapter.params,
                        {{"r", 4},
                         {"lora_dropout", dropout},
                         {"target_modules", targets},
                         {"init_lora_weights", "false"}});
    static std::map<std::string, std::unique_ptr<PluginLibrary>> tasks;
    auto& library = tasks[c.task];
    if (!library) library = std::make_unique<PluginLibrary>(c.task);
    const auto& task = library->tasks.at(c.task);
    experiment.task = task.make();
    const Params given = task_params(task, folder_);
    experiment.task->prepare({given, std::make_shared<ByteTokenizer>(), 32, {}});
    experiment.head = experiment.task->make_head(*experiment.model, torch::kFloat32, generator(8));
    experiment.adapter = adapter.make({params, generator(9), experiment.task->head_kind(), {}});
    experiment.model->to(device);
    experiment.adapter->attach(*experiment.model);
    if (experiment.head) experiment.head->to(device);
    experiment.set_training(true);
    return experiment;
  }

  TemporaryFolder folder_;
  Experiment experiment_;
  Optimizer optimizer_;
  Window window_;
};

void expect_close(const std::map<std::string, Tensor>& one,
                  const std::map<std::string, Tensor>& other, double bound) {
  ASSERT_EQ(one.size(), other.size());
  for (const auto& [name, value] : one) {
    EXPECT_LT(relative_error(value, other.at(name)), bound) << name;
  }
}

class GraphedStepsTest : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Models, GraphedStepsTest, testing::ValuesIn(kCases), [](const auto& test) {
  return std::string(test.param.model) + "_" + test.param.task;
});

TEST_P(GraphedStepsTest, APaddedBatchHasTheLossAndTheGradientsOfItsOwn) {
  Learner learner(GetParam(), torch::kCPU, /*dropout=*/0);
  const auto batch = learner.batch({1, 2, 6});
  const auto padded = pad_to(batch, bucket_of(shape_of(batch), /*longest=*/32));
  ASSERT_NE(shape_of(batch), shape_of(padded));
  const auto loss_of = [&](const Batch& each) {
    learner.experiment().model->zero_grad();
    if (learner.experiment().head) learner.experiment().head->zero_grad();
    const auto loss = learner.loss(each);
    loss.backward();
    return loss.item<double>();
  };
  const double expected = loss_of(batch);
  const auto gradients = learner.gradients();
  EXPECT_NEAR(loss_of(padded), expected, 1e-5 * expected);
  expect_close(gradients, learner.gradients(), 1e-4);
}

TEST_P(GraphedStepsTest, TrainAsPlainStepsDo) {
  Learner plain(GetParam(), torch::kCPU, /*dropout=*/0);
  Learner graphed(GetParam(), torch::kCPU, /*dropout=*/0);
  const auto before = graphed.values();
  plain.train_plainly();
  PlainRecorder recorder;
  graphed.train_graphed(recorder);
  EXPECT_GE(recorder.recorded, 1);
  EXPECT_LT(recorder.recorded, 5);
  expect_close(plain.values(), graphed.values(), 1e-3);
  for (const auto& [name, value] : before) {
    EXPECT_GT(largest_difference(value, graphed.values().at(name)), 1e-3) << name;
  }
}

// What reads a value in a step waits for a GPU, and cannot be recorded.
TEST_P(GraphedStepsTest, ReadNoValues) {
  struct Watch : PlainRecorder {
    std::unique_ptr<Graph> record(const std::function<void()>& work) override {
      return PlainRecorder::record([this, work] {
        const ValueReads reads;
        work();
        ++replays;
        EXPECT_EQ(std::set<std::string>{}, ValueReads::names());
      });
    }
    int replays = 0;
  } watch;
  // On a CPU alone, LibTorch's AdamW reads the rate.
  Learner learner(GetParam(), torch::kCPU, /*dropout=*/0.1, "sgd");
  learner.train_graphed(watch);
  EXPECT_GT(watch.replays, 0);
}

void expect_replayed_as_called(const Case& c, Precision precision, double dropout) {
  const torch::Device device(torch::kCUDA, 0);
  Learner called(c, device, dropout, "adamw", precision);
  Learner replayed(c, device, dropout, "adamw", precision);
  {
    PlainRecorder recorder;
    called.train_graphed(recorder);
  }
  {
    const auto recorder = cuda_graph_recorder(device);
    replayed.train_graphed(*recorder);
  }
  expect_close(called.values(), replayed.values(), 1e-4);
  EXPECT_NEAR(called.mean_loss(), replayed.mean_loss(), 1e-4 * called.mean_loss());
  // Other shapes round otherwise, and AdamW makes whole steps of small differences.
  if (dropout > 0 || precision != Precision::kFp32) return;
  Learner plain(c, device, dropout);
  plain.train_plainly();
  expect_close(plain.values(), replayed.values(), 1e-2);
}

TEST_P(GraphedStepsTest, AGpuReplaysThemAsItMakesThem) {
  if (const auto reason = no_gpu(); !reason.empty()) GTEST_SKIP() << reason;
  for (const auto precision : {Precision::kFp32, Precision::kBf16}) {
    for (const double dropout : {0.0, 0.1}) {
      SCOPED_TRACE(testing::Message()
                   << (precision == Precision::kBf16 ? "bf16" : "fp32") << ", dropout " << dropout);
      expect_replayed_as_called(GetParam(), precision, dropout);
    }
  }
}

}  // namespace
}  // namespace mvn::test
