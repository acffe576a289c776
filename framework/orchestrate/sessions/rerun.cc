#include "orchestrate/sessions/rerun.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>

#include "common/files.h"
#include "common/printable.h"
#include "common/secrets.h"
#include "common/spool.h"
#include "common/text.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/process/run_to_end.h"
#include "orchestrate/run/sweep_run.h"
#include "orchestrate/sessions/comparison.h"
#include "orchestrate/sessions/find_trial.h"
#include "orchestrate/sessions/hub_files.h"
#include "orchestrate/store/reader.h"
#include "orchestrate/sweep/recipes.h"
#include "orchestrate/workers/results_lock.h"
#include "orchestrate/workers/trial_command.h"
#include "orchestrate/workers/worker_program.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLeastDigits = 4;

// Few digits are a number that somebody took for an id: no trial loses its results by that.
void require_meant(const TrialRecord& record, const std::string& prefix) {
  if (prefix.size() >= kLeastDigits) return;
  throw ConfigError("", "'" + prefix + "' would be " + record.sweep + "/" +
                            short_id(record.trial.id) + " (" + record.trial.parameters.text() +
                            "), whose results another training takes the place of: give at least " +
                            std::to_string(kLeastDigits) + " digits of its id, or --verify");
}

SweepPlan plan_of(const TrialRecord& record) {
  SweepPlan plan;
  plan.name = record.sweep;
  plan.file = record.file;
  plan.resolved = Json::object();
  plan.metrics[record.trial.stage] = {record.metric, record.maximize};
  plan.trials = {record.trial};
  plan.trials[0].depends_on.clear();  // what it starts from is finished
  plan.retry = {
      .crash = 0, .oom = 0, .node = 0, .hang = 0, .timeout = 0, .diverged = 0, .same_error = 0};
  return plan;
}

// A folder that is removed at the end unless it is to be kept.
class Scratch {
 public:
  Scratch(const fs::path& results, fs::path folder) : folder_(std::move(folder)) {
    require_below(results, folder_);
    fs::create_directories(folder_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (kept_) return;
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    fs::remove(folder_.parent_path(), ignored);  // where it was the last one in it
  }
  void keep() { kept_ = true; }
  [[nodiscard]] const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
  bool kept_ = false;
};

class Rerun {
 public:
  Rerun(const RerunOptions& options, std::ostream& out)
      : options_(options),
        out_(out),
        results_(fs::absolute(options.results).lexically_normal()),
        worker_(find_worker(), options.plugin_folders),
        hub_(results_, false) {}

  int run() {
    open();
    fetch();
    return options_.verify ? verify() : train_in_place();
  }

 private:
  void open();
  void check() const;
  void fetch();
  [[nodiscard]] HubPath hub_paths() {
    return [this](const std::string& reference, HubUse use) { return hub_.local(reference, use); };
  }
  [[nodiscard]] std::optional<PlannedTrial> planned_by_file();
  void check_command(bool planned) const;
  void take_configuration();
  int verify();
  int train_in_place();
  // Trains it into `results`; returns how it ended.
  TrialState train(const fs::path& results, Store& store, bool in_place);
  [[nodiscard]] std::vector<Place> place() const;
  [[nodiscard]] Json configuration();
  [[nodiscard]] fs::path model_folder(const std::string& id) const;
  [[nodiscard]] std::string name() const;
  int report(const fs::path& scratch, TrialState state);

