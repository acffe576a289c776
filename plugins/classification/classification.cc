#include "classification.h"

#include <algorithm>

#include "confusion.h"
#include "dataset.h"
#include "head.h"
#include "mvn/error.h"
#include "mvn/vocabulary.h"
#include "pairs.h"
#include "register.h"
#include "tokens.h"

namespace mvn {
namespace {

// Beyond this, per-class counts would drown the other metrics; predictions still have them.
constexpr std::int64_t kMaxCountedClasses = 100;

// `weights`: of each class, undefined where all count alike.
torch::Tensor summed_loss(const torch::Tensor& logits, const torch::Tensor& labels,
                          const torch::Tensor& weights = {}, double label_smoothing = 0) {
  return torch::cross_entropy_loss(logits.to(torch::kFloat32), labels,
                                   weights.defined() ? std::optional(weights) : std::nullopt,
                                   at::Reduction::Sum, /*ignore_index=*/-100, label_smoothing);
}

// The tokens and labels of one split.
struct SplitData {
  TokenStore tokens;
  std::vector<std::int64_t> labels;
};

// What the files hold.
struct Data {
  std::array<SplitData, 3> splits;  // by Split
  std::vector<std::string> classes;
  std::vector<float> weights;  // by class; empty where all count alike
  std::vector<std::filesystem::path> files;
  std::vector<std::string> summary;
  std::vector<std::string> warnings;
};

// So that all classes together weigh alike, and a row 1 on average, as scikit-learn's
// compute_class_weight("balanced") has it. A class without rows weighs nothing.
std::vector<float> balanced_weights(const std::vector<std::int64_t>& labels, std::size_t classes) {
  std::vector<double> counts(classes);
  for (const auto label : labels) counts[static_cast<std::size_t>(label)] += 1;
  std::vector<float> weights;
  for (const double count : counts) {
    const auto rows = static_cast<double>(labels.size());
    weights.push_back(
        static_cast<float>(count > 0 ? rows / (static_cast<double>(classes) * count) : 0.0));
  }
  return weights;
}

// What decides which texts of its files are a split's, and how they are read. Splits that take all
// of one file share its tokens.
Value::Map text_parameters(const Params& params, Split split) {
  Value::Map how = {{"task", "classification"}};
  const auto add = [&](const std::string& name) {
    if (params.has(name)) how[name] = params.get(name);
    return params.has(name);
  };
  for (const char* name :
       {"text", "format", "delimiter", "header", "columns", "encoding", "strip"}) {
    add(name);
  }
  if (params.has("text") && params.get_text_list("text").size() > 1) add("pair_separator");
  bool some = false;
  for (const char* name : {"validation_share", "test_share"}) some = add(name) || some;
  if (split == Split::kTrain) {
    for (const char* name : {"max_examples", "max_examples_per_class"}) some = add(name) || some;
  } else {
    some = add("max_validation_examples") || some;
  }
  if (!some) return how;
  how["split"] = static_cast<std::int64_t>(split);
  for (const char* name : {"label", "split_seed"}) add(name);
  return how;
}

void add_files(std::vector<std::filesystem::path>& files,
               const std::vector<std::filesystem::path>& more) {
  for (const auto& file : more) {
    if (std::ranges::find(files, file) == files.end()) files.push_back(file);
  }
}

std::shared_ptr<const Data> read_data(const TaskContext& context) {
  auto dataset = read_dataset(context.params);
  auto data = std::make_shared<Data>();
  data->classes = dataset.classes.names();
  data->summary = std::move(dataset.summary);
  data->warnings = std::move(dataset.warnings);
  if (context.params.has("class_weights")) {
    data->weights = balanced_weights(dataset.train.labels, data->classes.size());
  }
  const auto fill = [&](Split split, Examples& examples) {
    if (examples.texts.empty()) return;
    add_files(data->files, examples.files);
    auto& filled = data->splits[static_cast<std::size_t>(split)];
    const TokenPlace place = {.folder = context.cache_folder,
                              .sources = examples.files,
                              .how = text_parameters(context.params, split)};
    const auto truncation =
        context.params.has("truncation") ? context.params.get_text("truncation") : std::string();
    filled.tokens = examples.are_pairs
                        ? tokenise_pairs(*context.tokenizer, examples.texts,
                                         {.max_length = context.max_length,
                                          .separator = context.params.get_text("pair_separator"),
                                          .truncation = truncation,
                                          .threads = context.threads},
                                         place)
                        : tokenise(*context.tokenizer, examples.texts, context.max_length, place,
                                   context.threads, truncation);
    filled.labels = std::move(examples.labels);
  };
  fill(Split::kTrain, dataset.train);
  fill(Split::kValidation, dataset.validation);
  fill(Split::kTest, dataset.test);
  return data;
}

torch::Tensor logits_of(Model& model, ClassificationHead& head, const Batch& batch) {
  return head.forward(model.forward_at(batch.ids, batch.mask, last_token(batch.mask)));
}

class ClassificationEvaluation : public Evaluation {
 public:
  ClassificationEvaluation(std::shared_ptr<ClassificationHead> head,
                           std::vector<std::string> classes)
      : head_(std::move(head)),
        classes_(std::move(classes)),
        confusion_(static_cast<std::int64_t>(classes_.size())) {}

