#include "runner/merge.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/text.h"
#include "common/trial.h"
#include "orchestrate/store/query.h"
#include "orchestrate/store/store.h"
#include "orchestrate/workers/worker_program.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

bool is_trial_id(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// The one trial whose id begins with `id`: {"id", "sweep", "state", "config"}.
Json find_trial(const fs::path& results, const std::string& id) {
  const std::string ask = "; mvn-runner query \"SELECT trial, sweep, params, state FROM trials\"";
  if (!is_trial_id(id)) {
    throw ConfigError("", "'" + id + "' is no trial's id, which is made of 0-9 and a-f" + ask);
  }
  std::ostringstream answer;
  run_query(database_path(results),
            "SELECT t.hash AS id, s.name AS sweep, t.state, t.config FROM mvn_trial t "
            "JOIN mvn_sweep s ON s.id = t.sweep WHERE t.hash GLOB '" +
                id + "*'",
            {RowFormat::kJson, {}}, answer);
  const Json rows = parse_json(answer.str(), database_path(results).string());
  if (rows.empty()) {
    throw ConfigError(
        "", "no trial of " + results.string() + " has an id that begins with '" + id + "'" + ask);
  }
  if (rows.size() > 1) {
    std::string list;
    for (const auto& row : rows) {
      list += (list.empty() ? "" : ", ") + row.at("sweep").get<std::string>() + "/" +
              short_id(row.at("id").get<std::string>());
    }
    throw ConfigError("", "the ids of " + std::to_string(rows.size()) + " trials begin with '" +
                              id + "': " + list);
  }
  return rows[0];
}

// The folder of the trial's adapter.
fs::path adapter_folder(const fs::path& results, const Json& trial) {
  const auto id = trial.at("id").get<std::string>();
  const auto paths = trial_paths(results, trial.at("sweep").get<std::string>(), id);
  const auto name = "trial " + short_id(id);
  const auto state = trial.at("state").get<std::string>();
  if (state != "done") {
    throw ConfigError("", name + " is " + state + ": only what a finished trial saved is merged");
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
void add_model(std::vector<std::string>& options, const CommandLine& line, const Json& config) {
  const Json& model = config.at("model");
  if (line.plugin.empty()) add(options, "--plugin", model.at("plugin").get<std::string>());
  // Without weights the trial saved its random base with all of the configuration.
  const auto overrides = model.find("config");
  if (model.contains("weights") && overrides != model.end() && overrides->is_object()) {
    add(options, "--config", overrides->dump());
  }
}

}  // namespace

void merge(const CommandLine& line, std::ostream& out) {
  std::vector<std::string> options;
  fs::path adapter = line.adapter;
  if (!line.trial.empty()) {
    const Json trial = find_trial(line.results, line.trial);
    adapter = adapter_folder(line.results, trial);
    const Json& config = trial.at("config");
    const auto where = database_path(line.results).string() + ": column 'config'";
    add_model(options, line,
              config.is_string() ? parse_json(config.get<std::string>(), where) : config);
  }
  add(options, "--adapter", adapter.string());
  add(options, "--model", line.model);
  add(options, "--output", line.output);
  add(options, "--dtype", line.dtype);
  add(options, "--plugin", line.plugin);
  Signals signals;
  out << WorkerProgram(find_worker(), line.plugin_folders()).merge(options, signals) << std::flush;
}

}  // namespace mvn