  const RerunOptions& options_;
  std::ostream& out_;
  fs::path results_;
  Signals signals_;
  WorkerProgram worker_;
  HubFiles hub_;
  Description installed_;
  std::unique_ptr<ResultsReader> reader_;
  TrialRecord record_;
  std::vector<PastAttempt> attempts_;
  SweepPlan plan_;
  bool stopped_ = false;
};

std::string Rerun::name() const { return "trial " + short_id(record_.trial.id); }

void Rerun::open() {
  const auto database = database_path(results_);
  if (!fs::exists(database)) {
    throw ConfigError("",
                      path_text(database) + ": no such database; name its folder with --results");
  }
  reader_ = std::make_unique<ResultsReader>(database);
  record_ = find_trial(*reader_, results_, options_.trial);
  if (!options_.verify) require_meant(record_, options_.trial);
  for (auto& past : reader_->history()) {
    if (past.sweep == record_.sweep && past.id == record_.trial.id) attempts_ = past.attempts;
  }
  // Before anything is made of its names.
  static_cast<void>(trial_paths(results_, record_.sweep, record_.trial.id));
  check();
  installed_ = worker_.describe(signals_);
  take_configuration();
  plan_ = plan_of(record_);
  plan_.roles = KeyRoles(installed_);
}

// The trial as its sweep file plans it now; nothing where the file is gone, does not, or came with
// the results.
std::optional<PlannedTrial> Rerun::planned_by_file() {
  if (!is_file(record_.file)) return std::nullopt;
  const auto inside = fs::canonical(record_.file).lexically_relative(fs::canonical(results_));
  if (!inside.empty() && *inside.begin() != "..") return std::nullopt;
  try {
    const auto find = [this](const std::string& prefix) {
      const auto found = reader_->finished_with_prefix(prefix);
      if (found.size() != 1) throw ConfigError("", "no such trial: " + prefix);
      return found.front();
    };
    const auto pin = [this](const std::string& sweep, const std::string& reference, HubUse use) {
      return hub_.pin(sweep, reference, use);
    };
    auto plan = plan_sweep(record_.file, installed_, {{}, find, shipped_recipe_folders(), pin});
    for (auto& trial : plan.trials) {
      if (trial.id == record_.trial.id) return std::move(trial);
    }
  } catch (const Error&) {
    // A file that plans nothing does not plan this.
  }
  return std::nullopt;
}

// The database may be anybody's.
void Rerun::check_command(bool planned) const {
  const Json config = record_.trial.config;
  if (planned || options_.run_command || !has_own_program(config)) return;
  const Json& command = config.at("worker").at("command");
  const Json args = config.value("args", Json::object());
  throw ConfigError(
      "", name() +
              " is run by a command that only the results name, not a sweep file of yours:\n  " +
              printable(shell_text(command.get<std::vector<std::string>>())) +
              (args.empty() ? "" : "\n  args: " + printable(args.dump())) + "\n  in " +
              printable(record_.file.parent_path().string()) +
              "\nwhere you trust it, --run-command runs it");
}

void Rerun::take_configuration() {
  const bool own_program = has_own_program(record_.trial.config);
  const auto masked = masked_name(record_.trial.config);
  if (!own_program && masked.empty()) return;
  auto planned = planned_by_file();
  check_command(planned.has_value());
  if (planned) {
    record_.trial.config = std::move(planned->config);
  } else if (!masked.empty()) {
    throw ConfigError("", name() + " was given " + masked +
                              ", a secret, which is not kept; run its sweep file instead: " +
                              path_text(record_.file));
  }
}

// What it takes from the hub and is not here any more.
void Rerun::fetch() {
  const auto stop = [this] { return signals_.take().stops() > 0; };
  const auto needs = HubFiles::needs({&plan_.trials.front()}, installed_);
  if (!hub_.fetch(needs, out_, stop)) throw Interrupted();
}

// Says what cannot work before anything starts.
void Rerun::check() const {
  const auto state = std::string(to_string(record_.state));
  if (options_.verify && record_.state != TrialState::kDone &&
      record_.state != TrialState::kDiverged && record_.state != TrialState::kStopped) {
    throw ConfigError("", name() + " is " + state + ": only a trial that ended is verified");
  }
  const auto weights = Json::json_pointer("/model/weights/trial");
  const Json config = record_.trial.config;
  if (config.contains(weights)) {
    const auto from = config.at(weights).get<std::string>();
    if (!fs::exists(model_folder(from))) {
      throw ConfigError("", name() + " starts from the model of trial " + short_id(from) +
                                ", which is not there: " + path_text(model_folder(from)) +
                                "; 'mvn-runner rerun " + short_id(from) + "' trains it again");
    }
  }
  if (!has_own_program(config)) return;
  const Json& command = config.at("worker").at("command");
  const auto is_text = [](const Json& word) { return word.is_string(); };
  if (!command.is_array() || command.empty() || !std::ranges::all_of(command, is_text)) {
    throw ConfigError(
        "", name() + ": its worker.command is no list of texts: " + printable(command.dump()));
  }
  const auto folder = program_folder(config, record_.file.parent_path());
  const auto reason =
      fs::is_directory(folder) ? why_not_startable(config, folder) : "no folder " + folder.string();
  if (!reason.empty()) {
    throw ConfigError("", name() + " is run by a program in " + folder.string() + ": " + reason);
  }
}

fs::path Rerun::model_folder(const std::string& id) const {
  return TrialPaths{results_ / reader_->folder_of(id)}.model();
}

// One place like the one of its last attempt; where there is no such device, what there is.
std::vector<Place> Rerun::place() const {
  Resources resources{.workers = 1};
  if (!attempts_.empty()) {
    const auto& last = attempts_.back();
    resources.threads = static_cast<int>(last.threads);
    const auto& devices = installed_.devices;
    const bool there = std::ranges::find(devices, last.device) != devices.end();
    if (there) resources.device = last.device;
  }
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  return make_places(resources, installed_.devices, usable_cores(), 1,
                     visible == nullptr ? "" : visible);
}

// With the micro-batch that the last attempt fitted into memory with, as the sum over a batch is
// rounded differently with another.
Json Rerun::configuration() {
  auto config = launch_config(
      plan_, record_.trial, installed_, [this](const auto& id) { return model_folder(id); },
      hub_paths());
  if (attempts_.empty()) return config;
  const TrialPaths paths = trial_paths(results_, record_.sweep, record_.trial.id);
  const auto file = paths.trial_file(attempts_.back().number);
  if (!fs::exists(file)) return config;
  const auto size = plan_.roles.stated_micro_batch(read_trial_file(file).config);
  const bool other = size > 0 && size != plan_.roles.stated_micro_batch(config);
  return other ? plan_.roles.with_micro_batch(std::move(config), size) : config;
}

TrialState Rerun::train(const fs::path& results, Store& store, bool in_place) {
  Schedule schedule(plan_.trials, {});
  const auto view = make_view(out_);
  std::set<std::string> fresh;
  if (in_place) fresh.insert(record_.trial.id);
  LocalWorkplaces workplaces(
      {.places = place(), .worker = worker_.serve(), .programs_folder = plan_.file.parent_path()});
  SweepRun run({.plan = plan_,
                .results = results,
                .store = store,
                .schedule = schedule,
                .view = *view,
                .signals = signals_,
                .workplaces = workplaces,
                .configuration = [this](const PlannedTrial&) { return configuration(); },
                .fresh = fresh});
  run.execute();
  stopped_ = run.stopped();
  return schedule.state(0);
}

int Rerun::train_in_place() {
  const ResultsLock lock(results_);
  Store store(database_path(results_));
  store.settle();
  out_ << name() << " of " << record_.sweep << " is trained again" << std::endl;
  lock.announce(plan_.name, Course::kRunning, now_ms());
  const auto state = train(results_, store, true);
  out_ << name() << " is " << to_string(state) << std::endl;
  if (stopped_) return 130;
  return state == TrialState::kDone || state == TrialState::kDiverged ? 0 : 1;
}

int Rerun::verify() {
  Scratch scratch(results_, results_ / ".rerun" /
                                (short_id(record_.trial.id) + "-" + std::to_string(::getpid())));
  if (options_.keep) scratch.keep();
  out_ << name() << " of " << record_.sweep << " is trained again in "
       << path_text(scratch.folder()) << std::endl;
  Store store(database_path(scratch.folder()));
  store.record_plan(plan_);
  const auto state = train(scratch.folder(), store, false);
  if (stopped_) return 130;
  // One that was stopped early is compared as far as it came: nothing stops it this time.
  const bool early = record_.state == TrialState::kStopped && state == TrialState::kDone;
  if (state != record_.state && !early) {
    scratch.keep();
    out_ << "different: " << name() << " is " << to_string(record_.state) << ", and now "
         << to_string(state) << "; see " << path_text(scratch.folder()) << std::endl;
    return 1;
  }
  return report(scratch.folder(), state);
}

int Rerun::report(const fs::path& scratch, TrialState state) {
  const ResultsReader again(database_path(scratch));
  const auto& id = record_.trial.id;
  const auto before = reader_->metrics(record_.sweep, id);
  std::optional<std::int64_t> until;
  if (record_.state == TrialState::kStopped) until = last_step(before);
  const auto metrics =
      compare_metrics(before, again.metrics(record_.sweep, id), options_.tolerance, until);
  std::optional<ModelComparison> models;
  if (state == TrialState::kDone && !until) {
    models = compare_models(trial_paths(results_, record_.sweep, id).model(),
                            trial_paths(scratch, record_.sweep, id).model());
  }
  out_ << verdict_text(metrics, models, options_.tolerance) << "\n";
  for (const auto& line : environment_differences(reader_->environment(record_.sweep, id),
                                                  again.environment(record_.sweep, id))) {
    out_ << "  " << line << "\n";
  }
  if (attempts_.size() > 1) {
    out_ << "  attempts: " << attempts_.size() << ", now 1\n";
  }
  if (options_.keep) out_ << "kept in " << path_text(scratch) << "\n";
  out_ << std::flush;
  return verdict_of(metrics, models) == Verdict::kDifferent ? 1 : 0;
}

}  // namespace

int rerun_trial(const RerunOptions& options, std::ostream& out) {
  return Rerun(options, out).run();
}

}  // namespace mvn
