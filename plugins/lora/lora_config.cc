#include "lora_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "mvn/error.h"
#include "mvn/json_file.h"
#include "mvn/nearest.h"
#include "mvn/pattern.h"

namespace mvn {
namespace {

// Reads values by PEFT's names; every fault goes to one place that knows where they came from.
class Reader {
 public:
  Reader(const Value::Map& values, ConfigFault fault) : values_(values), fault_(std::move(fault)) {}

  [[nodiscard]] const Value* find(std::string_view name) const {
    const auto entry = values_.find(name);
    return entry == values_.end() || entry->second.is_null() ? nullptr : &entry->second;
  }

  [[noreturn]] void fail(std::string_view name, const std::string& message) const {
    fault_(std::string(name), message);
    throw Error(std::string(name) + ": " + message);
  }

  void read(std::string_view name, bool& out) const {
    if (const auto* value = find(name)) {
      if (!value->is_bool()) expected(name, "true or false", *value);
      out = value->as_bool();
    }
  }

  void read(std::string_view name, std::int64_t& out) const {
    if (const auto* value = find(name)) out = integer(name, *value);
  }

  void read(std::string_view name, double& out) const {
    if (const auto* value = find(name)) {
      if (!value->is_real()) expected(name, "a number", *value);
      out = value->as_real();
    }
  }

  // A list of texts; a single text counts as a list of one.
  void read(std::string_view name, std::vector<std::string>& out) const {
    const auto* value = find(name);
    if (value == nullptr) return;
    out.clear();
    if (value->is_text()) {
      out.push_back(value->as_text());
      return;
    }
    if (!value->is_list()) expected(name, "a text or a list of texts", *value);
    for (const auto& item : value->as_list()) {
      if (!item.is_text()) expected(name, "a list of texts", item);
      out.push_back(item.as_text());
    }
  }

  // An integer, a list of them, or texts of them (a sweep's bare numbers may arrive as texts).
  void read(std::string_view name, std::vector<std::int64_t>& out) const {
    const auto* value = find(name);
    if (value == nullptr) return;
    out.clear();
    if (!value->is_list()) {
      out.push_back(integer(name, *value));
      return;
    }
    for (const auto& item : value->as_list()) out.push_back(integer(name, item));
  }

  void read(std::string_view name, ModuleChoice& out) const {
    const auto* value = find(name);
    if (value == nullptr) return;
    if (!value->is_text()) {
      read(name, out.names);
      return;
    }
    std::string lower = value->as_text();
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (lower == "all-linear") {
      out.all_linear = true;
      return;
    }
    out.pattern = value->as_text();
    check_pattern(name, out.pattern);
  }

  void check_pattern(std::string_view name, const std::string& pattern) const {
    try {
      static_cast<void>(Pattern(pattern));
    } catch (const Error& e) {
      fail(name, e.what());
    }
  }

  [[nodiscard]] std::int64_t integer(std::string_view name, const Value& value) const {
    if (value.is_int()) return value.as_int();
    if (value.is_text()) {
      const auto& text = value.as_text();
      std::int64_t number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error == std::errc() && end == text.data() + text.size()) return number;
    }
    expected(name, "an integer", value);
  }

  [[noreturn]] void expected(std::string_view name, const std::string& what,
                             const Value& value) const {
    fail(name, "expected " + what + ", got " + std::string(value.type_name()) +
                   (value.is_text() ? " '" + value.as_text() + "'" : ""));
  }

