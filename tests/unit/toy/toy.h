// A model, an adapter and a task that are as small as they can be and touch everything that the
// trainer has to keep: dropout, parameters with and without decay, examples of many lengths.
#pragma once

#include <csignal>
#include <cstdlib>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mvn/error.h"
#include "mvn/linear.h"
#include "mvn/model.h"
#include "mvn/registry.h"
#include "mvn/task.h"
#include "mvn/torch.h"

namespace mvn::toy {

// hidden = tanh(linear(dropout(embedding(ids))))
class ToyModel : public Model {
 public:
  explicit ToyModel(const ModelContext& context) {
    const auto number = [&](const char* key, std::int64_t fallback) {
      const auto found = context.config.find(key);
      return found == context.config.end() ? fallback : found->second.as_int();
    };
    if (const auto found = context.config.find("dropout"); found != context.config.end()) {
      dropout_ = found->second.as_real();
    }
    vocabulary_ = number("vocab_size", 16);
    width_ = number("hidden_size", 8);
    embeddings_ = register_module(
        "embeddings", std::make_shared<Embedding>(vocabulary_, width_, context.options));
    mixer_ =
        register_module("mixer", std::make_shared<Linear>(width_, width_, true, context.options));
  }

  torch::Tensor forward(const torch::Tensor& ids_BL, const torch::Tensor& /*mask_BL*/) override {
    const auto x = torch::dropout(embeddings_->forward(ids_BL), dropout_, is_training());
    return torch::tanh(mixer_->forward(x));
  }
  torch::Tensor lm_logits(const torch::Tensor& hidden) override {
    return torch::linear(hidden, embeddings_->weight);
  }
  [[nodiscard]] std::int64_t width() const override { return width_; }
  [[nodiscard]] std::int64_t vocabulary() const override { return vocabulary_; }
  [[nodiscard]] std::int64_t max_length() const override { return 64; }
  void initialise(torch::Generator generator) override {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : parameters()) parameter.normal_(0, 0.5, generator);
  }
  [[nodiscard]] std::string base_prefix() const override { return "toy."; }
  [[nodiscard]] Value::Map config(HeadKind /*head*/) const override {
    return {{"model_type", "toy"}, {"vocab_size", vocabulary_}, {"hidden_size", width_}};
  }
  [[nodiscard]] double forward_macs(std::int64_t length) const override {
    return static_cast<double>(length * width_ * width_);
  }

 private:
  std::int64_t vocabulary_ = 0;
  std::int64_t width_ = 0;
  double dropout_ = 0.1;
  std::shared_ptr<Embedding> embeddings_;
  std::shared_ptr<Linear> mixer_;
};

// Trains everything.
class TrainAll : public Adapter {
 public:
  void attach(Model& model) override {
    for (auto& parameter : model.parameters()) parameter.set_requires_grad(true);
  }
  [[nodiscard]] bool keeps_base() const override { return false; }
  void save(const Model&, const torch::nn::Module*, const std::filesystem::path&,
            const std::string&) const override {}
  void load(Model&, torch::nn::Module*, const std::filesystem::path&) override {}
};

struct ToyHead : torch::nn::Module {
  ToyHead(std::int64_t width, const torch::TensorOptions& options)
      : score(register_module("score", std::make_shared<Linear>(width, 2, false, options))) {}
  std::shared_ptr<Linear> score;
};

// Is there a token 1 in the text? The label of example i and its tokens follow from i alone.
//
// For the tests of what goes wrong, environment variables: TOY_KILL_AT=n ends the process with
// SIGKILL at the n-th call of loss(), TOY_STOP_AT=n sends it SIGTERM there.
class ToyTask : public Task {
 public:
  static std::vector<ParamSpec> params() {
    return {{.name = "examples", .type = ParamType::kInt, .default_value = 50, .help = "examples"},
            {.name = "nan_at",
             .type = ParamType::kInt,
             .default_value = 0,
             .help = "call of loss() that is NaN"},
            {.name = "train", .type = ParamType::kPath, .help = "a file that must be there"}};
  }

