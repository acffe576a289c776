#include "runner/merge.h"

#include <string>
#include <vector>

#include "common/json.h"
#include "common/text.h"
#include "orchestrate/sessions/find_trial.h"
#include "orchestrate/store/reader.h"
#include "orchestrate/store/store.h"
#include "orchestrate/workers/worker_program.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// The folder of the trial's adapter.
fs::path adapter_folder(const fs::path& results, const TrialRecord& record) {
  const auto folder = saved_model(results, record, "merged");
  if (!fs::exists(folder / "adapter_config.json")) {
    throw ConfigError("", "trial " + short_id(record.trial.id) +
                              " trained the whole model, there is nothing to merge: " +
                              folder.string() + " is the model");
  }
  return folder;
}

void add(std::vector<std::string>& options, const char* name, const std::string& value) {
  if (value.empty()) return;
  options.emplace_back(name);
  options.push_back(value);
}

// What the trial's configuration says of its base.
void add_model(std::vector<std::string>& options, const MergeRequest& request, const Json& config) {
  const Json& model = config.at("model");
  if (request.plugin.empty()) add(options, "--plugin", model.at("plugin").get<std::string>());
  // Without weights the trial saved its random base with all of the configuration.
  const auto overrides = model.find("config");
  if (model.contains("weights") && overrides != model.end() && overrides->is_object()) {
    add(options, "--config", overrides->dump());
  }
}

}  // namespace

void merge(const MergeRequest& request, const CommonOptions& common, std::ostream& out) {
  std::vector<std::string> options;
  fs::path adapter = request.adapter;
  if (!request.trial.empty()) {
    const ResultsReader reader(database_path(common.results));
    const auto record = find_trial(reader, common.results, request.trial);
    adapter = adapter_folder(common.results, record);
    add_model(options, request, record.trial.config);
  }
  add(options, "--adapter", adapter.string());
  add(options, "--model", request.model);
  add(options, "--output", request.output);
  add(options, "--dtype", request.dtype);
  add(options, "--plugin", request.plugin);
  Signals signals;
  out << WorkerProgram(find_worker(), common.plugin_folders()).merge(options, signals)
      << std::flush;
}

}  // namespace mvn