 private:
  const Value::Map& values_;
  ConfigFault fault_;
};

void read_start(const Reader& reader, LoraConfig& config) {
  constexpr std::string_view kName = "init_lora_weights";
  const auto* value = reader.find(kName);
  if (value == nullptr) return;
  const std::string text =
      value->is_bool() ? (value->as_bool() ? "true" : "false")
                       : (value->is_text() ? value->as_text() : std::string(value->type_name()));
  if (text == "true" || text == "True") {
    config.start = LoraStart::kKaiming;
  } else if (text == "false" || text == "False") {
    config.start = LoraStart::kRandom;
  } else if (text == "gaussian") {
    config.start = LoraStart::kGaussian;
  } else if (text == "pissa") {
    config.start = LoraStart::kPissa;
  } else if (text.starts_with("pissa_niter_")) {
    config.start = LoraStart::kPissa;
    config.pissa_iterations = reader.integer(kName, Value(text.substr(12)));
  } else {
    const std::vector<std::string> known = {"true", "false", "gaussian", "pissa", "pissa_niter_N"};
    reader.fail(kName, "'" + text + "' is not supported" + suggest(text, known));
  }
}

void read_patterns(const Reader& reader, LoraConfig& config) {
  for (const std::string_view name : {"rank_pattern", "alpha_pattern"}) {
    const auto* value = reader.find(name);
    if (value == nullptr) continue;
    if (!value->is_map()) reader.expected(name, "a map from module names to numbers", *value);
    for (const auto& [pattern, number] : value->as_map()) {
      reader.check_pattern(name, pattern);
      reader.check_pattern(name, path_end_expression(pattern));
      if (name == "rank_pattern") {
        const auto rank = reader.integer(name, number);
        if (rank < 1) reader.fail(name, "the rank of '" + pattern + "' must be at least 1");
        config.rank_pattern.emplace_back(pattern, rank);
      } else {
        if (!number.is_real()) reader.expected(name, "numbers", number);
        config.alpha_pattern.emplace_back(pattern, number.as_real());
      }
    }
  }
}

void check_together(const Reader& reader, const LoraConfig& config) {
  if (config.r < 1) reader.fail("r", "must be at least 1");
  if (config.dropout < 0 || config.dropout >= 1) {
    reader.fail("lora_dropout", "must be at least 0 and below 1");
  }
  if (config.bias != "none" && config.bias != "all" && config.bias != "lora_only") {
    const std::vector<std::string> known = {"none", "all", "lora_only"};
    reader.fail("bias", "unknown value '" + config.bias + "'" + suggest(config.bias, known));
  }
  const bool by_pattern = !config.target_modules.pattern.empty();
  if (by_pattern && !config.layers_to_transform.empty()) {
    reader.fail("layers_to_transform",
                "works with a list of target_modules, not with a regular expression");
  }
  if (!config.layers_pattern.empty() && config.layers_to_transform.empty()) {
    reader.fail("layers_pattern", "needs layers_to_transform");
  }
  if (config.start == LoraStart::kPissa && config.use_dora) {
    reader.fail("init_lora_weights", "pissa cannot be combined with use_dora");
  }
}

LoraConfig read_config(const Reader& reader) {
  LoraConfig config;
  reader.read("r", config.r);
  reader.read("lora_alpha", config.alpha);
  reader.read("lora_dropout", config.dropout);
  reader.read("target_modules", config.target_modules);
  reader.read("exclude_modules", config.exclude_modules);
  reader.read("layers_to_transform", config.layers_to_transform);
  reader.read("layers_pattern", config.layers_pattern);
  for (const auto& pattern : config.layers_pattern) {
    reader.check_pattern("layers_pattern", "(?:" + pattern + ")");
  }
  reader.read("use_rslora", config.use_rslora);
  reader.read("use_dora", config.use_dora);
  reader.read("modules_to_save", config.modules_to_save);
  if (const auto* bias = reader.find("bias")) config.bias = bias->as_text();
  read_start(reader, config);
  read_patterns(reader, config);
  check_together(reader, config);
  return config;
}

// Keys of adapter_config.json that change what the adapter computes and that this one has not:
// name and the only value accepted besides null.
const std::vector<std::pair<std::string, Value>>& unsupported_keys() {
  static const std::vector<std::pair<std::string, Value>> keys = {
      {"alora_invocation_tokens", {}},
      {"arrow_config", {}},
      {"corda_config", {}},
      {"ensure_weight_tying", false},
      {"eva_config", {}},
      {"fan_in_fan_out", false},
      {"kasa_config", {}},
      {"layer_replication", {}},
      {"loftq_config", Value::Map{}},
      {"lora_bias", false},
      {"lora_ga_config", {}},
      {"megatron_config", {}},
      {"monteclora_config", {}},
      {"target_parameters", {}},
      {"trainable_token_indices", {}},
      {"use_bdlora", {}},
      {"use_qalora", false},
      {"velora_config", {}},
  };
  return keys;
}

// Keys that change nothing of what is computed.
constexpr std::array<std::string_view, 8> kPassedOver = {
    "auto_mapping", "base_model_name_or_path", "inference_mode", "megatron_core",
    "peft_version", "qalora_group_size",       "revision",       "runtime_config"};

// Newer versions of peft write keys of what an adapter does not use as null, false or nothing.
bool is_off(const Value& value) {
  return value.is_null() || value == Value(false) || value == Value(Value::List{}) ||
         value == Value(Value::Map{});
}

void warn_unknown(const Value::Map& values, const std::filesystem::path& path, const Warn& warn) {
  if (!warn) return;
  std::vector<std::string> known(kPassedOver.begin(), kPassedOver.end());
  known.insert(known.end(), {"peft_type", "task_type"});
  for (const auto& spec : lora_params()) known.push_back(spec.name);
  for (const auto& [name, allowed] : unsupported_keys()) known.push_back(name);
  for (const auto& [name, value] : values) {
    if (is_off(value) || std::find(known.begin(), known.end(), name) != known.end()) continue;
    warn(path.string() + ": unknown key '" + name + "' is passed over" + suggest(name, known));
  }
}

// The entries of a map in the order of the file, which PEFT tries them in.
template <typename Entry>
void order_as(const std::vector<std::string>& keys, std::vector<Entry>& entries) {
  const auto place = [&](const Entry& entry) {
    return std::find(keys.begin(), keys.end(), entry.first);
  };
  std::stable_sort(entries.begin(), entries.end(),
                   [&](const Entry& a, const Entry& b) { return place(a) < place(b); });
}

Value number(double value) {
  const auto whole = static_cast<std::int64_t>(value);
  return static_cast<double>(whole) == value ? Value(whole) : Value(value);
}

Value text_list(const std::vector<std::string>& texts) {
  Value::List list;
  for (const auto& text : texts) list.emplace_back(text);
  return list;
}

Value text_list_or_null(const std::vector<std::string>& texts) {
  return texts.empty() ? Value() : text_list(texts);
}

Value module_choice(const ModuleChoice& choice) {
  return choice.pattern.empty() ? text_list_or_null(choice.names) : Value(choice.pattern);
}

Value layer_numbers(const std::vector<std::int64_t>& layers) {
  Value::List list;
  for (const auto layer : layers) list.emplace_back(layer);
  return list.empty() ? Value() : Value(std::move(list));
}

Value start_value(const LoraConfig& config) {
  switch (config.start) {
    case LoraStart::kKaiming:
      return true;
    case LoraStart::kRandom:
      return false;
    case LoraStart::kGaussian:
      return "gaussian";
    case LoraStart::kPissa:
      break;
  }
  return config.pissa_iterations ? "pissa_niter_" + std::to_string(*config.pissa_iterations)
                                 : std::string("pissa");
}

}  // namespace

