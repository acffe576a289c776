#include "orchestrate/sessions/validate.h"

#include <algorithm>
#include <set>

#include "orchestrate/sweep/locate.h"
#include "orchestrate/sweep/problems.h"
#include "orchestrate/workers/trial_command.h"

namespace mvn {
namespace {

using ModelFolder = std::function<std::filesystem::path(const std::string& id)>;

// The trial whose model this one starts from, or "".
std::string weights_trial(const Json& config) {
  const Json::json_pointer pointer("/model/weights/trial");
  return config.contains(pointer) ? config.at(pointer).get<std::string>() : "";
}

Json check_config(const SweepPlan& plan, const PlannedTrial& trial, const Description& installed,
                  const ModelFolder& model_folder, const HubPath& hub_path) {
  Json config = launch_config(plan, trial, installed, model_folder, hub_path);
  // A model that is not trained yet stays a reference: the worker skips what it cannot know.
  const Json planned = trial.config;
  const auto from = weights_trial(planned);
  if (!from.empty() && model_folder(from).empty()) {
    config["model"]["weights"] = planned.at("model").at("weights");
  }
  return config;
}

void add_unique(std::vector<Problem>& problems, std::set<std::string>& seen, Problem problem) {
  if (seen.insert(render(problem)).second) problems.push_back(std::move(problem));
}

void add_new(std::vector<std::string>& lines, const std::vector<std::string>& more) {
  for (const auto& line : more) {
    if (std::ranges::find(lines, line) == lines.end()) lines.push_back(line);
  }
}

// What a program of the user's makes of its configuration only it knows; that it is there can be
// said.
void check_program(const SweepPlan& plan, const PlannedTrial& trial, const Json& config,
                   std::vector<Problem>& problems, std::set<std::string>& seen) {
  const auto folder = program_folder(config, plan.file.parent_path());
  if (!std::filesystem::is_directory(folder)) {
    add_unique(
        problems, seen,
        {locate(plan, trial, "worker.cwd"), "worker.cwd: no folder '" + folder.string() + "'"});
    return;
  }
  const auto reason = why_not_startable(config, folder);
  if (reason.empty()) return;
  add_unique(problems, seen, {locate(plan, trial, "worker.command"), "worker.command: " + reason});
}

}  // namespace

Validation validate(const SweepPlan& plan, const std::vector<const PlannedTrial*>& trials,
                    const Description& installed, const WorkerProgram& worker,
                    const ModelFolder& model_folder, const HubPath& hub_path, Signals& signals) {
  Json configurations = Json::array();
  std::vector<const PlannedTrial*> asked;
  std::set<std::string> groups;
  std::set<std::string> programs;
  std::vector<Problem> problems;
  std::set<std::string> seen;
  for (const PlannedTrial* each : trials) {
    const PlannedTrial& trial = *each;
    if (!groups.insert(trial.stage + "/" + trial.group).second) continue;
    const Json config = trial.config;
    if (has_own_program(config)) {
      const bool first = programs.insert(trial.stage + config.at("worker").dump()).second;
      if (first) check_program(plan, trial, config, problems, seen);
      continue;
    }
    configurations.push_back(check_config(plan, trial, installed, model_folder, hub_path));
    asked.push_back(&trial);
  }
  if (!problems.empty()) throw SweepErrors(std::move(problems));
  if (asked.empty()) return {};
  Validation validation;
  const auto results = worker.check(configurations, signals);
  for (std::size_t i = 0; i < results.size(); ++i) {
    for (const auto& [key, message] : results[i].errors) {
      add_unique(problems, seen,
                 {locate(plan, *asked[i], key), (key.empty() ? "" : key + ": ") + message});
    }
    add_new(validation.warnings, results[i].warnings);
    add_new(validation.notes, results[i].notes);
  }
  if (!problems.empty()) throw SweepErrors(std::move(problems));
  return validation;
}

}  // namespace mvn
