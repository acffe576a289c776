// Task: what a task plugin implements. A task owns the data, the head, the loss and the metrics.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mvn/model.h"
#include "mvn/params.h"
#include "mvn/tokenizer.h"
#include "mvn/torch.h"

namespace mvn {

// kTest may have no examples; it is evaluated once, after training.
enum class Split { kTrain, kValidation, kTest };

// The label of what counts nothing: neither loss nor gradient.
inline constexpr std::int64_t kIgnoredLabel = -100;

// Examples of one split, padded on the right to the longest. For CUDA graphs the trainer adds
// columns, and rows behind the examples, all of whose labels are kIgnoredLabel.
struct Batch {
  torch::Tensor ids;                   // [B, L] int64
  torch::Tensor mask;                  // [B, L] bool, true on real tokens
  torch::Tensor labels;                // the task's own: [B] or [B, L] int64
  std::vector<std::int64_t> examples;  // row -> index of the example in its split
};

struct TaskContext {
  const Params& params;
  std::shared_ptr<const Tokenizer> tokenizer;  // null in check()
  std::int64_t max_length;                     // tokens; training.max_length or the model's limit
  std::filesystem::path cache_folder;          // for tokenised data, shared by all workers
  int threads = 1;                             // to prepare the data with
  // Where prepare() may leave what it made, for the next trial of a persistent worker: see kept().
  // Null: nothing is kept.
  std::shared_ptr<const void>* kept = nullptr;
  bool trains = true;  // false: the model is evaluated as it is, so no training data is needed
};

// What the task left in `context.kept` for an earlier trial of the same parameters, tokenizer and
// max_length whose data_files() have not changed since; else what `make(context)` returns, a
// std::shared_ptr<const T>, which then lies there.
template <typename T, typename Make>
std::shared_ptr<const T> kept(const TaskContext& context, const Make& make) {
  if (context.kept == nullptr) return make(context);
  if (!*context.kept) *context.kept = make(context);
  return std::static_pointer_cast<const T>(*context.kept);
}

// The summed loss of a batch and what it is to be divided by (examples, or predicted tokens).
struct LossSum {
  torch::Tensor sum;  // scalar, with its graph
  double count;
};

struct Metric {
  std::string name;  // without the split: "accuracy"
  double value;
};

// One prediction, kept so that two models can be compared example by example.
struct Prediction {
  std::int64_t example;
  std::int64_t label;
  std::int64_t predicted;
  double confidence;  // probability of `predicted`
};

struct EvaluationResult {
  std::vector<Metric> metrics;
  std::vector<Prediction> predictions;  // empty for tasks without classes
};

// Accumulates over the batches of one split. Called without gradients, the model in eval mode.
class Evaluation {
 public:
  virtual ~Evaluation();
  virtual void add(Model& model, const Batch& batch) = 0;
  [[nodiscard]] virtual EvaluationResult finish() = 0;
};

class Task {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task();

  // Reads and tokenises the data. Throws ConfigError with the key of the parameter at fault
  // ("task.text"), or DataError "file:line: ...".
  virtual void prepare(const TaskContext& context) = 0;

  // Checks the parameters against the data files (columns, labels) without a tokenizer or a
  // model; the same errors as prepare(). Cheap enough to run before a sweep starts. Afterwards
  // config() and make_head(), which is given a model of shapes alone, say and check what they do
  // after prepare().
  virtual void check(const TaskContext& context) = 0;

  [[nodiscard]] virtual HeadKind head_kind() const = 0;
  // Builds the head for a model (after prepare() or check()) and returns it for the optimizer and
  // the checkpoint, its parameters named as Hugging Face names them ("score.weight"); null where
  // the task needs none. `generator` draws its random start.
  virtual std::shared_ptr<torch::nn::Module> make_head(const Model& model,
                                                       const torch::TensorOptions& options,
                                                       torch::Generator generator) = 0;
  // Entries for the saved config.json (num_labels, id2label, ...).
  [[nodiscard]] virtual Value::Map config() const { return {}; }
  // Adds to the folder of a saved model or adapter, in which the tokenizer's files lie, what other
  // programs need to use it as this task does.
  virtual void write_files(const std::filesystem::path& folder) const;

  [[nodiscard]] virtual std::int64_t size(Split split) const = 0;
  // Tokens of each example of `split`, for length-bucketed batches.
  [[nodiscard]] virtual std::span<const std::int32_t> lengths(Split split) const = 0;
  // What the loss of these examples will be divided by, known before they are run.
  [[nodiscard]] virtual double loss_count(Split split,
                                          std::span<const std::int64_t> examples) const = 0;
  [[nodiscard]] virtual Batch collate(Split split,
                                      std::span<const std::int64_t> examples) const = 0;

  // On a GPU no value is read here: the trainer does not wait for the device, and records what it
  // does for CUDA graphs.
  virtual LossSum loss(Model& model, const Batch& batch) = 0;
  virtual std::unique_ptr<Evaluation> start_evaluation(Split split) = 0;

  // How the data looks, a line for each split, and what of it may make results meaningless; for
  // people, after prepare() or check().
  [[nodiscard]] virtual std::vector<std::string> summary() const { return {}; }
  [[nodiscard]] virtual std::vector<std::string> warnings() const { return {}; }
  // The data set's card: numbers and texts by name ("train.rows"), after prepare().
  [[nodiscard]] virtual Value::Map card() const { return {}; }

  // Files the task read, for the record of what produced a result.
  [[nodiscard]] virtual std::vector<std::filesystem::path> data_files() const = 0;
};

}  // namespace mvn