std::string path_end_expression(const std::string& pattern) { return "(.*\\.)?(" + pattern + ")"; }

double LoraConfig::scaling(double layer_alpha, std::int64_t layer_r) const {
  const auto rank = static_cast<double>(layer_r);
  return layer_alpha / (use_rslora ? std::sqrt(rank) : rank);
}

std::vector<ParamSpec> lora_params() {
  return {
      {.name = "r",
       .type = ParamType::kInt,
       .default_value = 16,
       .help = "rank of A and B",
       .min = 1},
      {.name = "lora_alpha",
       .type = ParamType::kReal,
       .default_value = 32.0,
       .help = "the adapter's output is scaled by lora_alpha / r"},
      {.name = "lora_dropout",
       .type = ParamType::kReal,
       .default_value = 0.1,
       .help = "probability of dropping an input of A while training",
       .min = 0,
       .max = 1},
      {.name = "target_modules",
       .type = ParamType::kTextOrList,
       .default_value = "all-linear",
       .help = "layers to adapt: all-linear, a list of names (ends of module paths), or a regular "
               "expression for whole paths"},
      {.name = "exclude_modules",
       .type = ParamType::kTextOrList,
       .help = "layers never to adapt: a list of names or a regular expression"},
      {.name = "layers_to_transform",
       .type = ParamType::kTextOrList,
       .help = "numbers of the layers to adapt (default: all)"},
      {.name = "layers_pattern",
       .type = ParamType::kTextList,
       .help = "name of the list of layers that layers_to_transform counts in"},
      {.name = "rank_pattern",
       .type = ParamType::kObject,
       .help = "r for some layers: {module name or regular expression: r}"},
      {.name = "alpha_pattern",
       .type = ParamType::kObject,
       .help = "lora_alpha for some layers: {module name or regular expression: lora_alpha}"},
      {.name = "use_rslora",
       .type = ParamType::kBool,
       .default_value = false,
       .help = "scale by lora_alpha / sqrt(r)"},
      {.name = "use_dora",
       .type = ParamType::kBool,
       .default_value = false,
       .help = "train the norms of the weights' rows apart from their directions"},
      {.name = "modules_to_save",
       .type = ParamType::kTextList,
       .help = "modules to train whole and save with the adapter (the task's head always is)"},
      {.name = "bias",
       .type = ParamType::kText,
       .default_value = "none",
       .help = "biases to train: none, those of the adapted layers, or all of the model",
       .choices = {"none", "all", "lora_only"}},
      {.name = "init_lora_weights",
       .type = ParamType::kText,
       .default_value = "true",
       .help = "start of A and B: true (A Kaiming, B zero), false (both random), gaussian, pissa, "
               "pissa_niter_N"},
      {.name = "weights",
       .type = ParamType::kPath,
       .help = "folder of a saved PEFT adapter to start from; its adapter_config.json decides all "
               "of the above"},
  };
}

