#include "embedding.h"

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <utility>

#include "closing_tokenizer.h"
#include "contrastive.h"
#include "evaluation.h"
#include "mvn/data.h"
#include "mvn/error.h"
#include "mvn/vector_task.h"
#include "mvn/vocabulary.h"
#include "mvn/whole_batch_task.h"
#include "pairs.h"
#include "pooling.h"
#include "prompts.h"
#include "register.h"
#include "sentence_files.h"
#include "sets.h"
#include "texts.h"
#include "tokenizer_files.h"
#include "tokens.h"

namespace mvn {
namespace {

// Training texts of a pair and what decides who is whose negative.
struct TrainingRow {
  Indices texts;  // anchor, positive, negatives
  std::int64_t anchor_key = 0;
  std::int64_t positive_key = 0;
  double score = 0;
};

// The texts of one split.
struct SplitTexts {
  std::vector<std::string> texts;  // until they are tokens
  std::vector<std::filesystem::path> files;
  TokenStore tokens;
  Measurements measurements;  // none of training
};

// What the files hold.
struct Data {
  std::vector<TrainingRow> rows;
  std::vector<std::int32_t> row_lengths;  // see lengths()
  std::array<SplitTexts, 3> splits;       // by Split
  std::vector<std::string> summary;
  std::vector<std::string> warnings;
  std::int32_t end_of_text = -1;
  bool closes = false;  // that token ends every text, which the tokenizer's own files do not say
};

constexpr std::array<const char*, 3> kNames = {"train", "validation", "test"};

void read_training(const Params& params, const Prompts& prompts, Data& data) {
  auto pairs = read_pairs(params);
  TextList texts;
  TextList labels;
  std::size_t negatives = 0;
  for (const auto& pair : pairs.pairs) {
    TrainingRow row{.texts = {texts.add(prompts.query(pair.anchor)),
                              texts.add(prompts.document(pair.positive))},
                    .score = pair.score};
    for (const auto& negative : pair.negatives) {
      row.texts.push_back(texts.add(prompts.document(negative)));
    }
    negatives += pair.negatives.size();
    row.anchor_key = row.texts[0];
    // No text of one label is a negative of another: keys below 0 are labels.
    row.positive_key = pair.label.empty() ? row.texts[1] : -1 - labels.add(pair.label);
    data.rows.push_back(std::move(row));
  }
  auto& split = data.splits[0];
  split.texts = texts.take();
  split.files = std::move(pairs.files);
  std::string line = "train: " + std::to_string(data.rows.size()) + " pairs";
  if (negatives > 0) line += ", " + std::to_string(negatives) + " hard negatives";
  if (params.has("label")) line += ", of " + std::to_string(labels.texts().size()) + " labels";
  data.summary.push_back(line);
  data.warnings.insert(data.warnings.end(), pairs.warnings.begin(), pairs.warnings.end());
}

std::string summary_of(const std::string& name, const EvaluationSets& sets) {
  std::vector<std::string> parts;
  if (sets.sts) parts.push_back(std::to_string(sets.sts->scores.size()) + " scored pairs");
  if (sets.pairs) parts.push_back(std::to_string(sets.pairs->scores.size()) + " labelled pairs");
  if (sets.retrieval) {
    parts.push_back(std::to_string(sets.retrieval->queries.size()) + " queries to " +
                    std::to_string(sets.retrieval->documents.size()) + " documents");
  }
  if (sets.probe) {
    parts.push_back("a probe of " + std::to_string(sets.probe->test.size()) + " texts and " +
                    std::to_string(sets.probe->classes) + " labels");
  }
  if (sets.clusters) {
    parts.push_back(std::to_string(sets.clusters->texts.size()) + " texts of " +
                    std::to_string(sets.clusters->classes) + " clusters");
  }
  std::string line = name + ":";
  for (const auto& part : parts) line += (&part == parts.data() ? " " : ", ") + part;
  return line;
}

void read_evaluation(const TaskContext& context, const Prompts& prompts, Split which, Data& data) {
  const Params& params = context.params;
  const std::string name = kNames[static_cast<std::size_t>(which)];
  auto sets = read_sets(params, name);
  if (sets.empty()) {
    if (which == Split::kTest || !context.trains) return;
    throw ConfigError(params.key("validation_sts"),
                      "is required: something to measure on while training, or " +
                          params.key("validation_pairs") + ", " + params.key("validation_corpus") +
                          ", " + params.key("validation_probe") + " or " +
                          params.key("validation_clusters"));
  }
  data.summary.push_back(summary_of(name, sets));
  data.warnings.insert(data.warnings.end(), sets.warnings.begin(), sets.warnings.end());
  auto& split = data.splits[static_cast<std::size_t>(which)];
  split.files = sets.files;
  TextList texts;
  split.measurements = measurements_of(std::move(sets), prompts, draw_rules(params), texts);
  split.texts = texts.take();
}

// How texts become vectors, as the parameters say or else the folder that they name.
SentenceSettings vector_settings(const Params& params) {
  SentenceSettings settings;
  if (params.has("settings")) {
    settings = read_sentence_files(params.get_path("settings"), params.key("settings"));
  }
  if (params.has("pooling")) settings.pooling = pooling_from(params.get_text("pooling"));
  if (params.has("normalize")) settings.normalize = params.get_bool("normalize");
  return settings;
}

// Texts that are given vectors, and nothing is measured: they are the test split, each once for
// each time that it is there.
void read_texts_to_embed(const Params& params, const Prompts& prompts,
                         const SentenceSettings& settings, Data& data) {
  auto& split = data.splits[static_cast<std::size_t>(Split::kTest)];
  auto read = read_texts(params);
  split.files = std::move(read.files);
  const Prompt prompt = prompt_of_texts(params, prompts, settings);
  for (const auto& text : read.texts) split.texts.push_back(prompt(text));
  data.summary.push_back("texts: " + std::to_string(split.texts.size()));
  data.warnings.insert(data.warnings.end(), read.warnings.begin(), read.warnings.end());
}

std::shared_ptr<Data> read_files(const TaskContext& context, const SentenceSettings& settings) {
  auto data = std::make_shared<Data>();
  const auto prompts = read_prompts(context.params, settings);
  if (context.params.has("texts")) {
    read_texts_to_embed(context.params, prompts, settings, *data);
    return data;
  }
  if (context.params.has("train")) {
    read_training(context.params, prompts, *data);
  } else if (context.trains) {
    throw ConfigError(context.params.key("train"),
                      "is required: training pairs; only training: {steps: 0} needs none");
  }
  read_evaluation(context, prompts, Split::kValidation, *data);
  read_evaluation(context, prompts, Split::kTest, *data);
  return data;
}

// The tokenizer that the texts go through: see the parameter end_of_text.
std::shared_ptr<const Tokenizer> text_tokenizer(const TaskContext& context, Pooling pooling,
                                                Data& data) {
  const auto& params = context.params;
  data.end_of_text = context.tokenizer->end_of_text();
  const bool last = pooling == Pooling::kLast;
  const bool wanted = params.has("end_of_text") ? params.get_bool("end_of_text") : last;
  if (!wanted || !closing_tokens(*context.tokenizer).empty()) return context.tokenizer;
  if (data.end_of_text >= 0) {
    data.closes = true;
    return std::make_shared<ClosingTokenizer>(context.tokenizer);
  }
  if (params.has("end_of_text")) {
    throw ConfigError(params.key("end_of_text"), "the tokenizer has no end-of-text token");
  }
  data.warnings.emplace_back(
      "the tokenizer has no end-of-text token: of each text the last word itself is pooled");
  return context.tokenizer;
}

// Everything that the texts of a split, and their tokens, depend on.
Value::Map how_of(const Params& params, std::size_t split, bool closes) {
  Value::Map how = params.values();
  for (const char* name : {"temperature", "symmetric", "pooling", "normalize", "end_of_text"}) {
    how.erase(name);
  }
  how["task"] = "embedding";
  how["split"] = static_cast<std::int64_t>(split);
  how["closes"] = closes;
  return how;
}

// Chance alone makes batches: texts of one length are no fairer negatives than others, so all rows
// claim the mean.
std::vector<std::int32_t> equal_lengths(const std::vector<TrainingRow>& rows,
                                        const TokenStore& tokens) {
  std::int64_t sum = 0;
  for (const auto& row : rows) {
    for (const auto text : row.texts) sum += tokens.lengths()[static_cast<std::size_t>(text)];
  }
  const auto count = std::max<std::int64_t>(1, static_cast<std::int64_t>(rows.size()));
  return std::vector<std::int32_t>(rows.size(),
                                   static_cast<std::int32_t>((sum + count - 1) / count));
}

std::shared_ptr<const Data> read_data(const TaskContext& context,
                                      const SentenceSettings& settings) {
  auto data = read_files(context, settings);
  const auto tokenizer = text_tokenizer(context, settings.pooling, *data);
  for (std::size_t i = 0; i < data->splits.size(); ++i) {
    auto& split = data->splits[i];
    if (split.texts.empty()) continue;
    auto sources = split.files;
    sources.insert(sources.end(), settings.files.begin(), settings.files.end());
    split.tokens = tokenise(*tokenizer, split.texts, context.max_length,
                            {.folder = context.cache_folder,
                             .sources = std::move(sources),
                             .how = how_of(context.params, i, data->closes)},
                            context.threads);
    split.texts = {};
  }
  data->row_lengths = equal_lengths(data->rows, data->splits[0].tokens);
  return data;
}

// What a loss is made of.
struct LossOptions {
  bool cosent = false;
  bool symmetric = false;
  double temperature = 1;
};

class EmbeddingEvaluation : public Evaluation {
 public:
  EmbeddingEvaluation(const SplitTexts& split, VectorTask& task) : split_(split), task_(task) {}

