#include "orchestrate/run/sweep_run.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "common/files.h"
#include "common/spool.h"
#include "common/text.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/run/attempt_end.h"
#include "orchestrate/run/room.h"
#include "orchestrate/run/searcher.h"
#include "orchestrate/workers/fingerprints.h"
#include "orchestrate/workers/trial_command.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr double kTick = 0.2;                // seconds between two looks at the spools
constexpr double kPatienceWithWorkers = 10;  // seconds for a worker that should end by itself
constexpr std::chrono::seconds kPatienceWithLocks(1);
constexpr double kLookAtLimits = 1;  // seconds between two looks at what run_cap leaves

std::int64_t device_peak(const Json& record) {
  static const Json::json_pointer kPeak("/values/peak_device_bytes");
  const auto& peak = record.contains(kPeak) ? record.at(kPeak) : Json();
  return whole_number(peak).value_or(0);
}

// What the attempt before ran with; {} where that is not known, as after a power failure.
Json configuration_before(const TrialPaths& paths, int number) {
  try {
    return read_trial_file(paths.trial_file(number - 1)).config;
  } catch (const Error&) {
    return Json::object();
  }
}

// What early stopping goes by; nothing where no stage has a rule or a target.
std::vector<TrialHistory> histories_for(const SweepPlan& plan, const Store& store) {
  const bool needed =
      !plan.stopping.empty() || std::any_of(plan.metrics.begin(), plan.metrics.end(),
                                            [](const auto& stage) { return stage.second.target; });
  return needed ? store.histories(plan.name) : std::vector<TrialHistory>();
}

// A trial writes and removes in these. In results of somebody else's they may be links.
void require_own(const fs::path& results, const TrialPaths& paths) {
  for (const auto& folder : {paths.attempt(1).parent_path(), paths.checkpoints(), paths.model()}) {
    require_below(results, folder);
  }
}

// For this user alone: what a trial is given may hold passwords.
void make_own_folder(const fs::path& folder) {
  make_folders(folder);
  fs::permissions(folder, fs::perms::owner_all);
}

// The key of the sweep file by which trials are chosen by their metric; "" where none is.
std::string what_goes_by_objective(const SweepPlan& plan, const std::string& stage) {
  if (plan.searches.contains(stage)) return "method: bayes";
  if (plan.stopping.contains(stage)) return "early_terminate";
  return plan.metrics.at(stage).target ? "metric.target" : "";
}

Spending spending_before(const SweepPlan& plan, const Store& store) {
  const bool limited = plan.cap.hours + plan.cap.gpu_hours > 0;
  return limited ? Spending(store.spans(plan.name)) : Spending();
}

// Takes away what the next attempt would go on from. The model stays until there is a new one.
// What a program of the user's left is not known: it is kept beside its last attempt.
void start_over(const TrialPaths& paths, bool own_program) {
  fs::remove(paths.done());
  fs::remove_all(paths.checkpoints());
  if (!own_program || !fs::exists(paths.attempt(1))) return;
  int last = 1;
  while (fs::exists(paths.attempt(last + 1))) ++last;
  const auto kept = paths.attempt(last) / "outputs";
  make_folders(kept);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(paths.folder)) files.push_back(entry.path());
  for (const auto& file : files) {
    if (file.filename() != "attempts") fs::rename(file, kept / file.filename());
  }
}

}  // namespace

Clock steady_clock() {
  return [] {
    using std::chrono::duration;
    using std::chrono::steady_clock;
    return duration<double>(steady_clock::now().time_since_epoch()).count();
  };
}

SweepRun::SweepRun(SweepRunParts parts, std::vector<Slot> slots)
    : parts_(std::move(parts)),
      announcer_(parts_.plan, parts_.view),
      retries_(parts_.plan.retry),
      stopper_(parts_.plan, histories_for(parts_.plan, parts_.store)),
      spending_(spending_before(parts_.plan, parts_.store)),
      repeated_(parts_.plan.retry.same_error) {
  for (auto& slot : slots) {
    stations_.push_back(std::make_unique<Station>());
    stations_.back()->place = stations_.size() - 1;
    stations_.back()->slot = std::move(slot);
  }
  parts_.store.wait_at_most(kPatienceWithLocks);  // and then say so
  status_.sweep = parts_.plan.name;
  status_.done = parts_.schedule.ended();
  update_counts();
  status_.started = parts_.clock();
}

