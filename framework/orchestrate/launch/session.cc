#include "orchestrate/launch/session.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>

#include "common/files.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/launch/labels.h"
#include "orchestrate/launch/prepare.h"
#include "orchestrate/launch/results_lock.h"
#include "orchestrate/launch/run_to_end.h"
#include "orchestrate/launch/sweep_run.h"
#include "orchestrate/launch/validate.h"
#include "orchestrate/launch/worker_program.h"
#include "orchestrate/store/report.h"
#include "orchestrate/store/table.h"
#include "orchestrate/sweep/problems.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;
using States = std::map<std::string, TrialState>;

std::string plural(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

bool ended_well(TrialState state) {
  return state == TrialState::kDone || state == TrialState::kDiverged;
}

// Where the recipes that ship with mvn-runner are: installed, or in the source tree of a build.
std::vector<fs::path> recipe_folders() {
  const auto prefix = executable_folder().parent_path();
  std::vector<fs::path> folders;
  for (const auto& folder :
       {prefix / "share" / "mvn" / "recipes", prefix.parent_path() / "experiments" / "recipes"}) {
    if (fs::is_directory(folder)) folders.push_back(folder);
  }
  return folders;
}

// The trainer's own batch size, where a configuration does not say.
std::int64_t default_batch_size(const Description& installed) {
  const auto training = installed.sections.find("training");
  if (training == installed.sections.end()) return 0;
  for (const ParamSpec& spec : training->second) {
    if (spec.name == "batch_size" && spec.default_value.is_int()) {
      return spec.default_value.as_int();
    }
  }
  return 0;
}

class Session {
 public:
  Session(const RunOptions& options, std::ostream& out)
      : options_(options),
        out_(out),
        results_(fs::absolute(options.results).lexically_normal()),
        worker_(find_worker(), options.plugin_folders) {}

  int run() {
    installed_ = worker_.describe(signals_);
    if (last_runner(results_) || fs::exists(database())) lock_results();
    if (fs::exists(database())) store_ = std::make_unique<Store>(database());
    make_plan();
    check_device();
    if (all_ended()) return finish_without_running();
    if (options_.dry_run) return show_plan();
    prepare(plan_, out_, signals_);
    check();
    lock_results();
    if (!store_) store_ = std::make_unique<Store>(database());
    store_->record_plan(plan_);  // settles what a dead runner left running, too
    return all_ended() ? finish_without_running() : run_trials();
  }

 private:
  [[nodiscard]] fs::path database() const { return database_path(results_); }

  void lock_results();
  void make_plan();
  void check_device() const;
  void check();
  [[nodiscard]] States states() const;
  [[nodiscard]] bool all_ended() const;
  [[nodiscard]] std::string find_trial(const std::string& prefix) const;
  [[nodiscard]] fs::path model_folder(const std::string& id) const;
  int finish_without_running();
  int show_plan();
  int run_trials();
  void print_results();
  int conclude(const Schedule& schedule, const SweepRun& run, double seconds);

  const RunOptions& options_;
  std::ostream& out_;
  fs::path results_;
  Signals signals_;
  WorkerProgram worker_;
  Description installed_;
  SweepPlan plan_;
  std::optional<ResultsLock> lock_;
  std::unique_ptr<Store> store_;
};

void Session::lock_results() {
  if (!lock_) lock_.emplace(results_);
}

std::string Session::find_trial(const std::string& prefix) const {
  const auto found = store_ ? store_->finished_with_prefix(prefix) : std::vector<std::string>();
  if (found.size() == 1) return found.front();
  const auto where = path_text(database());
  if (found.empty()) {
    throw ConfigError("model.weights", "no finished trial in " + where + " begins with '" + prefix +
                                           "'; mvn-runner status lists them");
  }
  throw ConfigError("model.weights", plural(found.size(), "finished trial") + " in " + where +
                                         " begin with '" + prefix + "': give more digits");
}

void Session::make_plan() {
  plan_ = plan_sweep(
      options_.file, installed_,
      {options_.overrides, [this](const std::string& prefix) { return find_trial(prefix); },
       recipe_folders()});
  if (options_.workers > 0) plan_.resources.workers = options_.workers;
  for (const auto& warning : plan_.warnings) out_ << "warning: " << warning << std::endl;
}

States Session::states() const {
  States states;
  if (!store_) return states;
  for (const auto& trial : store_->trials(plan_.name)) states[trial.id] = trial.state;
  return states;
}

bool Session::all_ended() const {
  const auto known = states();
  return std::all_of(plan_.trials.begin(), plan_.trials.end(), [&](const auto& trial) {
    const auto state = known.find(trial.id);
    return state != known.end() && ended_well(state->second);
  });
}

fs::path Session::model_folder(const std::string& id) const {
  const bool planned = std::any_of(plan_.trials.begin(), plan_.trials.end(),
                                   [&](const auto& trial) { return trial.id == id; });
  const auto known = states();
  const auto state = known.find(id);
  if (planned && (state == known.end() || state->second != TrialState::kDone)) return {};
  return TrialPaths{results_ / store_->folder_of(id)}.model();
}

// The device is checked with everything else, before anything is written.
void Session::check_device() const {
  try {
    make_slots(plan_.resources, installed_.devices, 1, 1, "");
  } catch (const ConfigError& error) {
    throw SweepErrors({{locate(plan_, "", error.key()), error.what()}});
  }
}

void Session::check() {
  const auto known = states();
  const auto wanted = [&](const PlannedTrial& trial) {
    const auto state = known.find(trial.id);
    return state == known.end() || !ended_well(state->second);
  };
  const auto warnings = validate(
      plan_, installed_, worker_, wanted, [this](const auto& id) { return model_folder(id); },
      signals_);
  for (const auto& warning : warnings) out_ << "warning: " << warning << std::endl;
}

int Session::finish_without_running() {
  if (!options_.dry_run) store_->record_plan(plan_);
  out_ << "nothing to do: " << plural(plan_.trials.size(), "trial") << " done" << std::endl;
  print_results();
  return 0;
}

int Session::show_plan() {
  const auto known = states();
  const auto labels = trial_labels(plan_);
  std::size_t done = 0;
  for (std::size_t i = 0; i < plan_.trials.size(); ++i) {
    const auto& trial = plan_.trials[i];
    const auto state = known.find(trial.id);
    const bool ended = state != known.end() && ended_well(state->second);
    done += ended ? 1 : 0;
    out_ << (ended ? "  done  " : "  run   ") << trial.id.substr(0, 12) << "  " << labels[i]
         << std::endl;
  }
  const auto missing = missing_preparations(plan_);
  for (const auto& each : missing) {
    out_ << "first runs: " << shell_text(each.command) << std::endl;
  }
  if (missing.empty()) check();
  out_ << plan_.name << ": " << plural(plan_.trials.size(), "trial") << ", " << done << " done, "
       << plan_.trials.size() - done << " to run" << std::endl;
  return 0;
}

int Session::run_trials() {
  Schedule schedule(plan_.trials, states());
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  auto slots = make_slots(plan_.resources, installed_.devices, usable_cores(), schedule.width(),
                          visible == nullptr ? "" : visible);
  const auto ended = schedule.count(TrialState::kDone) + schedule.count(TrialState::kDiverged);
  out_ << plan_.name << ": " << plural(plan_.trials.size(), "trial") << ", " << ended << " done, "
       << schedule.left() << " to run; " << plural(slots.size(), "worker") << " with "
       << plural(static_cast<std::size_t>(slots.front().threads), "thread") << " on "
       << slots.front().name
       << (slots.size() > 1 && slots.back().name != slots.front().name ? " to " + slots.back().name
                                                                       : "")
       << std::endl;
  const auto view = make_view(out_);
  const auto clock = steady_clock();
  const double started = clock();
  lock_->announce(plan_.name, Course::kRunning);
  SweepRun run({plan_, results_, *store_, schedule, *view, signals_, clock, worker_.serve(),
                [this](const PlannedTrial& trial) {
                  return launch_config(plan_, trial, installed_,
                                       [this](const auto& id) { return model_folder(id); });
                },
                default_batch_size(installed_),
                [this](Course course) { lock_->announce(plan_.name, course); }},
               std::move(slots));
  run.execute();
  return conclude(schedule, run, clock() - started);
}

int Session::conclude(const Schedule& schedule, const SweepRun& run, double seconds) {
  const bool stopped = run.stopped();
  print_results();
  const auto done = schedule.count(TrialState::kDone) + schedule.count(TrialState::kDiverged);
  out_ << plan_.name << ": " << done << " of " << plural(plan_.trials.size(), "trial") << " done";
  for (const auto state : {TrialState::kDiverged, TrialState::kFailed, TrialState::kBlocked,
                           TrialState::kInterrupted}) {
    if (const auto count = schedule.count(state); count > 0) {
      out_ << ", " << count << " " << to_string(state);
    }
  }
  out_ << ", in " << duration_text(seconds) << "; results in " << path_text(database())
       << std::endl;
  if (done == plan_.trials.size()) return 0;
  if (!run.given_up().empty()) out_ << "given up: " << run.given_up() << std::endl;
  out_ << (stopped ? "stopped; to continue" : "to try those that did not end well again")
       << ", run the same command again:\n  " << options_.command << std::endl;
  return stopped ? 130 : 1;
}

void Session::print_results() {
  print_report(path_text(database()), plan_.name, out_, terminal_width(STDOUT_FILENO));
}

}  // namespace

int run_sweep(const RunOptions& options, std::ostream& out) { return Session(options, out).run(); }

}  // namespace mvn
