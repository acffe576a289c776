// Between a checkpoint and a model: which tensor fills which parameter.
//
// A parameter may go by several names (either name of a tied pair, older spellings), each with or
// without the prefix that the language-model wrapper adds. What does not fit is gathered and
// reported at once, the layers of one pattern ("backbone.layers.*.norm.weight") on one line.
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "mvn/error.h"
#include "mvn/nearest.h"
#include "train/checkpoint/weights.h"

namespace mvn {
namespace {

// Names beyond this number are not searched for near ones: the search is quadratic.
constexpr std::size_t kMaxSearched = 2000;

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

// "h.3.ln_1.weight" -> ("h.*.ln_1.weight", 3); only the first number counts as the layer.
std::pair<std::string, std::optional<std::int64_t>> split_layer(const std::string& name) {
  for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
    const std::size_t end = name.find('.', dot + 1);
    if (end == std::string::npos) break;
    const std::string part = name.substr(dot + 1, end - dot - 1);
    if (part.empty() || part.size() > 6 ||
        !std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      continue;
    }
    return {name.substr(0, dot) + ".*" + name.substr(end), std::stoll(part)};
  }
  return {name, std::nullopt};
}

// Names and what is wrong with them, equal problems of several layers joined.
class Problems {
 public:
  void add(const std::string& name, const std::string& detail) {
    const auto [pattern, layer] = split_layer(name);
    auto& layers = groups_[{pattern, detail}];
    if (layer) layers.insert(*layer);
  }

  [[nodiscard]] bool empty() const { return groups_.empty(); }

  // "\n  <label> '<name>'<detail>" for each; `others` are searched for the nearest name.
  [[nodiscard]] std::string text(const std::string& label, const Problems* others) const {
    std::vector<std::string> candidates;
    if (others != nullptr && others->groups_.size() <= kMaxSearched) {
      for (const auto& [group, layers] : others->groups_) candidates.push_back(group.first);
    }
    std::string lines;
    for (const auto& [group, layers] : groups_) {
      lines += "\n  " + label + " '" + name_of(group.first, layers) + "'" + group.second;
      const auto nearest = nearest_name(group.first, candidates);
      if (!nearest.empty()) lines += " (nearest: '" + nearest + "')";
    }
    return lines;
  }

 private:
  // A single layer gets its own number back, several get their range.
  static std::string name_of(const std::string& pattern, const std::set<std::int64_t>& layers) {
    if (layers.empty()) return pattern;
    std::string text;
    for (auto layer = layers.begin(); layer != layers.end();) {
      const auto first = *layer;
      auto last = first;
      while (++layer != layers.end() && *layer == last + 1) ++last;
      if (!text.empty()) text += ',';
      text += std::to_string(first);
      if (last > first) text += '-' + std::to_string(last);
    }
    const auto star = pattern.find('*');
    if (layers.size() > 1) text = '{' + text + '}';
    return pattern.substr(0, star) + text + pattern.substr(star + 1);
  }