SweepRun::~SweepRun() = default;

template <typename Action>
auto SweepRun::when_it_fits(Action action) {
  while (true) {
    try {
      return action();
    } catch (const DiskFull& full) {
      wait_for_room(full);
    } catch (const DatabaseLocked& locked) {
      wait_for_database(locked);
    }
  }
}

// Waits until `is_over`, or throws `reason` where the user stops the run. Trials go on meanwhile as
// far as they can.
template <typename Reason, typename IsOver>
void SweepRun::wait_out(const Reason& reason, IsOver is_over) {
  const double since = parts_.clock();
  while (!is_over()) {
    pollfd signals = {parts_.signals.descriptor(), POLLIN, 0};
    ::poll(&signals, 1, static_cast<int>(kTick * 1000));
    take_signals();
    if (status_.course > Course::kPaused) throw reason;
  }
  for (auto& station : stations_) {
    if (station->attempt) station->attempt->heard_of += parts_.clock() - since;
  }
}

void SweepRun::wait_for_room(const DiskFull& full) {
  const Room room(parts_.results, parts_.clock());
  parts_.view.note(std::string("WAITING for space on the disk: ") + full.what());
  wait_out(full, [&] { return room.is_back(parts_.clock()); });
  parts_.view.note("going on: the disk has space again");
}

// Until it can be written.
void SweepRun::wait_for_database(const DatabaseLocked& locked) {
  parts_.view.note(std::string("WAITING for the database: ") + locked.what());
  wait_out(locked, [&] { return parts_.store.is_free(); });
  parts_.view.note("going on: the database is free again");
}

void SweepRun::execute() {
  report_blocked();
  while (true) {
    ended_at_once_ = false;
    if (starts_trials() && status_.course != Course::kPaused) start_ready();
    if (!busy() && !ended_at_once_) break;
    if (!ended_at_once_) wait_for_something();
    take_signals();
    for (auto& station : stations_) {
      take_replies(*station);
      take_death(*station);
    }
    tick();
  }
  parts_.view.close();
  release_workers();
}

bool SweepRun::starts_trials() const {
  return status_.course <= Course::kPaused && given_up_.empty() &&
         (parts_.schedule.has_ready() || trials_to_draw(parts_.plan) > 0);
}

bool SweepRun::busy() const {
  if (starts_trials() && status_.course == Course::kPaused) return true;
  return std::any_of(stations_.begin(), stations_.end(), [&](const auto& station) {
    // A worker on its way out holds its device: the next trial there waits for it.
    return station->attempt || (station->leaves_by && starts_trials());
  });
}

void SweepRun::start_ready() {
  close_stages();
  for (auto& station : stations_) {
    if (station->attempt || station->leaves_by) continue;
    if (!parts_.schedule.has_ready()) draw_more();
    // In order: what waits for room is not passed by smaller trials for ever.
    const auto trial = parts_.schedule.first_ready();
    if (!trial || !has_room(*station, *trial)) continue;
    start(*station, *parts_.schedule.next());
  }
  dismiss_idle_sharers();
}

const std::string& SweepRun::shape_of(std::size_t trial) {
  auto& shape = shapes_[trial];
  if (shape.empty()) {
    shape = canonical_json(parts_.plan.roles.shape(parts_.plan.trials[trial].config));
  }
  return shape;
}

bool SweepRun::has_room(const Station& station, std::size_t trial) {
  const auto& gpu = station.slot.name;
  if (!parts_.packer.shares(gpu)) return true;
  if (!parts_.packer.fits(gpu, trial, shape_of(trial))) return false;
  if (!parts_.packer.needs_it_alone(trial, shape_of(trial))) return true;
  return std::none_of(stations_.begin(), stations_.end(), [&](const auto& other) {
    return other.get() != &station && other->slot.name == gpu && other->worker;
  });
}

