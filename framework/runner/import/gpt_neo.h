// `mvn-runner import gpt-neo CONFIG.json`: a configuration of EleutherAI's gpt-neo as a recipe and
// a model.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace mvn {

struct ImportedGptNeo {
  std::string recipe;  // YAML, sections optimizer, schedule, training
  std::string model;   // YAML, sections model and task, for a sweep to extend
  // What has no counterpart here, by key, and why.
  std::vector<std::pair<std::string, std::string>> left_out;
};

// Translates what that trainer's code does with the configuration, which is not always what its
// keys say. Throws UsageError "file:line:column: ..." for what cannot be a configuration of
// gpt-neo, or would train something else here.
ImportedGptNeo import_gpt_neo(const std::filesystem::path& file);

// Writes NAME.recipe.yaml and NAME.model.yaml into `folder` and says what was left out. Throws
// UsageError where one of them is there already.
void write_gpt_neo(const std::filesystem::path& file, const std::filesystem::path& folder,
                   std::ostream& out);

}  // namespace mvn