  std::map<std::pair<std::string, std::string>, std::set<std::int64_t>> groups_;
};

// An adapter's own parameters are no part of a checkpoint of the model.
bool belongs_to_adapter(const std::string& name) {
  return name.find(".adapter.") != std::string::npos;
}

struct Fitting {
  // Parameter name -> its tensor in the checkpoint.
  std::map<std::string, std::string> sources;
  // Parameter name -> further tensors that must hold the same values (both names of a tied pair).
  std::map<std::string, std::vector<std::string>> twins;
  Problems missing;
  Problems wrong;
  Problems unexpected;
};

std::vector<std::string> names_in_checkpoint(const Model& model, const std::string& parameter) {
  std::vector<std::string> names;
  const std::string prefix = model.base_prefix();
  for (const auto& name : model.checkpoint_names(parameter)) {
    names.push_back(name);
    names.push_back(name.starts_with(prefix) ? name.substr(prefix.size()) : prefix + name);
  }
  return names;
}

void fit_parameter(const std::string& name, const torch::Tensor& value,
                   const std::vector<std::string>& candidates, const Weights& weights,
                   Fitting& fitting) {
  const auto& tensors = weights.tensors();
  for (const auto& candidate : candidates) {
    const auto tensor = tensors.find(candidate);
    if (tensor == tensors.end()) continue;
    if (tensor->second.shape != value.sizes().vec()) {
      fitting.wrong.add(candidate, std::string(": ")
                                       .append(shape_text(tensor->second.shape))
                                       .append(" in the checkpoint, ")
                                       .append(shape_text(value.sizes().vec()))
                                       .append(" in the model"));
    }
    if (!fitting.sources.emplace(name, candidate).second) fitting.twins[name].push_back(candidate);
  }
  if (!fitting.sources.contains(name)) {
    fitting.missing.add(name, std::string(" ").append(shape_text(value.sizes().vec())));
  }
}

Fitting fit(const Model& model, const Weights& weights) {
  Fitting fitting;
  std::set<std::string> known;
  for (const auto& parameter : model.named_parameters()) {
    if (belongs_to_adapter(parameter.key())) continue;
    const auto candidates = names_in_checkpoint(model, parameter.key());
    known.insert(candidates.begin(), candidates.end());
    fit_parameter(parameter.key(), parameter.value(), candidates, weights, fitting);
  }
  for (const auto& [name, info] : weights.tensors()) {
    if (!known.contains(name) && name != kClassifierTensor && !model.ignores(name)) {
      fitting.unexpected.add(name, std::string(" ").append(shape_text(info.shape)));
    }
  }
  return fitting;
}

void check(const Fitting& fitting, const Weights& weights) {
  if (fitting.missing.empty() && fitting.wrong.empty() && fitting.unexpected.empty()) return;
  const std::string where = weights.tensors().empty()
                                ? std::string("the checkpoint")
                                : weights.file_of(weights.tensors().begin()->first).string();
  throw ConfigError("model.weights", where + " does not fit the model:" +
                                         fitting.missing.text("missing", &fitting.unexpected) +
                                         fitting.wrong.text("wrong shape", nullptr) +
                                         fitting.unexpected.text("no place for", &fitting.missing));
}

void check_twins(const Fitting& fitting, const Weights& weights) {
  for (const auto& [parameter, names] : fitting.twins) {
    const auto& source = fitting.sources.at(parameter);
    for (const auto& twin : names) {
      if (!torch::equal(weights.get(source), weights.get(twin))) {
        throw ConfigError("model.weights", weights.file_of(twin).string() + ": '" + source +
                                               "' and '" + twin +
                                               "' should be one tied tensor, but they differ");
      }
    }
  }
}

}  // namespace

std::map<std::string, torch::Tensor> head_tensors(const Weights& weights) {
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, info] : weights.tensors()) {
    if (name == kClassifierTensor) tensors.emplace(name, weights.get(name).clone());
  }
  return tensors;
}

void load_head(torch::nn::Module& head, const std::map<std::string, torch::Tensor>& tensors) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : head.named_parameters()) {
    const auto tensor = tensors.find(parameter.key());
    if (tensor == tensors.end() || tensor->second.sizes() != parameter.value().sizes()) continue;
    parameter.value().copy_(tensor->second);
  }
}

void check_weights(const Model& model, const Weights& weights) {
  check(fit(model, weights), weights);
}

void load_weights(Model& model, torch::nn::Module* head, const Weights& weights) {
  const Fitting fitting = fit(model, weights);
  check(fitting, weights);
  check_twins(fitting, weights);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : model.named_parameters()) {
    const auto source = fitting.sources.find(parameter.key());
    if (source != fitting.sources.end()) parameter.value().copy_(weights.get(source->second));
  }
  if (head != nullptr) load_head(*head, head_tensors(weights));
}

}  // namespace mvn