  void add(Model& model, const Batch& batch) override {
    const auto logits = logits_of(model, *head_, batch).to(torch::kFloat32);
    loss_ += summed_loss(logits, batch.labels).item<double>();
    const auto [confidence, predicted] = logits.softmax(1).max(1);
    const auto confidence_cpu = confidence.cpu();
    const auto predicted_cpu = predicted.cpu();
    const auto labels_cpu = batch.labels.cpu();
    for (std::size_t i = 0; i < batch.examples.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      const Prediction prediction{.example = batch.examples[i],
                                  .label = labels_cpu[row].item<std::int64_t>(),
                                  .predicted = predicted_cpu[row].item<std::int64_t>(),
                                  .confidence = confidence_cpu[row].item<float>()};
      confusion_.add(prediction.label, prediction.predicted);
      predictions_.push_back(prediction);
    }
  }

  EvaluationResult finish() override {
    const auto total = static_cast<double>(confusion_.total());
    EvaluationResult result;
    result.metrics = {{"loss", loss_ / total},
                      {"accuracy", confusion_.accuracy()},
                      {"macro_f1", confusion_.macro_f1()},
                      {"mcc", confusion_.matthews()},
                      {"majority", confusion_.majority()},
                      {"examples", total}};
    const auto classes = static_cast<std::int64_t>(classes_.size());
    for (std::int64_t c = 0; c < classes && classes <= kMaxCountedClasses; ++c) {
      const auto& name = classes_[static_cast<std::size_t>(c)];
      result.metrics.push_back({"labelled/" + name, static_cast<double>(confusion_.labelled(c))});
      result.metrics.push_back({"predicted/" + name, static_cast<double>(confusion_.predicted(c))});
    }
    std::sort(predictions_.begin(), predictions_.end(),
              [](const auto& a, const auto& b) { return a.example < b.example; });
    result.predictions = std::move(predictions_);
    return result;
  }

 private:
  std::shared_ptr<ClassificationHead> head_;
  std::vector<std::string> classes_;
  Confusion confusion_;
  double loss_ = 0;
  std::vector<Prediction> predictions_;
};

class Classification : public Task {
 public:
  void prepare(const TaskContext& context) override {
    expect_training_data(context);
    data_ = kept<Data>(context, read_data);
    read_loss(context.params);
  }

  void check(const TaskContext& context) override {
    expect_training_data(context);
    auto dataset = read_dataset(context.params);
    auto data = std::make_shared<Data>();
    data->classes = dataset.classes.names();
    data->summary = std::move(dataset.summary);
    data->warnings = std::move(dataset.warnings);
    data_ = std::move(data);
    read_loss(context.params);
  }

