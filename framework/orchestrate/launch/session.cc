#include "orchestrate/launch/session.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "common/files.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/launch/fingerprints.h"
#include "orchestrate/launch/labels.h"
#include "orchestrate/launch/prepare.h"
#include "orchestrate/launch/preview.h"
#include "orchestrate/launch/results_lock.h"
#include "orchestrate/launch/run_to_end.h"
#include "orchestrate/launch/searcher.h"
#include "orchestrate/launch/stopper.h"
#include "orchestrate/launch/sweep_run.h"
#include "orchestrate/launch/validate.h"
#include "orchestrate/launch/worker_program.h"
#include "orchestrate/store/reader.h"
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
    // An older database is brought up to date before it is asked anything.
    if (fs::exists(database())) store_ = std::make_unique<Store>(database());
    open_results();
    make_plan();
    check_device();
    note_changes();
    if (!all_ended()) {
      prepare(plan_, out_, signals_);
      check();
    }
    lock_results();
    if (!store_) store_ = std::make_unique<Store>(database());
    record_plan();
    return all_ended() ? finish_without_running() : run_trials();
  }

  void preview(RowFormat format);

 private:
  [[nodiscard]] fs::path database() const { return database_path(results_); }

  void lock_results();
  void open_results();
  [[nodiscard]] SweepPlan plan_with(const std::map<std::string, std::vector<Point>>& drawn) const;
  void make_plan();
  void record_plan();
  void review_early_stops();
  void check_device() const;
  void check();
  void check(const SweepPlan& plan, const std::function<bool(const PlannedTrial&)>& wanted);
  [[nodiscard]] States states() const;
  [[nodiscard]] bool all_ended() const;
  [[nodiscard]] std::string find_trial(const std::string& prefix) const;
  [[nodiscard]] fs::path model_folder(const std::string& id) const;
  int finish_without_running();
  void warn(const std::string& warning);
  void note_changes();
  void add_dependents();
  [[nodiscard]] std::vector<Slot> slots(std::size_t width) const;
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
  StopReview review_;
  std::set<std::string> warned_;
  std::optional<ResultsLock> lock_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ResultsReader> known_;  // null where there are no results yet
  std::set<std::string> fresh_;           // ids of trials to train again from scratch
  std::vector<std::string> warnings_;     // of a preview; a run says them at once
  bool previewing_ = false;
};

void Session::warn(const std::string& warning) {
  if (!warned_.insert(warning).second) return;
  if (previewing_) {
    warnings_.push_back(warning);
  } else {
    out_ << "warning: " << warning << std::endl;
  }
}

void Session::lock_results() {
  if (!lock_) lock_.emplace(results_);
}

void Session::open_results() {
  if (!known_ && fs::exists(database())) known_ = std::make_unique<ResultsReader>(database());
}

// What finished or unfinished trials were made from and is not what it was: says so, and chooses
// the trials to train again where the user wants that.
void Session::note_changes() {
  if (!known_) return;
  const auto known = states();
  std::set<std::string> planned;
  for (const auto& trial : plan_.trials) planned.insert(trial.id);
  auto recorded = known_->fingerprints(plan_.name);
  std::erase_if(recorded, [&](const Fingerprint& print) { return !planned.contains(print.trial); });
  const auto found = changes(recorded, [this](const std::string& name) {
    return fingerprint_now(name, installed_, worker_.file());
  });
  for (const auto& change : found) {
    const auto finished = static_cast<std::size_t>(std::ranges::count_if(
        change.trials, [&](const std::string& id) { return has_ended(known.at(id)); }));
    warn(change_line(change, finished, change.trials.size() - finished, options_.rerun_changed));
    if (options_.rerun_changed) fresh_.insert(change.trials.begin(), change.trials.end());
  }
  add_dependents();
}

// What starts from a model that is trained again is trained again, too.
void Session::add_dependents() {
  for (const auto& trial : plan_.trials) {  // upstream stages come first
    const bool again = std::ranges::any_of(
        trial.depends_on, [this](const std::string& id) { return fresh_.contains(id); });
    if (again) fresh_.insert(trial.id);
  }
}

