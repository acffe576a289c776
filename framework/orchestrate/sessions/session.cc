#include "orchestrate/sessions/session.h"

#include <malloc.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "common/files.h"
#include "common/printable.h"
#include "common/spool.h"
#include "common/text.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/answers/importance.h"
#include "orchestrate/answers/report.h"
#include "orchestrate/process/log.h"
#include "orchestrate/process/run_to_end.h"
#include "orchestrate/run/searcher.h"
#include "orchestrate/run/stopper.h"
#include "orchestrate/run/sweep_run.h"
#include "orchestrate/sessions/hub_files.h"
#include "orchestrate/sessions/logged_view.h"
#include "orchestrate/sessions/preview.h"
#include "orchestrate/sessions/submit.h"
#include "orchestrate/sessions/validate.h"
#include "orchestrate/slurm/job.h"
#include "orchestrate/slurm/slurm_workplaces.h"
#include "orchestrate/store/reader.h"
#include "orchestrate/store/table.h"
#include "orchestrate/sweep/problems.h"
#include "orchestrate/sweep/recipes.h"
#include "orchestrate/workers/fingerprints.h"
#include "orchestrate/workers/prepare.h"
#include "orchestrate/workers/results_lock.h"
#include "orchestrate/workers/trial_command.h"
#include "orchestrate/workers/worker_program.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;
using States = std::map<std::string, TrialState>;

// "2 workers with 8 threads on cuda:0 to cuda:1"
std::string text_of(const std::vector<Place>& places) {
  const auto& first = places.front();
  const auto& last = places.back();
  return plural(places.size(), "worker") + " with " +
         plural(static_cast<std::size_t>(first.threads), "thread") + " on " + first.name +
         (last.name != first.name ? " to " + last.name : "");
}

class Session {
 public:
  Session(const RunOptions& options, std::ostream& out, Signals& signals)
      : options_(options),
        out_(out),
        signals_(signals),
        results_(fs::absolute(options.results).lexically_normal()),
        worker_(find_worker(), options.plugin_folders),
        hub_(results_, options.rerun_changed) {}

  int run() {
    logging_.emplace(LogRules{{}, options_.log_level, options_.verbose});
    try {
      return run_planned();
    } catch (const std::exception& error) {
      log(LogLevel::kError, error.what());
      throw;
    }
  }

  void preview(RowFormat format);
  std::vector<HubNeed> needs();
  CheckedSweep check_all();

 private:
  int run_planned() {
    installed_ = worker_.describe(signals_);
    if (last_runner(results_) || fs::exists(database())) lock_results();
    // An older database is brought up to date before it is asked anything.
    if (fs::exists(database())) store_ = std::make_unique<Store>(database());
    open_results();
    make_plan();
    check_device();
    note_changes();
    if (!all_ended()) {
      require_torch();
      prepare(plan_, out_, signals_);
      check();
    }
    lock_results();
    if (!store_) store_ = std::make_unique<Store>(database());
    record_plan();
    return all_ended() ? finish_without_running() : run_trials();
  }

  [[nodiscard]] fs::path database() const { return database_path(results_); }

  ResultsLock& lock_results();  // once
  void open_results();
  void make_plan();
  void append_earlier_draws();
  void record_plan();
  void review_early_stops();
  void check_owner() const;
  void check_device() const;
  void check();
  void require_torch();
  [[nodiscard]] std::vector<const PlannedTrial*> open_trials() const;
  void check(const std::vector<const PlannedTrial*>& trials);
  void fetch(const std::vector<const PlannedTrial*>& trials);
  [[nodiscard]] HubPath hub_paths() {
    return [this](const std::string& reference, HubUse use) { return hub_.local(reference, use); };
  }
  [[nodiscard]] States states() const;
  [[nodiscard]] bool all_ended() const;
  [[nodiscard]] std::string find_trial(const std::string& prefix) const;
  [[nodiscard]] std::function<fs::path(const std::string& id)> model_folders() const;
  int finish_without_running();
  void warn(const std::string& warning);
  void note_changes();
  void add_dependents();
  [[nodiscard]] std::vector<Place> places(const Resources& resources, std::size_t width) const;
  [[nodiscard]] std::vector<Place> places_on(const HeldNode& node) const;
  std::unique_ptr<Workplaces> workplaces(std::vector<Place> places, View& view);
  [[nodiscard]] Json configuration(const PlannedTrial& trial);
  int run_trials();
  // Those that are planned or may yet be drawn.
  [[nodiscard]] std::size_t all_trials(const Schedule& schedule) const {
    return plan_.trials.size() + trials_to_draw(plan_) - schedule.held();
  }
  [[nodiscard]] Packer packer() const;
  void print_results();
  [[nodiscard]] std::string end_text(const Schedule& schedule, const SweepRun& run,
                                     double seconds) const;

