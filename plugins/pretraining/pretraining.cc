#include "pretraining.h"

#include <array>
#include <cmath>

#include "corpus.h"
#include "mvn/error.h"
#include "token_loss.h"

namespace mvn {
namespace {

struct FlatStates {
  torch::Tensor hidden_ND;
  torch::Tensor labels_N;
};

FlatStates run(Model& model, const Batch& batch) {
  const auto hidden = model.forward(batch.ids, batch.mask);
  return {hidden.flatten(0, 1), batch.labels.flatten()};
}

class PretrainingEvaluation : public Evaluation {
 public:
  // `bytes_per_prediction`: of the text, so that a part of a split counts its part of the bytes.
  explicit PretrainingEvaluation(double bytes_per_prediction)
      : bytes_per_prediction_(bytes_per_prediction) {}

  void add(Model& model, const Batch& batch) override {
    const auto [hidden, labels] = run(model, batch);
    const auto scores = score_tokens(model, hidden, labels);
    total_.nats += scores.nats;
    total_.correct += scores.correct;
    total_.count += scores.count;
  }

  EvaluationResult finish() override {
    const auto count = static_cast<double>(total_.count);
    const double loss = total_.nats / count;
    const double bytes = count * bytes_per_prediction_;
    return {.metrics = {{"loss", loss},
                        {"perplexity", std::exp(loss)},
                        {"bits_per_byte", total_.nats / std::log(2.0) / bytes},
                        {"accuracy", static_cast<double>(total_.correct) / count},
                        {"tokens", count}},
            .predictions = {}};
  }

 private:
  double bytes_per_prediction_;
  TokenScores total_;
};

class Pretraining : public Task {
 public:
  void prepare(const TaskContext& context) override {
    block_ = context.params.get_int("block");
    block_key_ = context.params.key("block");
    constexpr std::array<const char*, 3> kNames = {"train", "validation", "test"};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (!context.params.has(kNames[i])) continue;
      files_.push_back(context.params.get_path(kNames[i]));
      corpora_[i] = Corpus(*context.tokenizer, read_documents(context.params, kNames[i]), block_);
      if (corpora_[i].size() == 0) {
        throw DataError(files_.back().string() + ": has a single token, so nothing to predict");
      }
    }
  }

  void check(const TaskContext& context) override {
    for (const char* name : {"train", "validation", "test"}) {
      if (context.params.has(name)) static_cast<void>(read_documents(context.params, name));
    }
  }

  [[nodiscard]] HeadKind head_kind() const override { return HeadKind::kLanguageModel; }

  // The head is the model's own; this is where the data and the model first meet.
  std::shared_ptr<torch::nn::Module> make_head(const Model& model,
                                               const torch::TensorOptions& /*options*/,
                                               torch::Generator /*generator*/) override {
    if (model.max_length() > 0 && block_ > model.max_length()) {
      throw ConfigError(block_key_, "is " + std::to_string(block_) +
                                        ", but the model reads at most " +
                                        std::to_string(model.max_length()) + " tokens");
    }
    for (const auto& corpus : corpora_) {
      if (corpus.largest_id() >= model.vocabulary()) {
        throw ConfigError("model.tokenizer", "gives the data ids up to " +
                                                 std::to_string(corpus.largest_id()) +
                                                 ", but the model's vocabulary has " +
                                                 std::to_string(model.vocabulary()) + " rows");
      }
    }
    return nullptr;
  }

  [[nodiscard]] std::int64_t size(Split split) const override { return corpus(split).size(); }
  [[nodiscard]] std::span<const std::int32_t> lengths(Split split) const override {
    return corpus(split).lengths();
  }
  [[nodiscard]] double loss_count(Split split,
                                  std::span<const std::int64_t> examples) const override {
    double tokens = 0;
    for (const auto example : examples) {
      tokens += corpus(split).lengths()[static_cast<std::size_t>(example)];
    }
    return tokens;
  }

  [[nodiscard]] Batch collate(Split split, std::span<const std::int64_t> examples) const override {
    const auto& blocks = corpus(split);
    std::size_t longest = 0;
    for (const auto example : examples) longest = std::max(longest, blocks.inputs(example).size());
    const auto rows = static_cast<std::int64_t>(examples.size());
    const auto columns = static_cast<std::int64_t>(longest);
    Batch batch{.ids = torch::zeros({rows, columns}, torch::kLong),
                .mask = torch::zeros({rows, columns}, torch::kBool),
                .labels = torch::full({rows, columns}, kIgnoredLabel, torch::kLong),
                .examples = {examples.begin(), examples.end()}};
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto example = examples[static_cast<std::size_t>(row)];
      const auto inputs = blocks.inputs(example);
      const auto targets = blocks.targets(example);
      const auto start = row * columns;
      std::copy(inputs.begin(), inputs.end(), batch.ids.data_ptr<std::int64_t>() + start);
      std::copy(targets.begin(), targets.end(), batch.labels.data_ptr<std::int64_t>() + start);
      std::fill_n(batch.mask.data_ptr<bool>() + start, inputs.size(), true);
    }
    return batch;
  }

  LossSum loss(Model& model, const Batch& batch) override {
    const auto [hidden, labels] = run(model, batch);
    const auto count = batch.mask.sum().item<double>();
    return {summed_token_loss(model, hidden, labels), count};
  }

  std::unique_ptr<Evaluation> start_evaluation(Split split) override {
    const auto& text = corpus(split);
    return std::make_unique<PretrainingEvaluation>(static_cast<double>(text.bytes()) /
                                                   static_cast<double>(text.predictions()));
  }

  [[nodiscard]] std::vector<std::filesystem::path> data_files() const override { return files_; }

 private:
  [[nodiscard]] const Corpus& corpus(Split split) const {
    return corpora_[static_cast<std::size_t>(split)];
  }

  std::array<Corpus, 3> corpora_;  // by Split
  std::vector<std::filesystem::path> files_;
  std::int64_t block_ = 0;
  std::string block_key_;
};

}  // namespace

TaskEntry pretraining_entry() {
  return {.name = "pretraining",
          .help = "causal language modelling: the next token of packed blocks of text",
          .params = corpus_params(),
          .make = [] { return std::make_unique<Pretraining>(); }};
}

}  // namespace mvn