  void add(Model& model, const Batch& batch) override {
    const auto vectors = task_.text_vectors(model, batch);
    if (!vectors_.defined()) vectors_ = torch::zeros({split_.tokens.size(), vectors.size(1)});
    vectors_.index_copy_(0, torch::tensor(batch.examples, torch::kLong), vectors);
  }

  EvaluationResult finish() override { return {measure(split_.measurements, vectors_), {}}; }

 private:
  const SplitTexts& split_;
  VectorTask& task_;
  torch::Tensor vectors_;
};

class EmbeddingTask : public WholeBatchTask, public VectorTask {
 public:
  void prepare(const TaskContext& context) override {
    read_options(context.params);
    max_length_ = context.max_length;
    data_ = kept<Data>(context, [&](const auto& given) { return read_data(given, settings_); });
  }

  void check(const TaskContext& context) override {
    read_options(context.params);
    data_ = read_files(context, settings_);
  }

  [[nodiscard]] HeadKind head_kind() const override { return HeadKind::kNone; }

  // There is none; this is where the data and the model first meet.
  std::shared_ptr<torch::nn::Module> make_head(const Model& model,
                                               const torch::TensorOptions& /*options*/,
                                               torch::Generator /*generator*/) override {
    width_ = model.width();
    for (const auto& split : data_->splits) {
      expect_in_vocabulary(split.tokens.largest_id(), model);
    }
    return nullptr;
  }

