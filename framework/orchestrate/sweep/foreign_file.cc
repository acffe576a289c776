#include "orchestrate/sweep/foreign_file.h"

#include <algorithm>

namespace mvn {
namespace {

struct Foreign {
  const char* program;
  std::vector<std::string> keys;  // of its files, none of them a sweep's
  int at_least = 1;               // so many of them tell
  const char* help;
};

const std::vector<Foreign>& foreign_files() {
  static const std::vector<Foreign> all = {
      {"Hydra",
       {"hydra", "defaults", "_target_"},
       1,
       "it stays the program's; a sweep file beside it runs the program, which gets its overrides "
       "by ${args_no_hyphens}"},
      {"Optuna",
       {"study", "study_name", "n_trials", "direction", "directions", "sampler", "pruner",
        "search_space", "storage"},
       2,
       "`method: bayes` with `run_cap` draws as its TPE sampler does"},
      {"Axolotl",
       {"base_model", "datasets", "dataset_prepared_path", "gradient_accumulation_steps",
        "learning_rate", "load_in_4bit", "load_in_8bit", "lora_r", "lora_target_linear",
        "lora_target_modules", "micro_batch_size", "model_type", "num_epochs", "output_dir",
        "sample_packing", "sequence_len", "tokenizer_type", "val_set_size"},
       3,
       "its model, data and training are `model`, `task`, `adapter`, `optimizer` and `training` "
       "here"}};
  return all;
}

bool has_any(const Node& root, const std::vector<std::string>& keys) {
  return std::ranges::any_of(keys, [&](const auto& key) { return root.find(key) != nullptr; });
}

// W&B's axes are named as the program likes, ours by the section that they are in.
bool is_wandb(const Node& root, const std::vector<std::string>& sections) {
  const Node* parameters = root.get("parameters");
  if (parameters == nullptr || !parameters->is_map() || root.get("method") == nullptr) return false;
  if (has_any(root, {"program", "command", "project", "entity"})) return true;
  return std::ranges::any_of(parameters->entries, [&](const Entry& entry) {
    const std::string first = entry.key.substr(0, entry.key.find('.'));
    const bool single = first == "recipe" || first == "seed";
    return entry.value.is_map() && !single && std::ranges::find(sections, first) == sections.end();
  });
}

}  // namespace

std::string foreign_file(const Node& root, const std::vector<std::string>& sections) {
  const Node* model = root.get("model");
  if ((model != nullptr && model->find("plugin") != nullptr) ||
      has_any(root, {"worker", "task", "stages", "trials", "zip"})) {
    return "";
  }
  if (is_wandb(root, sections)) {
    return "this looks like a sweep file of W&B: 'mvn-runner import wandb " +
           root.mark.source->file.string() + " --output NEW.yaml' makes one of mvn-runner of it";
  }
  for (const Foreign& each : foreign_files()) {
    const auto count = std::ranges::count_if(
        each.keys, [&](const auto& key) { return root.find(key) != nullptr; });
    if (count < each.at_least) continue;
    return std::string("this looks like a file of ") + each.program +
           ", not a sweep: " + each.help + "; see docs/from-others.md";
  }
  return "";
}

}  // namespace mvn