namespace {

LoraConfig saved_config(const Params& params, const Warn& warn) {
  const auto folder = params.get_path("weights");
  const auto file = folder / kAdapterConfigFile;
  if (!std::filesystem::exists(file)) {
    throw ConfigError(params.key("weights"),
                      "no " + std::string(kAdapterConfigFile) + " in " + folder.string());
  }
  for (const auto& spec : lora_params()) {
    if (spec.name == "weights" || params.get(spec.name) == spec.default_value) continue;
    throw ConfigError(params.key(spec.name),
                      "is decided by " + file.string() + "; leave it out, or leave out weights");
  }
  auto config = lora_config_from_peft(read_json_file(file).as_map(), file, warn);
  order_as(json_keys(file, "rank_pattern"), config.rank_pattern);
  order_as(json_keys(file, "alpha_pattern"), config.alpha_pattern);
  config.patterns_have_order = true;
  config.weights = folder;
  return config;
}

}  // namespace

LoraConfig lora_config(const Params& params, const Warn& warn) {
  if (params.has("weights")) return saved_config(params, warn);
  return read_config(
      Reader(params.values(), [&](const std::string& name, const std::string& message) {
        throw ConfigError(params.key(name), message);
      }));
}

LoraConfig lora_config_from_peft(const Value::Map& values, const std::filesystem::path& path,
                                 const Warn& warn) {
  const ConfigFault fault = [&](const std::string& name, const std::string& message) {
    throw DataError(path.string() + ": " + name + ": " + message);
  };
  Value::Map all = {{"r", 8}, {"lora_alpha", 8}, {"lora_dropout", 0.0}};
  for (const auto& [name, value] : values) {
    if (!value.is_null()) all[name] = value;
  }
  const Reader reader(all, fault);
  if (const auto* type = reader.find("peft_type"); type == nullptr || *type != Value("LORA")) {
    fault("peft_type", "only LORA adapters can be read" + (type != nullptr && type->is_text()
                                                               ? ", this is " + type->as_text()
                                                               : std::string()));
  }
  for (const auto& [name, allowed] : unsupported_keys()) {
    const auto* value = reader.find(name);
    if (value != nullptr && *value != allowed) fault(name, "is not supported");
  }
  LoraConfig config = read_config(reader);
  if (config.target_modules.empty()) fault("target_modules", "is required");
  if (config.pissa_iterations) {
    fault("init_lora_weights",
          "a randomised PiSSA cannot be repeated: save the adapter with peft's "
          "path_initial_model_for_weight_conversion, which makes it an ordinary one");
  }
  warn_unknown(values, path, warn);
  return config;
}

Value::Map lora_config_to_peft(const LoraConfig& config, const std::vector<std::string>& targets,
                               std::string_view task_type, const std::string& base) {
  Value::Map rank_pattern;
  for (const auto& [pattern, rank] : config.rank_pattern) rank_pattern[pattern] = rank;
  Value::Map alpha_pattern;
  for (const auto& [pattern, alpha] : config.alpha_pattern) alpha_pattern[pattern] = number(alpha);
  return {
      {"alora_invocation_tokens", {}},
      {"alpha_pattern", alpha_pattern},
      {"arrow_config", {}},
      {"auto_mapping", {}},
      {"base_model_name_or_path", base},
      {"bias", config.bias},
      {"corda_config", {}},
      {"ensure_weight_tying", false},
      {"eva_config", {}},
      {"exclude_modules", module_choice(config.exclude_modules)},
      {"fan_in_fan_out", false},
      {"inference_mode", true},
      {"init_lora_weights", start_value(config)},
      {"layer_replication", {}},
      {"layers_pattern", text_list_or_null(config.layers_pattern)},
      {"layers_to_transform", layer_numbers(config.layers_to_transform)},
      {"loftq_config", Value::Map{}},
      {"lora_alpha", number(config.alpha)},
      {"lora_bias", false},
      {"lora_dropout", config.dropout},
      {"megatron_config", {}},
      {"megatron_core", "megatron.core"},
      {"modules_to_save", text_list_or_null(config.modules_to_save)},
      {"peft_type", "LORA"},
      {"qalora_group_size", 16},
      {"r", config.r},
      {"rank_pattern", rank_pattern},
      {"revision", {}},
      {"target_modules", config.target_modules.all_linear ? text_list(targets)
                                                          : module_choice(config.target_modules)},
      {"target_parameters", {}},
      {"task_type", std::string(task_type)},
      {"trainable_token_indices", {}},
      {"use_dora", config.use_dora},
      {"use_qalora", false},
      {"use_rslora", config.use_rslora},
  };
}

}  // namespace mvn