  [[nodiscard]] std::int64_t size(Split split) const override {
    return static_cast<std::int64_t>(lengths(split).size());
  }
  // Of a training row the mean of all rows' texts together: batches are made by chance alone.
  [[nodiscard]] std::span<const std::int32_t> lengths(Split split) const override {
    if (split == Split::kTrain) return data_->row_lengths;
    return texts_of(split).tokens.lengths();
  }
  // CoSENT's loss is one number of all pairs.
  [[nodiscard]] double loss_count(Split /*split*/,
                                  std::span<const std::int64_t> examples) const override {
    return loss_.cosent ? 1 : static_cast<double>(examples.size());
  }

  // Of a training row all texts, one after the other.
  [[nodiscard]] Batch collate(Split split, std::span<const std::int64_t> examples) const override {
    Indices texts;
    for (const auto example : examples) {
      if (split == Split::kTrain) {
        const auto& row = row_at(example);
        texts.insert(texts.end(), row.texts.begin(), row.texts.end());
      } else {
        texts.push_back(example);
      }
    }
    const auto& tokens = texts_of(split).tokens;
    std::size_t longest = 0;
    for (const auto text : texts) longest = std::max(longest, tokens[text].size());
    const auto rows = static_cast<std::int64_t>(texts.size());
    const auto columns = static_cast<std::int64_t>(longest);
    Batch batch{.ids = torch::zeros({rows, columns}, torch::kLong),
                .mask = torch::zeros({rows, columns}, torch::kBool),
                .labels = torch::zeros({rows}, torch::kLong),
                .examples = {examples.begin(), examples.end()}};
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto ids = tokens[texts[static_cast<std::size_t>(row)]];
      std::copy(ids.begin(), ids.end(), batch.ids.data_ptr<std::int64_t>() + row * columns);
      std::fill_n(batch.mask.data_ptr<bool>() + row * columns, ids.size(), true);
    }
    return batch;
  }