  [[nodiscard]] HeadKind head_kind() const override { return HeadKind::kClassification; }

  std::shared_ptr<torch::nn::Module> make_head(const Model& model,
                                               const torch::TensorOptions& options,
                                               torch::Generator generator) override {
    check_vocabulary(model);
    head_ = std::make_shared<ClassificationHead>(
        model.width(), static_cast<std::int64_t>(classes().size()), options, std::move(generator));
    return head_;
  }

  [[nodiscard]] Value::Map config() const override {
    Value::Map id2label;
    Value::Map label2id;
    for (std::size_t i = 0; i < classes().size(); ++i) {
      id2label[std::to_string(i)] = classes()[i];
      label2id[classes()[i]] = static_cast<std::int64_t>(i);
    }
    return {{"id2label", id2label},
            {"label2id", label2id},
            {"num_labels", static_cast<std::int64_t>(classes().size())},
            {"problem_type", "single_label_classification"}};
  }

  [[nodiscard]] std::int64_t size(Split split) const override { return data(split).tokens.size(); }
  [[nodiscard]] std::span<const std::int32_t> lengths(Split split) const override {
    return data(split).tokens.lengths();
  }
  [[nodiscard]] double loss_count(Split split,
                                  std::span<const std::int64_t> examples) const override {
    if (data_->weights.empty() || split != Split::kTrain) {
      return static_cast<double>(examples.size());
    }
    double count = 0;
    for (const auto example : examples) {
      const auto label = data(split).labels[static_cast<std::size_t>(example)];
      count += data_->weights[static_cast<std::size_t>(label)];
    }
    return count;
  }

  [[nodiscard]] Batch collate(Split split, std::span<const std::int64_t> examples) const override {
    const auto& [tokens, labels] = data(split);
    std::size_t longest = 0;
    for (const auto example : examples) longest = std::max(longest, tokens[example].size());
    const auto rows = static_cast<std::int64_t>(examples.size());
    const auto columns = static_cast<std::int64_t>(longest);
    Batch batch{.ids = torch::zeros({rows, columns}, torch::kLong),
                .mask = torch::zeros({rows, columns}, torch::kBool),
                .labels = torch::empty({rows}, torch::kLong),
                .examples = {examples.begin(), examples.end()}};
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto example = examples[static_cast<std::size_t>(row)];
      const auto ids = tokens[example];
      std::copy(ids.begin(), ids.end(), batch.ids.data_ptr<std::int64_t>() + row * columns);
      std::fill_n(batch.mask.data_ptr<bool>() + row * columns, ids.size(), true);
      batch.labels.data_ptr<std::int64_t>()[row] = labels[static_cast<std::size_t>(example)];
    }
    return batch;
  }

  LossSum loss(Model& model, const Batch& batch) override {
    const auto logits = logits_of(model, *head_, batch);
    if (!data_->weights.empty() && !weights_.defined()) {
      weights_ = torch::tensor(data_->weights).to(logits.device());
    }
    return {summed_loss(logits, batch.labels, weights_, label_smoothing_),
            loss_count(Split::kTrain, batch.examples)};
  }

  std::unique_ptr<Evaluation> start_evaluation(Split /*split*/) override {
    return std::make_unique<ClassificationEvaluation>(head_, classes());
  }

  [[nodiscard]] std::vector<std::filesystem::path> data_files() const override {
    return data_->files;
  }

  [[nodiscard]] std::vector<std::string> summary() const override { return data_->summary; }