// A worker that waits for trials keeps memory of the GPU, which others there may need.
void SweepRun::dismiss_idle_sharers() {
  for (auto& station : stations_) {
    const bool idle = station->worker && !station->attempt && !station->leaves_by;
    if (!idle || !parts_.packer.shares(station->slot.name)) continue;
    station->worker->dismiss();
    station->leaves_by = parts_.clock() + kPatienceWithWorkers;
  }
}

void SweepRun::draw_more() {
  if (!parts_.draw || !given_up_.empty()) return;
  const auto before = parts_.plan.trials.size();
  try {
    when_it_fits([&] { parts_.draw(); });
    if (parts_.plan.trials.size() > before) announcer_.relabel();
    report_blocked();
  } catch (const Error& error) {
    give_up(error.what());
  }
  update_counts();
}

void SweepRun::update_counts() {
  const auto to_draw = trials_to_draw(parts_.plan);
  status_.to_run = status_.ended + parts_.schedule.left() + to_draw;
  status_.trials = parts_.plan.trials.size() - parts_.schedule.held() + to_draw;
}

// Stages that have reached their target, or whose sweep has spent what it may, start no more
// trials.
void SweepRun::close_stages() {
  for (const auto& [stage, goal] : parts_.plan.metrics) {
    if (closed_.contains(stage)) continue;
    const auto reason = reason_to_close(stage);
    if (reason.empty()) continue;
    closed_.insert(stage);
    const auto left = parts_.schedule.left() + trials_to_draw(parts_.plan);
    parts_.schedule.hold(stage);
    const auto search = parts_.plan.searches.find(stage);
    if (search != parts_.plan.searches.end()) {
      search->second.draws = static_cast<std::int64_t>(search->second.points.size());
    }
    update_counts();
    if (parts_.schedule.left() + trials_to_draw(parts_.plan) == left) continue;  // all had started
    if (endings_.insert(reason).second) parts_.view.note("no more trials start: " + reason);
  }
}

std::string SweepRun::reason_to_close(const std::string& stage) {
  if (const auto reached = stopper_.target_reached(stage)) {
    return "metric.target " + short_number(*parts_.plan.metrics.at(stage).target) +
           " is reached by trial " + short_id(reached->trial) + " with " +
           short_number(reached->value);
  }
  const auto& cap = parts_.plan.cap;
  if (limit_reached_.empty() && cap.hours + cap.gpu_hours > 0 &&
      parts_.clock() >= next_look_at_limits_) {
    next_look_at_limits_ = parts_.clock() + kLookAtLimits;
    limit_reached_ = limit_reached(cap, spending_.until(now_ms()));
  }
  return limit_reached_;
}

void SweepRun::start(Station& station, std::size_t trial) {
  const auto& planned = parts_.plan.trials[trial];
  const auto& name = parts_.plan.name;
  Attempt attempt;
  attempt.trial = trial;
  attempt.paths = trial_paths(parts_.results, name, planned.id);
  require_own(parts_.results, attempt.paths);
  const bool fresh = parts_.fresh.erase(planned.id) > 0;
  const Json planned_config = planned.config;
  const bool own_program = has_own_program(planned_config);
  if (fresh) {
    when_it_fits([&] { start_over(attempt.paths, own_program); });
    stopper_.forget(planned);
  }
  attempt.number = when_it_fits([&] {
    return parts_.store.start_attempt(
        name, planned.id, "worker " + std::to_string(station.place + 1), station.slot.name,
        known_environment(planned_config, station.slot), fresh);
  });
  spending_.started(station.slot.name, now_ms());
  const Json config = configuration_of(attempt);
  attempt.own_program = own_program;
  TrialFile file{name,
                 planned.stage,
                 planned.id,
                 attempt.number,
                 config,
                 attempt.paths.folder,
                 attempt.spool(),
                 station.slot.threads,
                 station.slot.device};
  when_it_fits([&] { make_own_folder(attempt.paths.attempt(attempt.number)); });
  when_it_fits([&] { replace_file(attempt.trial_file(), to_json(file).dump(2) + "\n"); });
  if (parts_.packer.shares(station.slot.name)) {
    parts_.packer.start(station.slot.name, trial, shape_of(trial));
  }
  announcer_.started(attempt);
  TrialProgress progress;
  progress.label = announcer_.label(trial);
  progress.usual_steps = usual_steps_[planned.stage];
  progress.started = attempt.started = attempt.heard_of = parts_.clock();
  status_.running[station.place] = progress;
  station.attempt = std::move(attempt);
  try {
    station.hand_over(config, parts_.worker, parts_.plan.file.parent_path());
  } catch (const Error& error) {
    end_attempt(station, end_of_code(error.exit_code(), why_it_did_not_start(config, error)));
    ended_at_once_ = true;
  }
}