  void expect_batch_size(std::int64_t examples) override {
    batch_size_ = examples;
    const bool has_negatives =
        !loss_.cosent && std::ranges::any_of(data_->rows, [](const TrainingRow& row) {
          return row.texts.size() > 2;
        });
    if (examples != 1 || has_negatives) return;
    throw ConfigError("training.batch_size",
                      loss_.cosent ? "must be 2 or more: cosent orders the pairs of a step"
                                   : "must be 2 or more: a pair's negatives are the other pairs of "
                                     "its step");
  }

  torch::Tensor vectors(Model& model, const Batch& part) override {
    return embed(model, settings_.pooling, part.ids, part.mask);
  }

  torch::Tensor text_vectors(Model& model, const Batch& batch) override {
    auto vectors = embed(model, settings_.pooling, batch.ids, batch.mask);
    if (settings_.normalize) vectors = unit(vectors);
    return vectors.cpu();
  }

  LossSum loss_of(const torch::Tensor& vectors, std::span<const std::int64_t> examples) override {
    Indices anchors;
    Indices positives;
    Indices negatives;
    std::int64_t next = 0;
    for (const auto example : examples) {
      anchors.push_back(next++);
      positives.push_back(next++);
      for (std::size_t i = 2; i < row_at(example).texts.size(); ++i) negatives.push_back(next++);
    }
    const auto rows = [&](const Indices& indices) {
      return vectors.index_select(0, torch::tensor(indices, torch::kLong).to(vectors.device()));
    };
    if (loss_.cosent) {
      return {cosent(rows(anchors), rows(positives), scores_of(examples).to(vectors.device()),
                     loss_.temperature),
              1};
    }
    const auto hidden = not_negatives(keys_of(examples));
    expect_negatives(hidden);
    positives.insert(positives.end(), negatives.begin(), negatives.end());
    return {info_nce(rows(anchors), rows(positives), hidden.to(vectors.device()), loss_.temperature,
                     loss_.symmetric),
            static_cast<double>(examples.size())};
  }

  std::unique_ptr<Evaluation> start_evaluation(Split split) override {
    return std::make_unique<EmbeddingEvaluation>(texts_of(split), *this);
  }

  void write_files(const std::filesystem::path& folder) const override {
    write_sentence_files(folder, settings_, width_, max_length_);
    complete_tokenizer_files(folder, data_->end_of_text, data_->closes, max_length_);
  }

  [[nodiscard]] std::vector<std::filesystem::path> data_files() const override {
    auto files = settings_.files;
    for (const auto& split : data_->splits) {
      for (const auto& file : split.files) {
        if (std::ranges::find(files, file) == files.end()) files.push_back(file);
      }
    }
    return files;
  }

  [[nodiscard]] std::vector<std::string> summary() const override { return data_->summary; }

  [[nodiscard]] std::vector<std::string> warnings() const override {
    auto warnings = data_->warnings;
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      const auto& tokens = data_->splits[i].tokens;
      if (tokens.cut() == 0) continue;
      warnings.push_back(std::to_string(tokens.cut()) + " of " + std::to_string(tokens.size()) +
                         " texts of " + kNames[i] +
                         " are longer than the model reads and lose what is beyond "
                         "(training.max_length)");
    }
    return warnings;
  }