  const RunOptions& options_;
  std::ostream& out_;
  Signals& signals_;
  fs::path results_;
  WorkerProgram worker_;
  HubFiles hub_;
  Description installed_;
  SweepPlan plan_;
  StopReview review_;
  std::set<std::string> said_;  // warnings and notes
  std::optional<ResultsLock> lock_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ResultsReader> known_;  // null where there are no results yet
  std::set<std::string> fresh_;           // ids of trials to train again from scratch
  std::vector<std::string> warnings_;     // of a preview; a run says them at once
  bool previewing_ = false;
  std::optional<Logging> logging_;
};

void Session::warn(const std::string& warning) {
  if (!said_.insert(warning).second) return;
  if (previewing_) {
    warnings_.push_back(warning);
  } else {
    out_ << "warning: " << printable_lines(warning) << std::endl;
  }
}

ResultsLock& Session::lock_results() {
  // What was requeued may start while the run before it still ends, or while the file server has
  // not noticed yet that its node is dead.
  constexpr int kPatience = 180;  // seconds
  const auto job = this_job();
  for (int left = job && job->submitted ? kPatience : 0;; --left) {
    if (lock_) return *lock_;
    try {
      lock_.emplace(results_);
    } catch (const Error& error) {
      if (left == 0) throw;
      if (left == kPatience) out_ << "waiting: " << printable_lines(error.what()) << std::endl;
      pollfd signals = {signals_.descriptor(), POLLIN, 0};
      ::poll(&signals, 1, 1000);
      if (signals_.take().stops() > 0) throw Interrupted();
    }
  }
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
  follow_files(recorded, plan_.trials, plan_.file.parent_path());
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

// Before data is made for them: what trains the models is there.
void Session::require_torch() {
  const auto trials = open_trials();
  const bool needed = std::ranges::any_of(
      trials, [](const PlannedTrial* trial) { return !has_own_program(trial->config); });
  if (needed) worker_.require_torch(signals_);
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

// A sweep belongs to its file: trials of two, which run other programs perhaps, would be each
// other's results.
void Session::check_owner() const {
  const auto other = other_sweep_file(results_, plan_.name, plan_.file);
  if (other.empty()) return;
  throw Error(path_text(plan_.file) + ": the sweep '" + plan_.name + "' of " + path_text(results_) +
              " belongs to " + path_text(other) +
              "; give one of the two files another name ('name: ...'), or this one other results "
              "(--results FOLDER); where it takes the other's place, move the other away");
}

// With what its searches have drawn in earlier runs.
void Session::make_plan() {
  plan_ = plan_sweep(
      options_.file, installed_,
      {options_.overrides, [this](const std::string& prefix) { return find_trial(prefix); },
       shipped_recipe_folders(),
       [this](const std::string& sweep, const std::string& reference, HubUse use) {
         return hub_.pin(sweep, reference, use);
       }});
  for (const auto& warning : hub_.take_warnings()) warn(warning);
  check_owner();
  append_earlier_draws();
  review_early_stops();
  if (options_.workers > 0) plan_.resources.workers = options_.workers;
  for (const auto& warning : plan_.warnings) warn(warning);
}

void Session::append_earlier_draws() {
  if (!known_) return;
  for (auto& [stage, search] : plan_.searches) {
    const auto points = known_->draws(plan_.name, stage, search.id, search.points.size());
    for (const Point& point : points) append_draw(plan_, stage, point);
  }
}

// Settles what a dead runner left running, too, and takes in a sweep whose folder alone was there.
void Session::record_plan() {
  store_->record_plan(plan_);
  hub_.keep_commits(plan_.name);
  open_results();
  const auto before = plan_.trials.size();
  append_earlier_draws();
  review_early_stops();
  if (plan_.trials.size() != before) store_->record_plan(plan_);
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

// Of the plan's trials those that are trained have one, and all others that a trial may name.
std::function<fs::path(const std::string& id)> Session::model_folders() const {
  std::set<std::string> untrained;
  const auto known = states();
  for (const auto& trial : plan_.trials) {
    const auto state = known.find(trial.id);
    if (state == known.end() || state->second != TrialState::kDone) untrained.insert(trial.id);
  }
  return [this, untrained = std::move(untrained)](const std::string& id) {
    return untrained.contains(id) ? fs::path()
                                  : TrialPaths{results_ / known_->folder_of(id)}.model();
  };
}

// The device is checked with everything else, before anything is written.
void Session::check_device() const {
  try {
    make_places(plan_.resources, installed_.devices, 1, 1, "");
  } catch (const ConfigError& error) {
    throw SweepErrors({{locate(plan_, "", error.key()), error.what()}});
  }
}

void Session::check() { check(open_trials()); }

std::vector<const PlannedTrial*> Session::open_trials() const {
  const auto known = states();
  std::vector<const PlannedTrial*> open;
  for (const PlannedTrial& trial : plan_.trials) {
    const auto state = known.find(trial.id);
    if (state == known.end() || !has_ended(state->second)) open.push_back(&trial);
  }
  return open;
}

// A preview fetches nothing, and what is not here cannot be looked at.
void Session::check(const std::vector<const PlannedTrial*>& trials) {
  auto checked = trials;
  if (previewing_) {
    std::erase_if(checked,
                  [this](const PlannedTrial* trial) { return !hub_.has_all(*trial, installed_); });
  } else {
    fetch(trials);
  }
  const auto found =
      validate(plan_, checked, installed_, worker_, model_folders(), hub_paths(), signals_);
  for (const auto& note : found.notes) {
    if (!previewing_ && said_.insert(note).second) {
      out_ << "data: " << printable_lines(note) << std::endl;
    }
  }
  for (const auto& warning : found.warnings) warn(warning);
}

void Session::fetch(const std::vector<const PlannedTrial*>& trials) {
  const auto stop = [this] { return signals_.take().stops() > 0; };
  if (!hub_.fetch(HubFiles::needs(trials, installed_), out_, stop)) throw Interrupted();
  for (const auto& warning : hub_.take_warnings()) warn(warning);
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

std::vector<Place> Session::places(const Resources& resources, std::size_t width) const {
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  // A cluster that does not confine a job to its cores still says how many these are.
  const auto job = this_job();
  const int cores = job && job->cores > 0 ? std::min(usable_cores(), job->cores) : usable_cores();
  return make_places(resources, installed_.devices, cores, width,
                     visible == nullptr ? "" : visible);
}

// A further node of a cluster has what the first one has.
std::vector<Place> Session::places_on(const HeldNode& node) const {
  auto resources = plan_.resources;
  resources.max_trials_per_gpu = 1;  // nobody watches the memory of those
  auto places = this->places(resources, plan_.trials.size() + trials_to_draw(plan_));
  for (Place& place : places) {
    place.name += " of " + node.name;
    place.launcher = launcher_of(node);
    place.known = {{"slurm.job", node.job}, {"slurm.node", node.name}};
  }
  return places;
}

std::unique_ptr<Workplaces> Session::workplaces(std::vector<Place> places, View& view) {
  LocalWorkplaces::Parts local{.places = std::move(places),
                               .worker = worker_.serve(),
                               .programs_folder = plan_.file.parent_path(),
                               .packer = packer()};
  const auto job = this_job();
  if (!job || !job->submitted || plan_.slurm.nodes < 2) {
    return std::make_unique<LocalWorkplaces>(std::move(local));
  }
  const auto say = [&view](const std::string& line) { view.note(line); };
  return std::make_unique<SlurmWorkplaces>(
      SlurmWorkplaces::Parts{.local = std::move(local),
                             .holders = {.request = plan_.slurm,
                                         .sweep = plan_.name,
                                         .runner = job->id,
                                         .log = slurm_folder(results_, plan_.name) / "node-%j.log",
                                         .most = static_cast<std::size_t>(plan_.slurm.nodes - 1),
                                         .clock = steady_clock(),
                                         .say = say},
                             .places_of = [this](const HeldNode& node) { return places_on(node); },
                             .grace = plan_.limits.grace,
                             .time = [] { return static_cast<double>(now_ms()) / 1000; },
                             .say = say});
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
  place(preview, places(plan_.resources, Schedule(plan_.trials, known).width() + preview.to_draw),
        results_);
  for (auto& trial : preview.trials) {
    if (fresh_.contains(trial.id)) trial.state = "changed";
  }
  predict(preview, plan_, known_ ? known_->history() : std::vector<PastTrial>());
  preview.fetches = hub_.missing(HubFiles::needs(open_trials(), installed_));
  if (preview.first.empty()) check();
  preview.warnings = warnings_;
  if (format == RowFormat::kJson) {
    out_ << to_json(preview).dump(2) << std::endl;
  } else {
    print_preview(preview, terminal_width(STDOUT_FILENO), out_);
  }
}

// For a run on another machine, whose devices are not those of this one.
CheckedSweep Session::check_all() {
  installed_ = worker_.describe(signals_);
  open_results();
  make_plan();
  note_changes();
  const auto left = open_trials().size() + trials_to_draw(plan_);
  for (const auto& missing : missing_preparations(plan_)) {
    out_ << "the job makes " << path_text(missing.creates)
         << " first: " << printable(shell_text(missing.command)) << std::endl;
  }
  if (left > 0 && missing_preparations(plan_).empty()) check();
  // Nodes may have no network to ask the hub again.
  hub_.keep_commits(plan_.name);
  return {std::move(plan_), left, results_};
}

std::vector<HubNeed> Session::needs() {
  installed_ = worker_.describe(signals_);
  open_results();
  make_plan();
  std::vector<const PlannedTrial*> trials;
  for (const auto& trial : plan_.trials) trials.push_back(&trial);
  return HubFiles::needs(trials, installed_);
}

// With what earlier runs measured.
Packer Session::packer() const {
  const auto& resources = plan_.resources;
  Packer packer({resources.max_trials_per_gpu, resources.gpu_memory, installed_.device_memory});
  if (resources.max_trials_per_gpu == 1) return packer;
  for (const auto& trial : known_->history()) {
    const auto& last = trial.attempts.back();
    if (last.state != TrialState::kDone || last.peak_device_bytes <= 0) continue;
    packer.learn(canonical_json(plan_.roles.shape(trial.config)),
                 static_cast<std::int64_t>(last.peak_device_bytes));
  }
  return packer;
}

// What it starts from is done, or it would not start.
Json Session::configuration(const PlannedTrial& trial) {
  return launch_config(
      plan_, trial, installed_,
      [this](const auto& id) { return TrialPaths{results_ / store_->folder_of(id)}.model(); },
      hub_paths());
}

int Session::run_trials() {
  Schedule schedule(plan_.trials, states());
  Searcher searcher({plan_, schedule, *store_, [this](const auto& trials) { check(trials); }});
  const auto to_draw = trials_to_draw(plan_);
  auto places = this->places(plan_.resources, schedule.width() + to_draw);
  logging_.reset();
  logging_.emplace(
      LogRules{results_ / plan_.name / "runner.log", options_.log_level, options_.verbose});
  const auto start = plan_.name + ": " + plural(plan_.trials.size() + to_draw, "trial") + ", " +
                     std::to_string(schedule.ended()) + " done, " +
                     std::to_string(schedule.left() + to_draw) + " to run; " + text_of(places);
  out_ << start << std::endl;
  log(LogLevel::kInfo, start + "; started by " + options_.command);
  // What planning took is not needed any more, and is most of what this process has.
  ::malloc_trim(0);
  const auto view = logged(options_.verbose ? plain_view(out_) : make_view(out_));
  const auto clock = steady_clock();
  const double started = clock();
  const auto began = now_ms();
  auto& lock = lock_results();
  lock.announce(plan_.name, Course::kRunning, began);
  const auto workplaces = this->workplaces(std::move(places), *view);
  SweepRun run({.plan = plan_,
                .results = results_,
                .store = *store_,
                .schedule = schedule,
                .view = *view,
                .signals = signals_,
                .workplaces = *workplaces,
                .configuration = [this](const PlannedTrial& trial) { return configuration(trial); },
                .on_course = [&](Course course) { lock.announce(plan_.name, course, began); },
                .asked = [&] { return lock.take_request(); },
                .environment = slurm_environment(),
                .draw = [&] { return searcher.draw(); },
                .fresh = fresh_,
                .said = said_});
  run.execute();
  print_results();
  store_->set_importance(plan_.name, sweep_importance(database(), plan_.name));
  const auto end = end_text(schedule, run, clock() - started);
  out_ << end << std::endl;
  log(LogLevel::kInfo, end);
  if (schedule.ended() == all_trials(schedule)) return 0;
  return run.stopped() ? 130 : 1;
}

std::string Session::end_text(const Schedule& schedule, const SweepRun& run, double seconds) const {
  const auto done = schedule.ended();
  std::string text;
  for (const auto& reason : run.endings()) {
    text += "no more trials were started: " + reason + "\n";
  }
  text += plan_.name + ": " + std::to_string(done) + " of " +
          plural(all_trials(schedule), "trial") + " done";
  // As the results have them: also what failed in an earlier run and did not run in this one.
  States states;
  for (const auto& trial : store_->trials(plan_.name)) states[trial.id] = trial.state;
  for (const auto state : {TrialState::kStopped, TrialState::kDiverged, TrialState::kFailed,
                           TrialState::kBlocked, TrialState::kInterrupted}) {
    const auto count = std::ranges::count_if(plan_.trials, [&](const PlannedTrial& trial) {
      const auto found = states.find(trial.id);
      return found != states.end() && found->second == state;
    });
    if (count > 0) {
      text += ", " + std::to_string(count) + " " + std::string(to_string(state));
    }
  }
  text += ", in " + duration_text(seconds) + "; results in " + path_text(database());
  if (done == all_trials(schedule)) return text;
  if (!run.given_up().empty()) text += "\ngiven up: " + run.given_up();
  return text +
         (run.stopped() ? "\nstopped; to continue" : "\nto try those that did not end well again") +
         ", run the same command again:\n  " + options_.command;
}

void Session::print_results() {
  print_report(path_text(database()), plan_.name, out_, terminal_width(STDOUT_FILENO));
}

}  // namespace

int run_sweep(const RunOptions& options, std::ostream& out) {
  constexpr int kInterrupted = 130;
  Signals signals;
  try {
    // The folder is free for the next run before the job is back in the queue.
    const int code = Session(options, out, signals).run();
    if (code == kInterrupted) requeue_where_taken_away(signals, out);
    return code;
  } catch (const Interrupted&) {
    requeue_where_taken_away(signals, out);
    throw;
  }
}

CheckedSweep check_sweep(const RunOptions& options, std::ostream& out) {
  Signals signals;
  return Session(options, out, signals).check_all();
}

std::vector<HubNeed> hub_needs(const RunOptions& options) {
  Signals signals;
  return Session(options, std::cerr, signals).needs();
}

void preview_sweep(const RunOptions& options, RowFormat format, std::ostream& out) {
  Signals signals;
  Session(options, out, signals).preview(format);
}

}  // namespace mvn