std::string Session::find_trial(const std::string& prefix) const {
  const auto found = known_ ? known_->finished_with_prefix(prefix) : std::vector<std::string>();
  if (found.size() == 1) return found.front();
  const auto where = path_text(database());
  if (found.empty()) {
    throw ConfigError("model.weights", "no finished trial in " + where + " begins with '" + prefix +
                                           "'; mvn-runner status lists them");
  }
  throw ConfigError("model.weights", plural(found.size(), "finished trial") + " in " + where +
                                         " begin with '" + prefix + "': give more digits");
}

SweepPlan Session::plan_with(const std::map<std::string, std::vector<Point>>& drawn) const {
  return plan_sweep(
      options_.file, installed_,
      {options_.overrides, [this](const std::string& prefix) { return find_trial(prefix); },
       recipe_folders(), drawn});
}

// With what its searches have drawn in earlier runs.
void Session::make_plan() {
  plan_ = plan_with({});
  std::map<std::string, std::vector<Point>> drawn;
  for (const auto& [stage, search] : plan_.searches) {
    if (!known_) break;
    auto points = known_->draws(plan_.name, stage, search.id, search.points.size());
    if (!points.empty()) drawn[stage] = std::move(points);
  }
  if (!drawn.empty()) plan_ = plan_with(drawn);
  review_early_stops();
  if (options_.workers > 0) plan_.resources.workers = options_.workers;
  for (const auto& warning : plan_.warnings) warn(warning);
}

// Settles what a dead runner left running, too, and takes in a sweep whose folder alone was there.
void Session::record_plan() {
  store_->record_plan(plan_);
  open_results();
  if (plan_.searches.empty()) {
    review_early_stops();
  } else {
    const auto before = plan_.trials.size();
    make_plan();
    if (plan_.trials.size() != before) store_->record_plan(plan_);
  }
  for (const auto& [id, decision] : review_.decisions) {
    store_->note_stop(plan_.name, id, decision);
  }
}

// Which trials that an earlier run stopped go on.
void Session::review_early_stops() {
  review_ = {};
  if (!known_) return;
  const auto trials = known_->trials(plan_.name);
  if (std::any_of(trials.begin(), trials.end(),
                  [](const auto& trial) { return trial.state == TrialState::kStopped; })) {
    review_ = review_stops(plan_, known_->histories(plan_.name));
  }
}

States Session::states() const {
  States states;
  if (!known_) return states;
  for (const auto& trial : known_->trials(plan_.name)) {
    if (fresh_.contains(trial.id)) continue;
    // What is not stopped by the rules of now goes on from its checkpoint.
    const bool goes_on = trial.state == TrialState::kStopped && review_.resumed.contains(trial.id);
    states[trial.id] = goes_on ? TrialState::kInterrupted : trial.state;
  }
  return states;
}

bool Session::all_ended() const {
  if (trials_to_draw(plan_) > 0) return false;
  const auto known = states();
  return std::all_of(plan_.trials.begin(), plan_.trials.end(), [&](const auto& trial) {
    const auto state = known.find(trial.id);
    return state != known.end() && has_ended(state->second);
  });
}

fs::path Session::model_folder(const std::string& id) const {
  const bool planned = std::any_of(plan_.trials.begin(), plan_.trials.end(),
                                   [&](const auto& trial) { return trial.id == id; });
  const auto known = states();
  const auto state = known.find(id);
  if (planned && (state == known.end() || state->second != TrialState::kDone)) return {};
  return TrialPaths{results_ / known_->folder_of(id)}.model();
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
  check(plan_, [&](const PlannedTrial& trial) {
    const auto state = known.find(trial.id);
    return state == known.end() || !has_ended(state->second);
  });
}

void Session::check(const SweepPlan& plan, const std::function<bool(const PlannedTrial&)>& wanted) {
  const auto warnings = validate(
      plan, installed_, worker_, wanted, [this](const auto& id) { return model_folder(id); },
      signals_);
  for (const auto& warning : warnings) warn(warning);
}

