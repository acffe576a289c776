#include "runner/merge.h"

#include <string>
#include <vector>

#include "common/json.h"
#include "common/text.h"
#include "common/trial.h"
#include "orchestrate/sessions/find_trial.h"
#include "orchestrate/store/reader.h"
#include "orchestrate/store/store.h"
#include "orchestrate/workers/worker_program.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// The folder of the trial's adapter.
fs::path adapter_folder(const fs::path& results, const TrialRecord& record) {
  const auto paths = trial_paths(results, record.sweep, record.trial.id);
  const auto name = "trial " + short_id(record.trial.id);
  if (record.state != TrialState::kDone) {
    throw ConfigError("", name + " is " + std::string(to_string(record.state)) +
                              ": only what a finished trial saved is merged");
  }
  if (!fs::exists(paths.model())) {
    throw ConfigError(
        "", name + " saved no model (training.save_model): there is no " + paths.model().string());
  }
  if (!fs::exists(paths.model() / "adapter_config.json")) {
    throw ConfigError("", name + " trained the whole model, there is nothing to merge: " +
                              paths.model().string() + " is the model");
  }
  return paths.model();
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
