#include "train/trainer/merge.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "common/atomic_file.h"
#include "mvn/error.h"
#include "mvn/json_file.h"
#include "mvn/linear.h"
#include "train/checkpoint/weights.h"
#include "train/trainer/configuration.h"
#include "train/trainer/experiment.h"
#include "train/trainer/model_folder.h"
#include "train/trainer/model_in_folder.h"
#include "train/trainer/random.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

void check_output(const fs::path& output) {
  if (!fs::exists(output)) return;
  if (!fs::is_directory(output)) {
    throw ConfigError("--output", output.string() + " exists and is no folder");
  }
  if (!fs::is_empty(output)) {
    throw ConfigError("--output", output.string() + " is not empty; name a new folder");
  }
}

// What the model of a config.json was saved under.
HeadKind head_kind(const Value::Map& config) {
  const auto list = config.find("architectures");
  if (list == config.end() || !list->second.is_list() || list->second.as_list().empty()) {
    return HeadKind::kLanguageModel;
  }
  const Value& first = list->second.as_list().front();
  const std::string name = first.is_text() ? first.as_text() : "";
  if (name.ends_with("ForSequenceClassification")) return HeadKind::kClassification;
  return name.ends_with("Model") && !name.ends_with("LMHeadModel") ? HeadKind::kNone
                                                                   : HeadKind::kLanguageModel;
}

std::optional<torch::ScalarType> dtype_named(const std::string& name) {
  const std::map<std::string, torch::ScalarType> known = {
      {"float32", torch::kFloat32}, {"bfloat16", torch::kBFloat16}, {"float16", torch::kFloat16}};
  if (name.empty()) return std::nullopt;
  const auto found = known.find(name);
  if (found == known.end()) {
    throw ConfigError("--dtype", "is float32, bfloat16 or float16, not '" + name + "'");
  }
  return found->second;
}

// The type in which most of a checkpoint's numbers are.
torch::ScalarType dtype_of(const Weights& weights) {
  std::map<torch::ScalarType, double> numbers;
  for (const auto& [name, info] : weights.tensors()) {
    if (!torch::isFloatingType(info.dtype)) continue;
    double count = 1;
    for (const auto size : info.shape) count *= static_cast<double>(size);
    numbers[info.dtype] += count;
  }
  if (numbers.empty()) return torch::kFloat32;
  return std::max_element(numbers.begin(), numbers.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

// The head's rows: those that the adapter brings, else the base's own.
std::int64_t count_classes(const MergeRequest& request, const AdapterFiles& files,
                           const Weights& base) {
  if (files.classes > 0) return files.classes;
  const auto own = base.tensors().find(kClassifierTensor);
  if (own != base.tensors().end()) return own->second.shape.at(0);
  throw ConfigError("--adapter", "it was trained under a classifier's head, but neither " +
                                     request.adapter.string() +
                                     " nor the base holds the head's tensor '" + kClassifierTensor +
                                     "'");
}

class Head : public torch::nn::Module {
 public:
  Head(std::int64_t width, std::int64_t classes, const torch::TensorOptions& options)
      : score_(register_module("score", std::make_shared<Linear>(width, classes, false, options))) {
    // What nothing fills would be what the memory held before.
    const torch::NoGradGuard no_grad;
    score_->weight.fill_(NAN);
  }
  [[nodiscard]] bool filled() const { return !score_->weight.isnan().any().item<bool>(); }

 private:
  std::shared_ptr<Linear> score_;
};

// Everything of one merge, in the order in which it comes to be.
class Merge {
 public:
  Merge(const PluginHost& host, const MergeRequest& request,
        const std::function<void(const std::string&)>& warn)
      : request_(request),
        entry_(adapter_of(host, request.adapter)),
        files_(entry_.read_files(request.adapter)),
        base_(base_of(request.adapter, entry_, files_.base, request.model)),
        weights_(open_weights(base_)) {
    const auto wanted = dtype_named(request.dtype);
    dtype_ = wanted.value_or(dtype_of(*weights_));
    build(host);
    attach(warn);
    adapter_->merge(*model_);
    model_->to(dtype_);
    if (head_) head_->to(dtype_);
  }

  void write(const fs::path& folder) const {
    save_model(*model_, head_.get(), kind_, extra_config(), folder);
    if (!copy_tokenizer(request_.adapter, folder)) copy_tokenizer(base_, folder);
  }

 private:
  void build(const PluginHost& host) {
    Configuration configuration;
    configuration.model = {{"weights", base_.string()}};
    if (!request_.config.empty()) configuration.model["config"] = request_.config;
    configuration.model_plugin = request_.plugin.empty()
                                     ? plugin_of(host, base_, read_model_config(base_))
                                     : request_.plugin;
    const ModelPlan plan = plan_model(host, configuration);
    config_ = model_config(plan);
    kind_ = files_.head.value_or(head_kind(config_));
    // Weights that keep their type are read as they are; others are rounded after the sum.
    const auto read_as = dtype_of(*weights_) == dtype_ ? dtype_ : torch::kFloat32;
    model_ = make_model(plan, config_, nullptr, torch::dtype(read_as), kind_);
    if (kind_ == HeadKind::kClassification) {
      head_ = std::make_shared<Head>(model_->width(), count_classes(request_, files_, *weights_),
                                     torch::dtype(torch::kFloat32));
    }
    load_weights(*model_, head_.get(), *weights_);
  }

  void attach(const std::function<void(const std::string&)>& warn) {
    const Params params("adapter", entry_.params, {{"weights", request_.adapter.string()}});
    adapter_ = entry_.make({params, stream_generator(0, "merge"), kind_, warn});
    adapter_->attach(*model_);
    if (!head_) return;
    load_head(*head_, adapter_->saved_head().tensors);
    if (!head_->filled()) {
      throw ConfigError("--adapter", "no head of width " + std::to_string(model_->width()) +
                                         " in " + request_.adapter.string() + " or the base");
    }
  }

  [[nodiscard]] Value::Map extra_config() const {
    if (!head_) return {};
    const fs::path file = request_.adapter / kHeadConfigFile;
    if (fs::exists(file)) return read_json_file(file).as_map();
    const auto classes = head_->parameters().front().size(0);
    const auto labels = config_.find("id2label");
    if (labels != config_.end() && labels->second.is_map() &&
        static_cast<std::int64_t>(labels->second.as_map().size()) == classes) {
      return {{"id2label", labels->second}, {"num_labels", classes}};
    }
    Value::Map id2label;
    Value::Map label2id;
    for (std::int64_t i = 0; i < classes; ++i) {
      id2label[std::to_string(i)] = "LABEL_" + std::to_string(i);
      label2id["LABEL_" + std::to_string(i)] = i;
    }
    return {{"id2label", id2label}, {"label2id", label2id}, {"num_labels", classes}};
  }

  const MergeRequest& request_;
  const AdapterEntry& entry_;
  AdapterFiles files_;
  fs::path base_;
  std::unique_ptr<Weights> weights_;
  torch::ScalarType dtype_ = torch::kFloat32;
  Value::Map config_;
  HeadKind kind_ = HeadKind::kNone;
  std::shared_ptr<Model> model_;
  std::shared_ptr<Head> head_;
  std::unique_ptr<Adapter> adapter_;
};

}  // namespace

void merge_adapter(const PluginHost& host, const MergeRequest& request,
                   const std::function<void(const std::string&)>& warn) {
  check_output(request.output);
  const Merge merge(host, request, warn);
  write_folder(request.output, Existing::kRefuse,
               [&](const fs::path& folder) { merge.write(folder); });
}

}  // namespace mvn