// In the words of what is wrong with the program, where that can be seen.
std::string SweepRun::why_it_did_not_start(const Json& config, const Error& error) const {
  if (!has_own_program(config)) return error.what();
  const auto reason =
      why_not_startable(config, program_folder(config, parts_.plan.file.parent_path()));
  return reason.empty() ? error.what() : reason;
}

// What the runner knows of what the trial runs on and from.
Json SweepRun::known_environment(const Json& config, const Slot& slot) const {
  Json environment = {{"threads", slot.threads}};
  if (has_own_program(config)) {
    environment.update(program_fingerprints(config, parts_.plan.file.parent_path()));
  }
  return environment;
}

// As planned; with the smaller micro-batch that an earlier attempt ran with.
Json SweepRun::configuration_of(const Attempt& attempt) const {
  Json config = parts_.configuration(parts_.plan.trials[attempt.trial]);
  if (attempt.number == 1) return config;
  const Json earlier = configuration_before(attempt.paths, attempt.number);
  const KeyRoles& roles = parts_.plan.roles;
  const auto size = roles.stated_micro_batch(earlier);
  if (size > 0 && size < roles.micro_batch(config)) config = roles.with_micro_batch(config, size);
  if (shrink_.contains(attempt.trial)) {
    return roles.with_half_micro_batch(config).value_or(config);
  }
  return config;
}

void SweepRun::wait_for_something() {
  std::vector<pollfd> watched = {{parts_.signals.descriptor(), POLLIN, 0}};
  for (auto& station : stations_) {
    if (!station->worker) continue;
    watched.push_back({station->worker->output(), POLLIN, 0});
    watched.push_back({station->worker->errors(), POLLIN, 0});
  }
  const double wait = std::clamp(next_tick_ - parts_.clock(), 0.0, kTick);
  ::poll(watched.data(), watched.size(), static_cast<int>(std::ceil(wait * 1000)));
}

void SweepRun::take_signals() {
  const auto arrived = parts_.signals.take();
  const auto course = after(status_.course, arrived);
  if (course != status_.course) change_to(course);
}

void SweepRun::change_to(Course course) {
  status_.course = course;
  parts_.on_course(course);
  parts_.view.note(announcement(course, status_.running.size()));
  const double deadline = parts_.clock() + parts_.plan.limits.grace;
  for (auto& station : stations_) {
    if (!station->worker) continue;
    if (course == Course::kKilling) {
      station->worker->kill();
    } else if (course == Course::kStopping && station->attempt) {
      station->attempt->killed_by = deadline;
      station->worker->checkpoint();
    }
  }
}

void SweepRun::take_replies(Station& station) {
  if (!station.worker) return;
  for (const auto& reply : station.worker->take_replies()) {
    if (!station.attempt) continue;
    if (reply.trial != station.attempt->trial_file()) continue;
    end_attempt(station, end_of_code(reply.code, reply.message));
    // After these a worker goes on; after all others it ends, and a fresh one takes its place.
    const auto code = static_cast<ExitCode>(reply.code);
    if (code == ExitCode::kDone || code == ExitCode::kBadConfig || code == ExitCode::kDiverged ||
        code == ExitCode::kBadData) {
      continue;
    }
    station.worker->dismiss();
    station.leaves_by = parts_.clock() + kPatienceWithWorkers;
  }
}

