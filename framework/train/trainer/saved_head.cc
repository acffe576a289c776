#include "train/trainer/saved_head.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "mvn/error.h"
#include "mvn/json_file.h"
#include "train/checkpoint/weights.h"
#include "train/trainer/model_folder.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

using Names = std::vector<std::string>;

constexpr const char* kAnew = "task.head: new starts the head anew";

// Names by their indices, which must be 0, 1, ... without a gap.
Names in_order(const std::map<std::int64_t, std::string>& by_index) {
  Names names;
  for (const auto& [index, name] : by_index) {
    if (index != static_cast<std::int64_t>(names.size())) return {};
    names.push_back(name);
  }
  return names;
}

std::optional<std::int64_t> index_of(const std::string& text) {
  if (text.empty() || text.size() > 9 ||
      text.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  return std::stoll(text);
}

std::string text_of(const Value& value) {
  if (value.is_text()) return value.as_text();
  if (value.is_int()) return std::to_string(value.as_int());
  if (value.is_bool()) return value.as_bool() ? "true" : "false";
  return "";
}

Names from_id2label(const Value& map) {
  std::map<std::int64_t, std::string> by_index;
  for (const auto& [id, label] : map.as_map()) {
    const auto index = index_of(id);
    if (!index) return {};
    by_index[*index] = text_of(label);
  }
  return in_order(by_index);
}

Names from_label2id(const Value& map) {
  std::map<std::int64_t, std::string> by_index;
  for (const auto& [label, id] : map.as_map()) {
    if (!id.is_int() || !by_index.emplace(id.as_int(), label).second) return {};
  }
  return in_order(by_index);
}

bool are_numbered(const Names& names, const std::string& prefix) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != prefix + std::to_string(i)) return false;
  }
  return true;
}

bool has(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// "; only in the data: 'a', 'b'", at most five of them.
std::string only_in(const char* where, const Names& names, const Names& others) {
  constexpr int kShown = 5;
  std::string text;
  int count = 0;
  for (const auto& name : names) {
    if (has(others, name) || ++count > kShown) continue;
    text += (text.empty() ? "'" : ", '") + name + "'";
  }
  if (count > kShown) text += " and " + std::to_string(count - kShown) + " more";
  return text.empty() ? "" : std::string("; only in the ") + where + ": " + text;
}

[[noreturn]] void refuse(const FoundHead& found, const std::string& what) {
  throw ConfigError(found.key, "the head in " + found.files.string() + " " + what + "; " + kAnew);
}

// "{0: neg, 1: pos}"
std::string example_of(const Names& classes) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(2, classes.size()); ++i) {
    text += (i == 0 ? "{" : ", ") + std::to_string(i) + ": " + classes[i];
  }
  return text + (classes.size() > 2 ? ", ...}" : "}");
}

// The row of the found head for each class of the data.
std::vector<std::int64_t> rows_of(const FoundHead& found, std::int64_t rows, const Names& wanted) {
  const bool named = static_cast<std::int64_t>(found.classes.size()) == rows;
  const Names names = named ? found.classes : Names{};
  if (rows != static_cast<std::int64_t>(wanted.size())) {
    refuse(found, "has " + std::to_string(rows) + " classes and the data " +
                      std::to_string(wanted.size()) + only_in("head", names, wanted) +
                      (named ? only_in("data", wanted, names) : "") +
                      "; task.classes names those that the data happens to lack");
  }
  std::vector<std::int64_t> order;
  for (const auto& name : wanted) {
    const auto at = std::find(names.begin(), names.end(), name);
    if (at != names.end()) order.push_back(at - names.begin());
  }
  if (order.size() == wanted.size()) return order;
  if (!are_numbered(names, "LABEL_")) {
    refuse(found, "has other classes than the data" + only_in("head", names, wanted) +
                      only_in("data", wanted, names));
  }
  // The number of a row is its name where it has no other.
  if (!are_numbered(wanted, "")) {
    refuse(found, "does not say which of its rows is which class; model.config: {id2label: " +
                      example_of(wanted) + "} does, in the order of its rows");
  }
  order.resize(wanted.size());
  std::iota(order.begin(), order.end(), 0);
  return order;
}

torch::Tensor expected_tensor(const FoundHead& found, const std::string& name) {
  const auto tensor = found.tensors.find(name);
  if (tensor != found.tensors.end()) return tensor->second;
  refuse(found, "has no '" + name + "', which this task's has");
}

void check_shape(const FoundHead& found, const std::string& name, const torch::Tensor& tensor,
                 const torch::Tensor& parameter) {
  if (tensor.sizes() == parameter.sizes()) return;
  std::string shapes;
  for (const auto& each : {tensor, parameter}) {
    std::string shape;
    for (const auto size : each.sizes()) {
      shape += (shape.empty() ? "[" : ", ") + std::to_string(size);
    }
    shapes += (shapes.empty() ? " is " : "] there and ") + shape;
  }
  refuse(found, "does not fit: '" + name + "'" + shapes + "] here");
}

}  // namespace

std::vector<std::string> class_names(const Value::Map& config) {
  const Value all(config);
  if (const auto* map = all.find("id2label"); map != nullptr && map->is_map()) {
    return from_id2label(*map);
  }
  const auto* inverse = all.find("label2id");
  return inverse != nullptr && inverse->is_map() ? from_label2id(*inverse) : Names{};
}

FoundHead find_head(const Adapter& adapter, const fs::path& weights,
                    std::map<std::string, torch::Tensor> weights_head, const Value::Map& config) {
  const auto saved = adapter.saved_head();
  if (saved.tensors.empty()) {
    return {std::move(weights_head), class_names(config), "model.weights", weights};
  }
  FoundHead found{saved.tensors, class_names(config), saved.key, saved.folder};
  const fs::path file = saved.folder / kHeadConfigFile;
  if (!fs::exists(file)) return found;
  const Value head_config = read_json_file(file);
  if (!head_config.is_map()) throw DataError(file.string() + ": must be an object");
  found.classes = class_names(head_config.as_map());
  return found;
}

void fill_head(torch::nn::Module& head, const Value::Map& task_config, const FoundHead& found) {
  if (found.tensors.empty()) return;
  const Names wanted = class_names(task_config);
  const torch::NoGradGuard no_grad;
  auto parameters = head.named_parameters();
  for (const auto& [name, tensor] : found.tensors) {
    if (!parameters.contains(name)) refuse(found, "has '" + name + "', which this task's has not");
  }
  for (auto& item : parameters) {
    auto tensor = expected_tensor(found, item.key());
    if (!wanted.empty() && tensor.dim() > 0) {
      const auto order = rows_of(found, tensor.size(0), wanted);
      tensor = tensor.index_select(0, torch::tensor(order, tensor.options().dtype(torch::kLong)));
    }
    check_shape(found, item.key(), tensor, item.value());
    if (!item.value().is_meta()) item.value().copy_(tensor);
  }
}

bool wants_new_head(const Value::Map& task) {
  const auto found = task.find("head");
  return found != task.end() && found->second == Value("new");
}

}  // namespace mvn
