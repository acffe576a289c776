#include "sentence_files.h"

#include <array>
#include <utility>

#include "mvn/error.h"
#include "mvn/json_file.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrompts = "config_sentence_transformers.json";

// What sentence-transformers calls a pooling: one of many booleans, in newer versions the value of
// pooling_mode.
struct PoolingName {
  Pooling pooling;
  const char* boolean;
  const char* mode;
};
constexpr std::array<PoolingName, 5> kPoolings = {
    {{Pooling::kCls, "pooling_mode_cls_token", "cls"},
     {Pooling::kMean, "pooling_mode_mean_tokens", "mean"},
     {Pooling::kMax, "pooling_mode_max_tokens", "max"},
     {Pooling::kWeightedMean, "pooling_mode_weightedmean_tokens", "weightedmean"},
     {Pooling::kLast, "pooling_mode_lasttoken", "lasttoken"}}};

std::string text_at(const Value& map, std::string_view key) {
  const Value* found = map.find(key);
  return found != nullptr && found->is_text() ? found->as_text() : "";
}

bool is_true(const Value* value) {
  return value != nullptr && value->is_bool() && value->as_bool();
}

// "sentence_transformers.models.Pooling" -> "Pooling"; versions differ in what comes before.
std::string class_of(const Value& module) {
  const std::string type = text_at(module, "type");
  return type.substr(type.rfind('.') + 1);
}

Pooling read_pooling(const fs::path& file, const std::string& key) {
  const Value config = read_json_file(file);
  const Value* whole = config.find("include_prompt");
  if (whole != nullptr && whole->is_bool() && !whole->as_bool()) {
    throw ConfigError(key, file.string() + " leaves the prompt out of the pooling " +
                               "(include_prompt), which is not supported");
  }
  const std::string mode = text_at(config, "pooling_mode");
  std::string asked = mode;
  for (const auto& [name, value] : config.is_map() ? config.as_map() : Value::Map()) {
    if (name.starts_with("pooling_mode_") && is_true(&value)) {
      asked += (asked.empty() ? "" : " and ") + name;
    }
  }
  for (const auto& name : kPoolings) {
    if (asked == name.mode || asked == name.boolean) return name.pooling;
  }
  throw ConfigError(key, file.string() + " asks for the pooling '" + asked +
                             "'; cls, mean, max, weightedmean or lasttoken, one of them, is what "
                             "can be done");
}

void read_prompts(const fs::path& file, SentenceSettings& settings) {
  const Value config = read_json_file(file);
  settings.files.push_back(file);
  settings.default_prompt = text_at(config, "default_prompt_name");
  const Value* prompts = config.find("prompts");
  if (prompts == nullptr || !prompts->is_map()) return;
  for (const auto& [name, prompt] : prompts->as_map()) {
    if (prompt.is_text() && !prompt.as_text().empty()) settings.prompts[name] = prompt.as_text();
  }
}

Value module_entry(std::int64_t index, const std::string& path, const std::string& name) {
  return Value::Map{{"idx", index},
                    {"name", std::to_string(index)},
                    {"path", path},
                    {"type", "sentence_transformers.models." + name}};
}

}  // namespace

SentenceSettings read_sentence_files(const fs::path& folder, const std::string& key) {
  const fs::path file = folder / kSentenceModules;
  if (!fs::exists(file)) {
    throw ConfigError(key, folder.string() + " is no model of sentence-transformers: there is no " +
                               file.string());
  }
  const Value modules = read_json_file(file);
  if (!modules.is_list()) throw DataError(file.string() + ": must be a list");
  SentenceSettings settings{.files = {file}};
  settings.normalize = false;
  bool pools = false;
  for (const Value& module : modules.as_list()) {
    const std::string name = class_of(module);
    if (name == "Pooling") {
      const fs::path pooling = folder / text_at(module, "path") / "config.json";
      settings.pooling = read_pooling(pooling, key);
      settings.files.push_back(pooling);
      pools = true;
    } else if (name == "Normalize") {
      settings.normalize = true;
    } else if (name != "Transformer" || !text_at(module, "path").empty()) {
      throw ConfigError(key, file.string() + " has the module '" + text_at(module, "type") +
                                 "', which is not supported (supported: Transformer at the top, "
                                 "Pooling, Normalize)");
    }
  }
  if (!pools) throw ConfigError(key, file.string() + " names no Pooling");
  if (fs::exists(folder / kPrompts)) read_prompts(folder / kPrompts, settings);
  return settings;
}

void write_sentence_files(const fs::path& folder, const SentenceSettings& settings,
                          std::int64_t width, std::int64_t max_length) {
  Value::List modules = {module_entry(0, "", "Transformer"),
                         module_entry(1, "1_Pooling", "Pooling")};
  if (settings.normalize) modules.push_back(module_entry(2, "2_Normalize", "Normalize"));
  fs::create_directories(folder / "1_Pooling");
  // Older versions know the booleans alone, and newer ones still read them.
  Value::Map pooling = {{"word_embedding_dimension", width}, {"include_prompt", true}};
  for (const auto& name : kPoolings) pooling[name.boolean] = name.pooling == settings.pooling;
  write_json_file(folder / "1_Pooling" / "config.json", Value(std::move(pooling)));
  if (settings.normalize) fs::create_directories(folder / "2_Normalize");
  write_json_file(folder / kSentenceModules, Value(std::move(modules)));

  Value::Map limits = {{"do_lower_case", false}};
  limits["max_seq_length"] = max_length > 0 ? Value(max_length) : Value();
  write_json_file(folder / "sentence_bert_config.json", Value(std::move(limits)));

  Value::Map prompts;
  for (const auto& [name, prompt] : settings.prompts) prompts[name] = prompt;
  Value::Map config = {{"prompts", std::move(prompts)}, {"similarity_fn_name", "cosine"}};
  config["default_prompt_name"] =
      settings.default_prompt.empty() ? Value() : Value(settings.default_prompt);
  write_json_file(folder / kPrompts, Value(std::move(config)));
}

}  // namespace mvn