void SweepRun::take_death(Station& station) {
  if (!station.worker) return;
  if (station.leaves_by && parts_.clock() > *station.leaves_by) station.worker->kill();
  const auto death = station.worker->try_wait();
  if (!death) return;
  take_replies(station);  // its last words
  if (station.attempt) {
    const bool told =
        status_.course >= Course::kStopping || station.attempt->ended_by || station.attempt->stop;
    auto end =
        station.attempt->own_program ? end_of_program(*death, told) : end_of_process(*death, told);
    const auto log = station.attempt->log();
    end.log_tail = log_tail(log);
    if (end.log_tail.empty()) end.log_tail = station.worker->said();
    if (end.state == TrialState::kDone) end.log_tail.clear();
    end_attempt(station, std::move(end));
  }
  station.worker.reset();
  station.leaves_by.reset();
}

void SweepRun::ingest(Station& station, Attempt& attempt) {
  const auto& planned = parts_.plan.trials[attempt.trial];
  const auto goal = parts_.plan.metrics.find(planned.stage);
  const auto records = when_it_fits([&] {
    return parts_.store.ingest(parts_.plan.name, planned.id, attempt.number, attempt.spool());
  });
  if (const auto damage = parts_.store.take_damage(); !damage.empty() && !said_damage_) {
    said_damage_ = true;
    announcer_.damaged(attempt, damage);
  }
  if (!records.empty()) attempt.heard_of = parts_.clock();
  for (const auto& record : records) {
    const auto type = record.value("type", std::string());
    status_.running[station.place].absorb(record);
    if (type == "end") attempt.end = end_of_record(record);
    stopper_.absorb(planned, attempt.number, record);
    if (type == "cost") attempt.device_peak = std::max(attempt.device_peak, device_peak(record));
    if (type != "metric" || goal == parts_.plan.metrics.end()) continue;
    const auto values = record.value("values", Json());
    const auto value = values.find(goal->second.name);
    if (value == values.end() || !value->is_number()) continue;
    attempt.objective = value->get<double>();  // the last one counts
  }
}

void SweepRun::end_attempt(Station& station, AttemptEnd end) {
  auto attempt = std::move(*station.attempt);
  ingest(station, attempt);
  attempt.shared_gpu = parts_.packer.end(station.slot.name, attempt.trial);
  if (attempt.device_peak > 0) parts_.packer.learn(shape_of(attempt.trial), attempt.device_peak);
  // A worker that died after its trial had ended did no harm to the trial: the spool is the truth.
  if (attempt.end && (end.signal || end.state == TrialState::kFailed || attempt.own_program)) {
    end = *attempt.end;
  }
  if (attempt.ended_by && end.state == TrialState::kInterrupted) {
    end.state = TrialState::kFailed;
    end.message = attempt.reason;
    end.explained = true;
  }
  // Whatever it says: what it wrote since is lost.
  if (!fs::exists(attempt.trial_file())) {
    end.state = TrialState::kFailed;
    end.message = "its folder " + path_text(attempt.paths.folder) + " was deleted while it ran";
  }
  // However a trial takes being told to stop early, it is stopped; unless it was done already.
  if (attempt.stop && (end.state == TrialState::kInterrupted || end.state == TrialState::kFailed)) {
    end.state = TrialState::kStopped;
    end.message = attempt.stop->at("reason").get<std::string>();
    end.log_tail.clear();
  }
  if (end.state == TrialState::kFailed && end.log_tail.empty()) {
    end.log_tail = log_tail(attempt.log());
  }
  const auto& planned = parts_.plan.trials[attempt.trial];
  when_it_fits(
      [&] { parts_.store.end_attempt(parts_.plan.name, planned.id, attempt.number, end); });
  spending_.ended(station.slot.name, now_ms());
  station.attempt.reset();
  const auto progress = status_.running[station.place];
  status_.running.erase(station.place);
  if (end.state == TrialState::kDone && progress.steps == 0) learn_steps(planned, progress.step);
  if (progress.steps > 0) {
    status_.skipped +=
        static_cast<double>(progress.resumed_step) / static_cast<double>(progress.steps);
  }
  const bool own_fault = end.state == TrialState::kFailed || end.state == TrialState::kDiverged;
  const auto failure = failure_of(end, attempt.ended_by);
  if (own_fault && run_again(attempt, end, failure)) {
    if (failure == Failure::kDiskFull) wait_for_room(DiskFull(end.message));
    return;
  }
  parts_.schedule.finish(attempt.trial, end.state);
  stopper_.finish(planned, end.state);
  next_look_at_limits_ = 0;
  if (has_ended(end.state)) ++status_.done;
  if (end.state == TrialState::kFailed) ++status_.failed;
  if (end.state != TrialState::kInterrupted) ++status_.ended;
  announcer_.ended(attempt, end, status_, parts_.clock());
  report_blocked();
  if (end.state == TrialState::kFailed) watch_for_repeated(attempt, end);
  if (end.state == TrialState::kDone) look_for_objective(attempt);
}

