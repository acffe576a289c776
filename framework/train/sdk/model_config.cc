#include "mvn/model_config.h"

#include <cstdint>
#include <limits>
#include <vector>

#include "mvn/error.h"
#include "mvn/nearest.h"

namespace mvn {

void ModelConfig::fail(std::string_view name, const std::string& message) {
  throw ConfigError("model.config." + std::string(name), message);
}

const Value* ModelConfig::find_any(Names names, std::string_view& found) {
  const Value* first = nullptr;
  for (const auto name : names) {
    known_.emplace(name);
    const auto entry = context_.config.find(name);
    if (first != nullptr || entry == context_.config.end() || entry->second.is_null()) continue;
    first = &entry->second;
    found = name;
  }
  return first;
}

const Value* ModelConfig::find(Names names) {
  std::string_view name;
  return find_any(names, name);
}

std::int64_t ModelConfig::get_int(Names names, std::int64_t default_value) {
  std::string_view name;
  const auto* value = find_any(names, name);
  if (value == nullptr) return default_value;
  if (!value->is_int()) fail(name, "expected int, got " + std::string(value->type_name()));
  return value->as_int();
}

std::int64_t ModelConfig::get_size(Names names, std::int64_t default_value) {
  // Products of two sizes stay integers of 64 bits.
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  std::string_view name;
  const bool given = find_any(names, name) != nullptr;
  const auto size = get_int(names, default_value);
  if (size < 1) fail(name, "must be at least 1, got " + std::to_string(size));
  if (given && size > kMost) {
    fail(name, "must be at most " + std::to_string(kMost) + ", got " + std::to_string(size));
  }
  return size;
}

double ModelConfig::get_real(Names names, double default_value) {
  std::string_view name;
  const auto* value = find_any(names, name);
  if (value == nullptr) return default_value;
  if (!value->is_real()) fail(name, "expected real, got " + std::string(value->type_name()));
  return value->as_real();
}

bool ModelConfig::get_bool(Names names, bool default_value) {
  std::string_view name;
  const auto* value = find_any(names, name);
  if (value == nullptr) return default_value;
  if (!value->is_bool()) fail(name, "expected bool, got " + std::string(value->type_name()));
  return value->as_bool();
}

std::string ModelConfig::get_text(Names names, const std::string& default_value) {
  std::string_view name;
  const auto* value = find_any(names, name);
  if (value == nullptr) return default_value;
  if (!value->is_text()) fail(name, "expected text, got " + std::string(value->type_name()));
  return value->as_text();
}

void ModelConfig::check_model_type(Names known) {
  const std::string type = get_text({"model_type"}, "");
  if (type.empty()) return;
  std::vector<std::string> names;
  for (const auto name : known) {
    if (type == name) return;
    names.emplace_back(name);
  }
  fail("model_type", "unknown model_type '" + type + "' for this plugin" + suggest(type, names));
}

void ModelConfig::ignore(Names names) {
  for (const auto name : names) known_.emplace(name);
}

void ModelConfig::check_unknown_keys() {
  ignore({"architectures", "bos_token_id", "eos_token_id", "pad_token_id", "use_cache",
          "torch_dtype", "dtype", "transformers_version", "num_labels", "id2label", "label2id",
          "problem_type", "tie_word_embeddings", "output_hidden_states", "return_dict"});
  const auto& values = context_.params.values();
  const auto own = values.find("config");
  if (own == values.end() || !own->second.is_map()) return;
  const std::vector<std::string> names(known_.begin(), known_.end());
  for (const auto& [key, value] : own->second.as_map()) {
    if (!known_.contains(key)) fail(key, "unknown key" + suggest(key, names));
  }
}

Value::Map saved_config(const Value::Map& original, std::string_view model_type,
                        const std::string& family, HeadKind head) {
  const char* ending = head == HeadKind::kNone            ? "Model"
                       : head == HeadKind::kLanguageModel ? "ForCausalLM"
                                                          : "ForSequenceClassification";
  Value::Map saved = original;
  saved.insert_or_assign("architectures", Value::List{family + ending});
  saved.insert_or_assign("model_type", std::string(model_type));
  return saved;
}

}  // namespace mvn
