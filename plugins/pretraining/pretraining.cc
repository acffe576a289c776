#include "pretraining.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "corpus.h"
#include "last_word.h"
#include "mvn/error.h"
#include "mvn/vocabulary.h"
#include "register.h"
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

// What a model said of last words. A word is right where the first guess of each of its tokens is.
struct WordScores {
  double nats = 0;
  std::int64_t right = 0;
  std::int64_t count = 0;
};

// Examples from `first_word` on are last words, those before them blocks of text.
class PretrainingEvaluation : public Evaluation {
 public:
  // `bytes_per_prediction`: of the text, so that a part of a split counts its part of the bytes.
  PretrainingEvaluation(double bytes_per_prediction, std::int64_t first_word)
      : bytes_per_prediction_(bytes_per_prediction), first_word_(first_word) {}

  void add(Model& model, const Batch& batch) override {
    const auto [hidden, labels] = run(model, batch);
    const auto is_word = torch::zeros_like(batch.labels, torch::kBool);
    std::size_t words = 0;
    for (std::size_t row = 0; row < batch.examples.size(); ++row) {
      if (batch.examples[row] < first_word_) continue;
      is_word[static_cast<std::int64_t>(row)].fill_(true);
      ++words;
    }
    const auto word_N = is_word.flatten();
    if (words < batch.examples.size()) {
      const auto scores = score_tokens(model, hidden, labels.masked_fill(word_N, kIgnoredLabel));
      total_.nats += scores.nats;
      total_.correct += scores.correct;
      total_.count += scores.count;
    }
    add_words(model, batch, hidden, word_N.logical_and(labels.ne(kIgnoredLabel)));
  }

  EvaluationResult finish() override {
    EvaluationResult result;
    if (total_.count > 0) {
      const auto count = static_cast<double>(total_.count);
      const double loss = total_.nats / count;
      const double bytes = count * bytes_per_prediction_;
      result.metrics = {{"loss", loss},
                        {"perplexity", std::exp(loss)},
                        {"bits_per_byte", total_.nats / std::log(2.0) / bytes},
                        {"accuracy", static_cast<double>(total_.correct) / count},
                        {"tokens", count}};
    }
    if (words_.count > 0) {
      const auto count = static_cast<double>(words_.count);
      result.metrics.push_back({"last_word_accuracy", static_cast<double>(words_.right) / count});
      result.metrics.push_back({"last_word_perplexity", std::exp(words_.nats / count)});
      result.metrics.push_back({"last_word_examples", count});
    }
    return result;
  }

 private:
  // `wanted_N`: the positions that predict a token of a last word, row by row.
  void add_words(Model& model, const Batch& batch, const torch::Tensor& hidden_ND,
                 const torch::Tensor& wanted_N) {
    const auto words = batch.labels.ne(kIgnoredLabel).sum(1).cpu();
    const auto positions = wanted_N.nonzero().squeeze(1);
    if (positions.numel() == 0) return;
    const auto [right, nats] = guess_tokens(model, hidden_ND.index_select(0, positions),
                                            batch.labels.flatten().index_select(0, positions));
    words_.nats += nats.sum(torch::kFloat64).item<double>();
    std::int64_t begin = 0;
    for (std::size_t row = 0; row < batch.examples.size(); ++row) {
      if (batch.examples[row] < first_word_) continue;
      const auto tokens = words[static_cast<std::int64_t>(row)].item<std::int64_t>();
      words_.right += right.narrow(0, begin, tokens).all().item<bool>() ? 1 : 0;
      ++words_.count;
      begin += tokens;
    }
  }

  double bytes_per_prediction_;
  std::int64_t first_word_;
  TokenScores total_;
  WordScores words_;
};

// What the files hold.
struct Data {
  std::array<Corpus, 3> corpora;  // by Split
  LastWords words;                // of the test split, after its text
  std::vector<std::int32_t> test_lengths;
  std::vector<std::filesystem::path> files;
};

Corpus read_corpus(const TaskContext& context, const std::string& which) {
  Value::Map how = {{"task", "pretraining"}};
  for (const char* name : {"text", "format", "delimiter", "header", "columns", "encoding"}) {
    if (context.params.has(name)) how[name] = context.params.get(name);
  }
  const auto path = context.params.get_path(which);
  const auto write = [&](TokenWriter& writer) {
    write_stream(*context.tokenizer, read_documents(context.params, which), writer,
                 context.threads);
  };
  Corpus corpus(TokenStore::open(context.cache_folder, {path}, how, write),
                context.params.get_int("block"));
  if (corpus.size() == 0) {
    throw DataError(path.string() + ": has a single token, so nothing to predict");
  }
  return corpus;
}

LastWords read_words(const TaskContext& context) {
  const auto write = [&](TokenWriter& writer) {
    write_last_words(*context.tokenizer, read_last_words(context.params), writer, context.threads);
  };
  return {TokenStore::open(context.cache_folder, {context.params.get_path("last_word")},
                           {{"task", "pretraining, last word"}}, write),
          context.max_length};
}