  [[nodiscard]] std::vector<std::string> warnings() const override {
    constexpr double kMany = 0.05;  // of the texts
    auto warnings = data_->warnings;
    for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
      const auto& tokens = data(split).tokens;
      if (static_cast<double>(tokens.cut()) <= kMany * static_cast<double>(tokens.size())) continue;
      warnings.push_back(std::to_string(tokens.cut()) + " of " + std::to_string(tokens.size()) +
                         " texts of " + name_of(split) +
                         " are longer than the model reads and lose their " +
                         (cuts_left_ ? "beginning" : "end") + " (training.max_length)");
    }
    return warnings;
  }

  [[nodiscard]] Value::Map card() const override {
    Value::Map card = {{"classes", static_cast<std::int64_t>(classes().size())}};
    for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
      const auto& [tokens, labels] = data(split);
      if (labels.empty()) continue;
      std::vector<std::int32_t> lengths(tokens.lengths().begin(), tokens.lengths().end());
      std::ranges::sort(lengths);
      const auto prefix = std::string(name_of(split)) + ".";
      card[prefix + "rows"] = tokens.size();
      card[prefix + "tokens_median"] = std::int64_t{lengths[lengths.size() / 2]};
      card[prefix + "tokens_max"] = std::int64_t{lengths.back()};
      card[prefix + "truncated_share"] =
          static_cast<double>(tokens.cut()) / static_cast<double>(tokens.size());
      std::vector<std::int64_t> counts(classes().size());
      for (const auto label : labels) ++counts[static_cast<std::size_t>(label)];
      const auto [fewest, most] = std::ranges::minmax_element(counts);
      card[prefix + "smallest_class"] = *fewest;
      card[prefix + "largest_class"] = *most;
    }
    return card;
  }

 private:
  static const char* name_of(Split split) {
    return split == Split::kTrain ? "train" : split == Split::kTest ? "test" : "validation";
  }

  // What decides the loss, and how texts are cut.
  void read_loss(const Params& params) {
    label_smoothing_ = params.get_real("label_smoothing");
    cuts_left_ = params.has("truncation") && params.get_text("truncation") == "left";
  }

  static void expect_training_data(const TaskContext& context) {
    if (!context.trains || context.params.has("train")) return;
    throw ConfigError(context.params.key("train"),
                      "is required: training examples; only training: {steps: 0} needs none");
  }

  [[nodiscard]] const SplitData& data(Split split) const {
    return data_->splits[static_cast<std::size_t>(split)];
  }
  [[nodiscard]] const std::vector<std::string>& classes() const { return data_->classes; }

  void check_vocabulary(const Model& model) const {
    for (const auto& split : data_->splits) {
      expect_in_vocabulary(split.tokens.largest_id(), model);
    }
  }

  std::shared_ptr<const Data> data_ = std::make_shared<const Data>();
  std::shared_ptr<ClassificationHead> head_;
  torch::Tensor weights_;  // of the classes, where the logits are
  double label_smoothing_ = 0;
  bool cuts_left_ = false;
};

// What is done with the texts and labels that dataset_params() say where to find.
std::vector<ParamSpec> training_params() {
  return {
      {.name = "class_weights",
       .help = "balanced: every class counts alike in the loss that is trained, however rare",
       .choices = {"balanced"}},
      {.name = "label_smoothing",
       .type = ParamType::kReal,
       .default_value = 0.0,
       .help = "part of each label that is spread over all classes in the loss that is trained",
       .min = 0,
       .max = 0.9},
      {.name = "truncation",
       .help = "which end of too long a text is cut off (default: what the tokenizer says, else "
               "right)",
       .choices = {"left", "right"}},
  };
}

std::vector<ParamSpec> classification_params() {
  auto params = dataset_params();
  for (auto& spec : training_params()) params.push_back(std::move(spec));
  return params;
}

}  // namespace

TaskEntry classification_entry() {
  return {.name = "classification",
          .help = "a label for each text, from the hidden state of its last token",
          .params = classification_params(),
          .make = [] { return std::make_unique<Classification>(); }};
}

void register_classification(Registry& registry) { registry.add_task(classification_entry()); }

}  // namespace mvn