  [[nodiscard]] Value::Map card() const override {
    Value::Map card;
    if (!data_->rows.empty()) card["train.pairs"] = static_cast<std::int64_t>(data_->rows.size());
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      const auto& tokens = data_->splits[i].tokens;
      if (tokens.size() == 0) continue;
      const std::string prefix = std::string(kNames[i]) + ".";
      card[prefix + "texts"] = tokens.size();
      card[prefix + "tokens_max"] = std::int64_t{*std::ranges::max_element(tokens.lengths())};
      card[prefix + "truncated_share"] =
          static_cast<double>(tokens.cut()) / static_cast<double>(tokens.size());
    }
    return card;
  }

 private:
  void read_options(const Params& params) {
    loss_ = {.cosent = params.get_text("loss") == "cosent",
             .symmetric = params.get_bool("symmetric"),
             .temperature = params.get_real("temperature")};
    settings_ = vector_settings(params);
    settings_.prompts = read_prompts(params, settings_).by_name();
    if (!loss_.cosent || !loss_.symmetric) return;
    throw ConfigError(params.key("symmetric"), "is for infonce; cosent is so already");
  }

  [[nodiscard]] const SplitTexts& texts_of(Split split) const {
    return data_->splits[static_cast<std::size_t>(split)];
  }
  [[nodiscard]] const TrainingRow& row_at(std::int64_t example) const {
    return data_->rows[static_cast<std::size_t>(example)];
  }

  [[nodiscard]] torch::Tensor scores_of(std::span<const std::int64_t> examples) const {
    std::vector<double> scores;
    for (const auto example : examples) scores.push_back(row_at(example).score);
    return torch::tensor(scores, torch::kDouble);
  }

  [[nodiscard]] BatchKeys keys_of(std::span<const std::int64_t> examples) const {
    BatchKeys keys;
    for (const auto example : examples) {
      keys.anchors.push_back(row_at(example).anchor_key);
      keys.documents.push_back(row_at(example).positive_key);
    }
    for (const auto example : examples) {
      const auto& texts = row_at(example).texts;
      keys.documents.insert(keys.documents.end(), texts.begin() + 2, texts.end());
    }
    return keys;
  }

  // The last batch of an epoch may be too small to have one; it adds nothing then.
  void expect_negatives(const torch::Tensor& hidden_BM) const {
    const auto rows = hidden_BM.size(0);
    if (rows < batch_size_ || batch_size_ == 0) return;
    if (hidden_BM.sum().item<std::int64_t>() < hidden_BM.numel() - rows) return;
    throw DataError("a step of " + std::to_string(rows) +
                    " pairs has no negative: every other document equals the positive; more "
                    "training.batch_size helps");
  }

  std::shared_ptr<const Data> data_ = std::make_shared<const Data>();
  LossOptions loss_;
  SentenceSettings settings_;
  std::int64_t max_length_ = 0;  // tokens of a text; 0: no limit
  std::int64_t width_ = 0;       // of the vectors
  std::int64_t batch_size_ = 0;  // as expect_batch_size() heard it
};

std::vector<ParamSpec> vector_params() {
  return {
      {.name = "loss",
       .default_value = "infonce",
       .help = "infonce: each anchor finds its positive among all documents of the step; cosent: "
               "pairs lie as close as their scores order them",
       .choices = {"infonce", "cosent"}},
      {.name = "temperature",
       .type = ParamType::kReal,
       .default_value = 0.05,
       .help = "cosines are divided by it in the loss; e5 takes 0.02. One over what others call "
               "scale",
       .above = 0},
      {.name = "symmetric",
       .type = ParamType::kBool,
       .default_value = false,
       .help = "infonce: each positive finds its anchor too, and both count half"},
      {.name = "pooling",
       .help = "which of a text's hidden states make its vector (default: last, or as `settings` "
               "has it); weighted_mean is SGPT's: later tokens count more",
       .choices = pooling_names()},
      {.name = "normalize",
       .type = ParamType::kBool,
       .help = "vectors of length 1 (default: true, or as `settings` has it); of the figures only "
               "a probe's depends on it, which e5's authors measure without"},
      {.name = "settings",
       .type = ParamType::kPath,
       .help =
           "folder of a sentence-transformers model: pooling, normalisation and prompts are "
           "what it says, where they are not said here (default: the model's own weights, where "
           "they are one)"},
      {.name = "end_of_text",
       .type = ParamType::kBool,
       .help = "end every text with the end-of-text token where the tokenizer does not (default: "
               "where pooling is last)"},
  };
}

std::vector<ParamSpec> embedding_params() {
  auto params = pair_params();
  for (auto&& more :
       {vector_params(), prompt_params(), set_params(), text_params(), table_params()}) {
    params.insert(params.end(), more.begin(), more.end());
  }
  return params;
}

}  // namespace

TaskEntry embedding_entry() {
  return {.name = "embedding",
          .help =
              "a vector for each text: contrastive training, measured by STS, retrieval and "
              "classification as MTEB does",
          .params = embedding_params(),
          .make = [] { return std::make_unique<EmbeddingTask>(); },
          .from_weights = {{"settings", kSentenceModules}}};
}

void register_embedding(Registry& registry) { registry.add_task(embedding_entry()); }

}  // namespace mvn