std::shared_ptr<const Data> read_data(const TaskContext& context) {
  auto data = std::make_shared<Data>();
  constexpr std::array<const char*, 3> kNames = {"train", "validation", "test"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (!context.params.has(kNames[i])) continue;
    data->files.push_back(context.params.get_path(kNames[i]));
    data->corpora[i] = read_corpus(context, kNames[i]);
  }
  if (context.params.has("last_word")) {
    data->files.push_back(context.params.get_path("last_word"));
    data->words = read_words(context);
  }
  for (const auto lengths : {data->corpora.back().lengths(), data->words.lengths()}) {
    data->test_lengths.insert(data->test_lengths.end(), lengths.begin(), lengths.end());
  }
  return data;
}

class Pretraining : public Task {
 public:
  void prepare(const TaskContext& context) override {
    read_block(context);
    data_ = kept<Data>(context, read_data);
  }

  void check(const TaskContext& context) override {
    read_block(context);
    for (const char* name : {"train", "validation", "test"}) {
      if (context.params.has(name)) static_cast<void>(read_documents(context.params, name));
    }
    if (context.params.has("last_word")) static_cast<void>(read_last_words(context.params));
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
    auto largest = data_->words.largest_id();
    for (const auto& corpus : data_->corpora) largest = std::max(largest, corpus.largest_id());
    expect_in_vocabulary(largest, model);
    return nullptr;
  }

  [[nodiscard]] std::int64_t size(Split split) const override {
    return static_cast<std::int64_t>(lengths(split).size());
  }
  [[nodiscard]] std::span<const std::int32_t> lengths(Split split) const override {
    return split == Split::kTest ? data_->test_lengths : corpus(split).lengths();
  }
  [[nodiscard]] double loss_count(Split split,
                                  std::span<const std::int64_t> examples) const override {
    double tokens = 0;
    for (const auto example : examples) tokens += lengths(split)[static_cast<std::size_t>(example)];
    return tokens;
  }

  [[nodiscard]] Batch collate(Split split, std::span<const std::int64_t> examples) const override {
    std::int64_t columns = 0;
    for (const auto example : examples) {
      columns = std::max<std::int64_t>(columns, lengths(split)[static_cast<std::size_t>(example)]);
    }
    const auto rows = static_cast<std::int64_t>(examples.size());
    Batch batch{.ids = torch::zeros({rows, columns}, torch::kLong),
                .mask = torch::zeros({rows, columns}, torch::kBool),
                .labels = torch::full({rows, columns}, kIgnoredLabel, torch::kLong),
                .examples = {examples.begin(), examples.end()}};
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto example = examples[static_cast<std::size_t>(row)];
      const auto blocks = corpus(split).size();
      if (example < blocks) {
        fill_row(batch, row, corpus(split).inputs(example), corpus(split).targets(example));
      } else {
        const auto& words = data_->words;
        fill_row(batch, row, words.inputs(example - blocks), words.word(example - blocks));
      }
    }
    return batch;
  }

  LossSum loss(Model& model, const Batch& batch) override {
    const auto [hidden, labels] = run(model, batch);
    // Counted on the host: to ask a GPU for the mask's sum would be to wait for it.
    return {summed_token_loss(model, hidden, labels), loss_count(Split::kTrain, batch.examples)};
  }

  std::unique_ptr<Evaluation> start_evaluation(Split split) override {
    const auto& text = corpus(split);
    const auto predictions = static_cast<double>(std::max<std::int64_t>(1, text.predictions()));
    return std::make_unique<PretrainingEvaluation>(static_cast<double>(text.bytes()) / predictions,
                                                   text.size());
  }

  [[nodiscard]] std::vector<std::filesystem::path> data_files() const override {
    return data_->files;
  }

 private:
  void read_block(const TaskContext& context) {
    block_ = context.params.get_int("block");
    block_key_ = context.params.key("block");
    if (!context.trains || context.params.has("train")) return;
    throw ConfigError(context.params.key("train"),
                      "is required: training text; only training: {steps: 0} needs none");
  }

  [[nodiscard]] const Corpus& corpus(Split split) const {
    return data_->corpora[static_cast<std::size_t>(split)];
  }

  // The last positions of the row predict `targets`.
  static void fill_row(Batch& batch, std::int64_t row, std::span<const std::int32_t> inputs,
                       std::span<const std::int32_t> targets) {
    const auto start = row * batch.ids.size(1);
    const auto first = static_cast<std::int64_t>(inputs.size() - targets.size());
    std::copy(inputs.begin(), inputs.end(), batch.ids.data_ptr<std::int64_t>() + start);
    std::copy(targets.begin(), targets.end(),
              batch.labels.data_ptr<std::int64_t>() + start + first);
    std::fill_n(batch.mask.data_ptr<bool>() + start, inputs.size(), true);
  }

  std::shared_ptr<const Data> data_ = std::make_shared<const Data>();
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

void register_pretraining(Registry& registry) { registry.add_task(pretraining_entry()); }

}  // namespace mvn