int Session::finish_without_running() {
  const auto known = states();
  const auto stopped = std::count_if(plan_.trials.begin(), plan_.trials.end(), [&](auto& trial) {
    return known.at(trial.id) == TrialState::kStopped;
  });
  out_ << "nothing to do: " << plural(plan_.trials.size(), "trial") << " done"
       << (stopped > 0 ? ", " + std::to_string(stopped) + " of them stopped early" : "")
       << std::endl;
  print_results();
  return 0;
}

std::vector<Slot> Session::slots(std::size_t width) const {
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  return make_slots(plan_.resources, installed_.devices, usable_cores(), width,
                    visible == nullptr ? "" : visible);
}

void Session::preview(RowFormat format) {
  previewing_ = true;
  installed_ = worker_.describe(signals_);
  open_results();
  make_plan();
  check_device();
  note_changes();
  const auto runner = last_runner(results_);
  const bool running = runner && runner->alive;
  if (running) warn(path_text(results_) + " is in use by another mvn-runner, " + runner->text());
  const auto known = states();
  Preview preview = preview_of(plan_, known, results_, running);
  preview.to_draw = trials_to_draw(plan_);
  place(preview, slots(Schedule(plan_.trials, known).width() + preview.to_draw), results_);
  for (auto& trial : preview.trials) {
    if (fresh_.contains(trial.id)) trial.state = "changed";
  }
  predict(preview, plan_, known_ ? known_->history() : std::vector<PastTrial>());
  if (preview.first.empty()) check();
  preview.warnings = warnings_;
  if (format == RowFormat::kJson) {
    out_ << to_json(preview).dump(2) << std::endl;
  } else {
    print_preview(preview, terminal_width(STDOUT_FILENO), out_);
  }
}

int Session::run_trials() {
  Schedule schedule(plan_.trials, states());
  Searcher searcher({plan_, schedule, *store_,
                     [this](const auto& drawn) { return plan_with(drawn); },
                     [this](const auto& plan, const auto& wanted) { check(plan, wanted); }});
  const auto to_draw = trials_to_draw(plan_);
  auto places = slots(schedule.width() + to_draw);
  out_ << plan_.name << ": " << plural(plan_.trials.size() + to_draw, "trial") << ", "
       << schedule.ended() << " done, " << schedule.left() + to_draw << " to run; "
       << plural(places.size(), "worker") << " with "
       << plural(static_cast<std::size_t>(places.front().threads), "thread") << " on "
       << places.front().name
       << (places.size() > 1 && places.back().name != places.front().name
               ? " to " + places.back().name
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
                [this](Course course) { lock_->announce(plan_.name, course); },
                [&] { return searcher.draw(); }, fresh_},
               std::move(places));
  run.execute();
  return conclude(schedule, run, clock() - started);
}

int Session::conclude(const Schedule& schedule, const SweepRun& run, double seconds) {
  const bool stopped = run.stopped();
  print_results();
  const auto done = schedule.ended();
  const auto all = plan_.trials.size() + trials_to_draw(plan_) - schedule.held();
  for (const auto& reason : run.endings()) {
    out_ << "no more trials were started: " << reason << std::endl;
  }
  out_ << plan_.name << ": " << done << " of " << plural(all, "trial") << " done";
  for (const auto state : {TrialState::kStopped, TrialState::kDiverged, TrialState::kFailed,
                           TrialState::kBlocked, TrialState::kInterrupted}) {
    if (const auto count = schedule.count(state); count > 0) {
      out_ << ", " << count << " " << to_string(state);
    }
  }
  out_ << ", in " << duration_text(seconds) << "; results in " << path_text(database())
       << std::endl;
  if (done == all) return 0;
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

void preview_sweep(const RunOptions& options, RowFormat format, std::ostream& out) {
  Session(options, out).preview(format);
}

}  // namespace mvn
