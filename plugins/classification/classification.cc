#include "classification.h"

#include <algorithm>

#include "confusion.h"
#include "dataset.h"
#include "head.h"
#include "mvn/error.h"
#include "register.h"
#include "tokens.h"

namespace mvn {
namespace {

// Beyond this, per-class counts would drown the other metrics; predictions still have them.
constexpr std::int64_t kMaxCountedClasses = 100;

torch::Tensor summed_loss(const torch::Tensor& logits, const torch::Tensor& labels) {
  return torch::cross_entropy_loss(logits.to(torch::kFloat32), labels, /*weight=*/{},
                                   at::Reduction::Sum);
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
  std::vector<std::filesystem::path> files;
};

// What decides which texts of a file are a split's, and how they are read.
Value::Map text_parameters(const Params& params, Split split) {
  Value::Map how = {{"task", "classification"}};
  for (const char* name : {"text", "format", "delimiter", "header", "columns"}) {
    if (params.has(name)) how[name] = params.get(name);
  }
  const auto* limit = split == Split::kTrain ? "max_examples" : "max_validation_examples";
  if (params.has(limit)) how["examples"] = params.get(limit);
  return how;
}

std::shared_ptr<const Data> read_data(const TaskContext& context) {
  auto dataset = read_dataset(context.params);
  auto data = std::make_shared<Data>();
  data->classes = dataset.classes.names();
  const auto fill = [&](Split split, Examples& examples) {
    if (examples.texts.empty()) return;
    data->files.push_back(examples.path);
    auto& filled = data->splits[static_cast<std::size_t>(split)];
    filled.tokens = tokenise(*context.tokenizer, examples.texts, context.max_length,
                             {.folder = context.cache_folder,
                              .source = examples.path,
                              .how = text_parameters(context.params, split)},
                             context.threads);
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
  }

  void check(const TaskContext& context) override {
    expect_training_data(context);
    auto data = std::make_shared<Data>();
    data->classes = read_dataset(context.params).classes.names();
    data_ = std::move(data);
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
  [[nodiscard]] double loss_count(Split /*split*/,
                                  std::span<const std::int64_t> examples) const override {
    return static_cast<double>(examples.size());
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
    return {summed_loss(logits, batch.labels), static_cast<double>(batch.labels.size(0))};
  }

  std::unique_ptr<Evaluation> start_evaluation(Split /*split*/) override {
    return std::make_unique<ClassificationEvaluation>(head_, classes());
  }

  [[nodiscard]] std::vector<std::filesystem::path> data_files() const override {
    return data_->files;
  }

 private:
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
      if (split.tokens.largest_id() >= model.vocabulary()) {
        throw ConfigError("model.tokenizer", "gives the data ids up to " +
                                                 std::to_string(split.tokens.largest_id()) +
                                                 ", but the model's vocabulary has " +
                                                 std::to_string(model.vocabulary()) + " rows");
      }
    }
  }

  std::shared_ptr<const Data> data_ = std::make_shared<const Data>();
  std::shared_ptr<ClassificationHead> head_;
};

}  // namespace

TaskEntry classification_entry() {
  return {.name = "classification",
          .help = "a label for each text, from the hidden state of its last token",
          .params = dataset_params(),
          .make = [] { return std::make_unique<Classification>(); }};
}

void register_classification(Registry& registry) { registry.add_task(classification_entry()); }

}  // namespace mvn