  void prepare(const TaskContext& context) override {
    check(context);
    nan_at_ = context.params.get_int("nan_at");
    for (const Split split : {Split::kTrain, Split::kValidation}) {
      const auto count = context.params.get_int("examples") / (split == Split::kTrain ? 1 : 5);
      for (std::int64_t i = 0; i < count; ++i) {
        lengths_[split].push_back(static_cast<std::int32_t>(3 + (i * 7919) % 11));
      }
    }
  }
  void check(const TaskContext& context) override {
    if (!context.params.has("train")) return;
    const auto path = context.params.get_path("train");
    if (std::filesystem::exists(path))
      files_ = {path};
    else
      throw ConfigError("task.train", path.string() + ": no such file");
  }
  [[nodiscard]] HeadKind head_kind() const override { return HeadKind::kClassification; }
  std::shared_ptr<torch::nn::Module> make_head(const Model& model,
                                               const torch::TensorOptions& options,
                                               torch::Generator generator) override {
    head_ = std::make_shared<ToyHead>(model.width(), options);
    const torch::NoGradGuard no_grad;
    head_->score->weight.normal_(0, 0.02, std::move(generator));
    return head_;
  }
  [[nodiscard]] std::int64_t size(Split split) const override {
    return static_cast<std::int64_t>(lengths(split).size());
  }
  [[nodiscard]] std::span<const std::int32_t> lengths(Split split) const override {
    const auto found = lengths_.find(split);
    return found == lengths_.end() ? std::span<const std::int32_t>() : found->second;
  }
  [[nodiscard]] double loss_count(Split, std::span<const std::int64_t> examples) const override {
    return static_cast<double>(examples.size());
  }
  [[nodiscard]] Batch collate(Split split, std::span<const std::int64_t> examples) const override {
    std::int64_t longest = 0;
    for (const auto i : examples) longest = std::max<std::int64_t>(longest, length(split, i));
    const auto rows = static_cast<std::int64_t>(examples.size());
    Batch batch;
    batch.ids = torch::zeros({rows, longest}, torch::kInt64);
    batch.mask = torch::zeros({rows, longest}, torch::kBool);
    batch.labels = torch::zeros({rows}, torch::kInt64);
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto i = examples[static_cast<std::size_t>(row)];
      for (std::int64_t k = 0; k < length(split, i); ++k) {
        batch.ids[row][k] = 2 + (i * 31 + k * 17) % 14;
        batch.mask[row][k] = true;
      }
      if (i % 3 == 0) batch.ids[row][i % length(split, i)] = 1;
      batch.labels[row] = i % 3 == 0 ? 1 : 0;
    }
    batch.examples.assign(examples.begin(), examples.end());
    return batch;
  }
  LossSum loss(Model& model, const Batch& batch) override {
    ++calls_;
    fail_as_told();
    if (on_loss) on_loss();
    auto sum =
        torch::cross_entropy_loss(logits(model, batch), batch.labels, {}, at::Reduction::Sum);
    if (calls_ == nan_at_) sum = sum * std::numeric_limits<double>::quiet_NaN();
    return {sum, static_cast<double>(batch.examples.size())};
  }
  std::unique_ptr<Evaluation> start_evaluation(Split /*split*/) override {
    return std::make_unique<Score>(*this);
  }
  [[nodiscard]] std::vector<std::filesystem::path> data_files() const override { return files_; }

  std::function<void()> on_loss;  // called in each loss()

 private:
  class Score : public Evaluation {
   public:
    explicit Score(ToyTask& task) : task_(task) {}
    void add(Model& model, const Batch& batch) override {
      const auto scores = torch::softmax(task_.logits(model, batch), -1);
      const auto [confidence, predicted] = scores.max(-1);
      for (std::int64_t row = 0; row < batch.ids.size(0); ++row) {
        result_.predictions.push_back(
            {batch.examples[static_cast<std::size_t>(row)], batch.labels[row].item<std::int64_t>(),
             predicted[row].item<std::int64_t>(), confidence[row].item<double>()});
        right_ += result_.predictions.back().label == result_.predictions.back().predicted ? 1 : 0;
      }
      loss_ -= scores.gather(-1, batch.labels.unsqueeze(-1)).log().sum().item<double>();
    }
    [[nodiscard]] EvaluationResult finish() override {
      const auto count = static_cast<double>(result_.predictions.size());
      result_.metrics = {{"accuracy", right_ / count}, {"loss", loss_ / count}};
      return std::move(result_);
    }

   private:
    ToyTask& task_;
    EvaluationResult result_;
    double right_ = 0;
    double loss_ = 0;
  };

  [[nodiscard]] std::int64_t length(Split split, std::int64_t example) const {
    return lengths(split)[static_cast<std::size_t>(example)];
  }
  torch::Tensor logits(Model& model, const Batch& batch) {
    const auto hidden = model.forward(batch.ids, batch.mask);
    const auto mean = (hidden * batch.mask.unsqueeze(-1)).sum(1) / batch.mask.sum(1, true);
    return head_->score->forward(mean.to(head_->score->weight.scalar_type()));
  }
  void fail_as_told() const {
    const auto due = [&](const char* variable) {
      const char* at = std::getenv(variable);
      return at != nullptr && std::atoll(at) == calls_;
    };
    if (due("TOY_KILL_AT")) std::raise(SIGKILL);
    if (due("TOY_STOP_AT")) std::raise(SIGTERM);
  }

  std::map<Split, std::vector<std::int32_t>> lengths_;
  std::vector<std::filesystem::path> files_;
  std::shared_ptr<ToyHead> head_;
  std::int64_t nan_at_ = 0;
  std::int64_t calls_ = 0;
};

inline void register_components(Registry& registry) {
  registry.add_model(
      {"toy", "a tiny model for tests", {"toy"}, {}, [](const ModelContext& context) {
         return std::make_shared<ToyModel>(context);
       }});
  registry.add_adapter({"all", "trains everything", {}, [](const AdapterContext&) {
                          return std::make_unique<TrainAll>();
                        }});
  registry.add_task({"toy", "is there a token 1?", ToyTask::params(),
                     [] { return std::make_unique<ToyTask>(); }});
}

}  // namespace mvn::toy