// The configuration with which an attempt that ran out of memory may fit; nothing where it cannot
// shrink.
std::optional<Json> SweepRun::with_less_memory(const Attempt& attempt) const {
  const Json config = read_trial_file(attempt.trial_file()).config;
  return parts_.plan.roles.with_half_micro_batch(config);
}

// Trials that do not say of how many steps they are take about as many as one that is done.
void SweepRun::learn_steps(const PlannedTrial& done, std::int64_t step) {
  auto& usual = usual_steps_[done.stage];
  usual = std::max(usual, step);
  for (auto& [place, running] : status_.running) {
    const auto& attempt = stations_[place]->attempt;
    if (attempt && parts_.plan.trials[attempt->trial].stage == done.stage) {
      running.usual_steps = usual;
    }
  }
}

// Puts a trial that failed back in the queue where the rules say so.
bool SweepRun::run_again(const Attempt& attempt, const AttemptEnd& end, Failure failure) {
  if (stopped()) return false;
  // What cannot be made smaller may fit all the same when others are gone: as often as a crash.
  const bool as_it_was = failure == Failure::kOutOfMemory && attempt.own_program &&
                         !attempt.shared_gpu && !with_less_memory(attempt);
  if (as_it_was) failure = Failure::kCrash;
  if (!retries_.again(attempt.trial, failure)) return false;
  std::string with;
  if (failure == Failure::kOutOfMemory && attempt.shared_gpu) {
    parts_.packer.learn_overflow(attempt.trial, shape_of(attempt.trial));
    with = " alone on its GPU";
  } else if (failure == Failure::kOutOfMemory) {
    const auto smaller = with_less_memory(attempt);
    if (!smaller) return false;
    shrink_.insert(attempt.trial);
    shapes_[attempt.trial] = canonical_json(parts_.plan.roles.shape(*smaller));
    with = " with " + parts_.plan.roles.micro_batch_text(*smaller);
  } else {
    shrink_.erase(attempt.trial);
  }
  parts_.schedule.retry(attempt.trial);
  announcer_.retried(attempt, end, with);
  return true;
}

// Where a few configurations cannot take a first step for one reason, the others will not, either.
void SweepRun::watch_for_repeated(const Attempt& attempt, const AttemptEnd& end) {
  const auto& planned = parts_.plan.trials[attempt.trial];
  if (!given_up_.empty() || parts_.plan.retry.same_error == 0) return;
  if (parts_.store.has_reported(parts_.plan.name, planned.id)) return;
  if (!repeated_.add(planned.group, error_of(end))) return;
  const auto most = static_cast<std::size_t>(parts_.plan.retry.same_error);
  give_up(plural(most, "configuration") + " failed with " + (most == 1 ? "this" : "the same") +
          " error before reporting anything: " + headline_of(end) +
          "; retry: {same_error: never} in the sweep file lets the others run");
}

void SweepRun::give_up(const std::string& reason) {
  if (!given_up_.empty()) return;
  given_up_ = reason;
  parts_.view.note("GIVING UP: " + reason);
}

