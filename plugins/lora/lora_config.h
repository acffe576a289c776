// What a LoRA adapter is made of: PEFT's LoraConfig, read from a sweep or from adapter_config.json.
// Source: huggingface/peft src/peft/tuners/lora/config.py
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mvn/params.h"

namespace mvn {

inline constexpr const char* kAdapterConfigFile = "adapter_config.json";

// Which modules: all linear layers but the output head, those whose full name matches a regular
// expression, or those named in a list by the end of their path.
struct ModuleChoice {
  bool all_linear = false;
  std::string pattern;
  std::vector<std::string> names;

  [[nodiscard]] bool empty() const { return !all_linear && pattern.empty() && names.empty(); }
};

// How A and B start (PEFT's init_lora_weights).
enum class LoraStart { kKaiming, kRandom, kGaussian, kPissa };

struct LoraConfig {
  std::int64_t r = 16;
  double alpha = 32;
  double dropout = 0.1;
  ModuleChoice target_modules;
  ModuleChoice exclude_modules;
  std::vector<std::int64_t> layers_to_transform;  // empty: every layer
  std::vector<std::string> layers_pattern;
  // Regular expressions for the ends of module names, the first match counts.
  std::vector<std::pair<std::string, std::int64_t>> rank_pattern;
  std::vector<std::pair<std::string, double>> alpha_pattern;
  // False where the patterns come from a map without an order, a sweep's: two that match one layer
  // must then agree.
  bool patterns_have_order = false;
  // Paths begin at the bare model ("layers.0.q_proj") and not at the wrapper that has the head
  // ("model.layers.0.q_proj"), as PEFT has it for FEATURE_EXTRACTION.
  bool bare_paths = false;
  bool use_rslora = false;
  bool use_dora = false;
  std::vector<std::string> modules_to_save;
  std::string bias = "none";  // "none", "all" or "lora_only"
  LoraStart start = LoraStart::kKaiming;
  // Power iterations of PiSSA's randomised decomposition; absent: the exact one.
  std::optional<std::int64_t> pissa_iterations;
  // A saved adapter to start from; empty: none.
  std::filesystem::path weights;

  // alpha / r, or alpha / sqrt(r) with use_rslora.
  [[nodiscard]] double scaling(double layer_alpha, std::int64_t layer_r) const;
};

// Takes a line for the user; may be empty.
using Warn = std::function<void(const std::string&)>;

// The expression for whole paths that a key of rank_pattern or alpha_pattern stands for.
std::string path_end_expression(const std::string& pattern);

// Reports that the value called `name` is wrong; never returns.
using ConfigFault = std::function<void(const std::string& name, const std::string& message)>;

// The parameters of adapter `lora`, with e5-mistral's r, lora_alpha and lora_dropout by default.
std::vector<ParamSpec> lora_params();

// Where `weights` names a saved adapter, its adapter_config.json decides everything: throws
// ConfigError where another parameter was given too.
LoraConfig lora_config(const Params& params, const Warn& warn = {});

// `values` is a parsed adapter_config.json; absent keys take PEFT's defaults. A DataError names
// `path` and what this adapter cannot do, a warning the keys that nobody knows.
LoraConfig lora_config_from_peft(const Value::Map& values, const std::filesystem::path& path,
                                 const Warn& warn = {});

// The complete adapter_config.json, keys as PEFT writes them. `targets` are the names to save as
// target_modules when the configuration itself says "all-linear".
Value::Map lora_config_to_peft(const LoraConfig& config, const std::vector<std::string>& targets,
                               std::string_view task_type, const std::string& base);

}  // namespace mvn