// Once per stage, when the first of its trials is done: a misspelt metric is seen before all have
// run. Where trials are chosen by it, no more of them start.
void SweepRun::look_for_objective(const Attempt& attempt) {
  const auto& planned = parts_.plan.trials[attempt.trial];
  const auto goal = parts_.plan.metrics.find(planned.stage);
  if (goal == parts_.plan.metrics.end() || !objectives_.insert(planned.stage).second) return;
  if (attempt.objective) return;
  const auto& name = goal->second.name;
  const auto names = parts_.store.metric_names(parts_.plan.name, planned.id);
  if (std::ranges::find(names, name) != names.end()) return;
  announcer_.without_objective(attempt, names);
  const auto user = what_goes_by_objective(parts_.plan, planned.stage);
  if (user.empty() || parts_.store.has_metric(parts_.plan.name, planned.stage, name)) return;
  give_up(user + " has nothing to go by: no trial has reported '" + name + "'");
}

// Ends attempts that take too long, or have not been heard of for too long.
void SweepRun::enforce_limits(Station& station, double now) {
  auto& attempt = *station.attempt;
  const auto& limits = parts_.plan.limits;
  if (attempt.killed_by) {
    if (now > *attempt.killed_by) station.worker->kill();
  } else if (limits.time > 0 && now - attempt.started > limits.time) {
    ask_to_end(station, Failure::kTimeout,
               "timed out: ran longer than limits.time, " + duration_text(limits.time));
  } else if (limits.silence > 0 && now - attempt.heard_of > limits.silence) {
    ask_to_end(
        station, Failure::kHang,
        "hung: nothing was heard of it for limits.silence, " + duration_text(limits.silence));
  }
}

void SweepRun::ask_to_end(Station& station, Failure cause, const std::string& reason) {
  auto& attempt = *station.attempt;
  attempt.ended_by = cause;
  attempt.reason = reason;
  attempt.killed_by = parts_.clock() + parts_.plan.limits.grace;
  station.worker->checkpoint();
}

// Tells a trial that early_terminate finds not worth finishing to write a checkpoint and end.
void SweepRun::stop_early(Station& station) {
  auto& attempt = *station.attempt;
  const auto& planned = parts_.plan.trials[attempt.trial];
  auto decision = stopper_.judge(planned);
  if (!decision || attempt.killed_by) return;
  // Before the trial hears of it: should this process die, it still counts as stopped.
  when_it_fits([&] { parts_.store.note_stop(parts_.plan.name, planned.id, *decision); });
  attempt.stop = std::move(decision);
  attempt.killed_by = parts_.clock() + parts_.plan.limits.grace;
  station.worker->checkpoint();
}

void SweepRun::report_blocked() {
  for (const auto& blocked : parts_.schedule.take_blocked()) {
    const auto state = to_string(parts_.schedule.state(blocked.because_of));
    const auto reason = "it starts from " + announcer_.label(blocked.because_of) + ", which is " +
                        std::string(state);
    when_it_fits([&] {
      parts_.store.block(parts_.plan.name, parts_.plan.trials[blocked.trial].id, reason);
    });
    ++status_.failed;
    ++status_.ended;
    announcer_.blocked(blocked, reason);
  }
}

void SweepRun::tick() {
  const double now = parts_.clock();
  if (now < next_tick_) return;
  next_tick_ = now + kTick;
  for (auto& station : stations_) {
    if (!station->attempt) continue;
    ingest(*station, *station->attempt);
    if (!station->worker) continue;
    stop_early(*station);
    enforce_limits(*station, now);
  }
  parts_.view.refresh(status_, now);
}

void SweepRun::release_workers() {
  const double deadline = parts_.clock() + kPatienceWithWorkers;
  for (auto& station : stations_) {
    if (station->worker) station->worker->dismiss();
  }
  const auto remain = [&] {
    return std::any_of(stations_.begin(), stations_.end(), [](const auto& station) {
      return station->worker && !station->worker->try_wait();
    });
  };
  while (remain() && parts_.clock() < deadline && status_.course != Course::kKilling) {
    next_tick_ = deadline;
    wait_for_something();
    status_.course = after(status_.course, parts_.signals.take());
    for (auto& station : stations_) {
      if (station->worker) station->worker->take_replies();
    }
  }
  stations_.clear();  // kills what is left
}

}  // namespace mvn
