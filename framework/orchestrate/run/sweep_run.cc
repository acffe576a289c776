#include "orchestrate/run/sweep_run.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>
#include <variant>

#include "common/exit_code.h"
#include "common/files.h"
#include "common/spool.h"
#include "common/text.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/run/attempt_end.h"
#include "orchestrate/run/disk_space.h"
#include "orchestrate/run/searcher.h"
#include "orchestrate/workers/fingerprints.h"
#include "orchestrate/workers/trial_command.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr double kTick = 0.2;                // seconds between two looks at the spools
constexpr double kPatienceWithWorkers = 10;  // seconds for workers that should end by themselves
constexpr std::chrono::seconds kPatienceWithLocks(1);
constexpr double kLookAtRequests = 1;  // seconds between two looks for what others ask
constexpr double kLookAtLimits = 1;    // seconds between two looks at what run_cap leaves

std::int64_t device_peak(const CostRecord& cost) {
  const auto peak = cost.values.find("peak_device_bytes");
  return peak == cost.values.end() ? 0 : whole_number(peak->second).value_or(0);
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

SweepRun::SweepRun(SweepRunParts parts)
    : parts_(std::move(parts)),
      announcer_(parts_.plan, parts_.view),
      retries_(parts_.plan.retry),
      stopper_(parts_.plan, histories_for(parts_.plan, parts_.store)),
      spending_(spending_before(parts_.plan, parts_.store)),
      repeated_(parts_.plan.retry.same_error) {
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
  for (auto& [name, attempt] : attempts_) attempt.heard_of += parts_.clock() - since;
}

void SweepRun::wait_for_room(const DiskFull& full) {
  const DiskSpace space(parts_.results, parts_.clock());
  parts_.view.note(std::string("WAITING for space on the disk: ") + full.what());
  wait_out(full, [&] { return space.is_back(parts_.clock()); });
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
    if (starts_trials() && status_.course != Course::kPaused) start_ready();
    if (!busy()) break;
    wait_for_something();
    take_signals();
    tick();
  }
  parts_.view.close();
  release_workplaces();
}

bool SweepRun::starts_trials() const {
  return status_.course <= Course::kPaused && given_up_.empty() &&
         (parts_.schedule.has_ready() || trials_to_draw(parts_.plan) > 0);
}

bool SweepRun::busy() const {
  if (starts_trials() && status_.course == Course::kPaused) return true;
  // A worker on its way out holds its device: the next trial there waits for it.
  return !attempts_.empty() || (parts_.workplaces.is_clearing() && starts_trials());
}

void SweepRun::start_ready() {
  close_stages();
  while (starts_trials() && parts_.workplaces.has_free()) {
    if (!parts_.schedule.has_ready()) draw_more();
    // In order: what waits for room is not passed by smaller trials for ever.
    const auto trial = parts_.schedule.first_ready();
    if (!trial) break;
    const auto place = parts_.workplaces.can_take(*trial, shape_of(*trial));
    if (!place) break;
    parts_.schedule.next();  // it is running now
    start(*place, *trial);
  }
  const bool more = starts_trials();
  parts_.workplaces.learn_backlog(more ? parts_.schedule.ready() + trials_to_draw(parts_.plan) : 0);
}

const std::string& SweepRun::shape_of(std::size_t trial) {
  static const std::string of_no_use;
  if (!parts_.workplaces.goes_by_memory()) return of_no_use;
  auto& shape = shapes_[trial];
  if (shape.empty()) {
    shape = canonical_json(parts_.plan.roles.shape(parts_.plan.trials[trial].config));
  }
  return shape;
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
  const auto& target = parts_.plan.metrics.at(stage).target;
  if (const auto reached = stopper_.target_reached(stage); target && reached) {
    return "metric.target " + short_number(*target) + " is reached by trial " +
           short_id(reached->trial) + " with " + short_number(reached->value);
  }
  const auto& cap = parts_.plan.cap;
  if (limit_reached_.empty() && cap.hours + cap.gpu_hours > 0 &&
      parts_.clock() >= next_look_at_limits_) {
    next_look_at_limits_ = parts_.clock() + kLookAtLimits;
    limit_reached_ = limit_reached(cap, spending_.until(now_ms()));
  }
  return limit_reached_;
}

void SweepRun::start(const Place& place, std::size_t trial) {
  const auto& planned = parts_.plan.trials[trial];
  const auto& name = parts_.plan.name;
  const Json planned_config = planned.config;
  Attempt attempt;
  attempt.trial = trial;
  attempt.place = place;
  attempt.paths = trial_paths(parts_.results, name, planned.id);
  attempt.own_program = has_own_program(planned_config);
  require_own(parts_.results, attempt.paths);
  const bool fresh = parts_.fresh.erase(planned.id) > 0;
  if (fresh) {
    when_it_fits([&] { start_over(attempt.paths, attempt.own_program); });
    stopper_.forget(planned);
  }
  attempt.number = when_it_fits([&] {
    return parts_.store.start_attempt(name, planned.id,
                                      "worker " + std::to_string(place.number + 1), place.name,
                                      known_environment(planned_config, place), fresh);
  });
  spending_.started(place.name, now_ms());
  Json config = configuration_of(attempt);
  const TrialFile file{name,        planned.stage,        planned.id,      attempt.number,
                       config,      attempt.paths.folder, attempt.spool(), place.threads,
                       place.device};
  when_it_fits([&] { make_own_folder(attempt.paths.attempt(attempt.number)); });
  when_it_fits([&] { replace_file(attempt.trial_file(), to_json(file).dump(2) + "\n"); });
  AttemptOrder order{attempt.name(), place.number, attempt.paths, std::move(config),
                     shape_of(trial)};
  attempts_.emplace(attempt.name(), std::move(attempt));
  parts_.workplaces.start(std::move(order));
}

// What the runner knows of what the trial runs on and from.
Json SweepRun::known_environment(const Json& config, const Place& place) const {
  Json environment = parts_.environment;
  environment["threads"] = place.threads;
  for (const auto& [name, value] : place.known) environment[name] = value;
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
  const std::chrono::duration<double> wait(std::clamp(next_tick_ - parts_.clock(), 0.0, kTick));
  for (const auto& event : parts_.workplaces.wait(wait, parts_.signals.descriptor())) {
    std::visit([this](const auto& each) { take(each); }, event);
  }
}

void SweepRun::take_signals() {
  auto course = after(status_.course, parts_.signals.take());
  if (parts_.clock() >= next_look_at_requests_) {
    next_look_at_requests_ = parts_.clock() + kLookAtRequests;
    if (const auto asked = parts_.asked()) course = after(course, *asked);
  }
  if (course != status_.course) change_to(course);
}

void SweepRun::change_to(Course course) {
  status_.course = course;
  parts_.on_course(course);
  parts_.view.note(announcement(course, status_.running.size()));
  if (course == Course::kKilling) parts_.workplaces.kill_all();
  if (course != Course::kStopping) return;
  for (auto& [name, attempt] : attempts_) ask_for_checkpoint(attempt);
}

// It writes a checkpoint and ends, or is killed after the time that it has for that.
void SweepRun::ask_for_checkpoint(Attempt& attempt) {
  attempt.killed_by = parts_.clock() + parts_.plan.limits.grace;
  parts_.workplaces.checkpoint(attempt.name());
}

void SweepRun::take(const Started& event) {
  auto& attempt = attempts_.at(event.attempt);
  attempt.is_running = true;
  attempt.started = attempt.heard_of = parts_.clock();
  announcer_.started(attempt);
  TrialProgress progress;
  progress.label = announcer_.label(attempt.trial);
  progress.usual_steps = usual_steps_[parts_.plan.trials[attempt.trial].stage];
  progress.started = attempt.started;
  status_.running[attempt.place.number] = progress;
}

void SweepRun::take(const Replied& event) {
  end_attempt(event.attempt, end_of_code(event.code, event.message), event.shared_gpu);
}

void SweepRun::take(const Ended& event) {
  end_attempt(event.attempt, end_of(event, attempts_.at(event.attempt)), event.shared_gpu);
}

void SweepRun::take(const Moved& event) {
  attempts_.at(event.attempt).moved =
      event.foreseen || retries_.again(event.attempt.trial, Failure::kNode);
  auto end = end_of_code(static_cast<int>(ExitCode::kCheckpointed), event.why);
  end_attempt(event.attempt, std::move(end), false);
}

AttemptEnd SweepRun::end_of(const Ended& event, const Attempt& attempt) const {
  if (event.not_started) return end_of_code(event.end.exit_code.value_or(1), *event.not_started);
  const bool told = status_.course >= Course::kStopping || attempt.ended_by || attempt.stop;
  if (event.out_of_memory && !told) {
    return end_of_code(static_cast<int>(ExitCode::kOutOfMemory), "the kernel killed it");
  }
  auto end =
      attempt.own_program ? end_of_program(event.end, told) : end_of_process(event.end, told);
  end.log_tail = log_tail(attempt.log());
  if (end.log_tail.empty()) end.log_tail = event.said;
  if (end.state == TrialState::kDone) end.log_tail.clear();
  return end;
}

// Trials of one data set warn of the same.
void SweepRun::say_warning(const EventRecord& event) {
  constexpr std::size_t kMost = 20;
  if (event.level != "warning" || !event.message || said_warnings_ == kMost) return;
  if (!parts_.said.insert(*event.message).second) return;
  announcer_.warned(*event.message, ++said_warnings_ == kMost);
}

void SweepRun::ingest(Attempt& attempt) {
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
    status_.running[attempt.place.number].absorb(record);
    stopper_.absorb(planned, attempt.number, record);
    if (const auto* event = record.as<EventRecord>()) say_warning(*event);
    if (const auto* end = record.as<EndRecord>()) {
      attempt.end = end_of_code(end->code, end->message.value_or(""));
    }
    if (const auto* cost = record.as<CostRecord>()) {
      attempt.device_peak = std::max(attempt.device_peak, device_peak(*cost));
    }
    const auto* metric = record.as<MetricRecord>();
    if (metric == nullptr || goal == parts_.plan.metrics.end()) continue;
    const auto value = metric->values.find(goal->second.name);
    if (value == metric->values.end() || !std::isfinite(value->second)) continue;
    attempt.objective = value->second;  // the last one counts
  }
}

void SweepRun::end_attempt(const AttemptName& name, AttemptEnd end, bool shared_gpu) {
  auto attempt = std::move(attempts_.at(name));
  attempts_.erase(name);
  ingest(attempt);
  attempt.shared_gpu = shared_gpu;
  if (attempt.device_peak > 0) {
    parts_.workplaces.learn_memory(shape_of(attempt.trial), attempt.device_peak);
  }
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
  conclude(attempt, end);
}

// What follows from how it ended: for the results, for the trial, and for those that are left.
void SweepRun::conclude(const Attempt& attempt, const AttemptEnd& end) {
  const auto& planned = parts_.plan.trials[attempt.trial];
  when_it_fits(
      [&] { parts_.store.end_attempt(parts_.plan.name, planned.id, attempt.number, end); });
  spending_.ended(attempt.place.name, now_ms());
  const auto progress = status_.running[attempt.place.number];
  status_.running.erase(attempt.place.number);
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
  if (attempt.moved && end.state == TrialState::kInterrupted && !stopped()) {
    parts_.schedule.retry(attempt.trial);
    announcer_.retried(attempt, end, " elsewhere");
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
  for (const auto& [name, attempt] : attempts_) {
    const auto running = status_.running.find(attempt.place.number);
    if (running != status_.running.end() && parts_.plan.trials[name.trial].stage == done.stage) {
      running->second.usual_steps = usual;
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
    parts_.workplaces.learn_overflow(attempt.trial, shape_of(attempt.trial));
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
void SweepRun::enforce_limits(Attempt& attempt, double now) {
  const auto& limits = parts_.plan.limits;
  if (attempt.killed_by) {
    if (now > *attempt.killed_by) parts_.workplaces.kill(attempt.name());
  } else if (limits.time > 0 && now - attempt.started > limits.time) {
    ask_to_end(attempt, Failure::kTimeout,
               "timed out: ran longer than limits.time, " + duration_text(limits.time));
  } else if (limits.silence > 0 && now - attempt.heard_of > limits.silence) {
    ask_to_end(
        attempt, Failure::kHang,
        "hung: nothing was heard of it for limits.silence, " + duration_text(limits.silence));
  }
}

void SweepRun::ask_to_end(Attempt& attempt, Failure cause, const std::string& reason) {
  attempt.ended_by = cause;
  attempt.reason = reason;
  ask_for_checkpoint(attempt);
}

// Tells a trial that early_terminate finds not worth finishing to write a checkpoint and end.
void SweepRun::stop_early(Attempt& attempt) {
  const auto& planned = parts_.plan.trials[attempt.trial];
  auto decision = stopper_.judge(planned);
  if (!decision || attempt.killed_by) return;
  // Before the trial hears of it: should this process die, it still counts as stopped.
  when_it_fits([&] { parts_.store.note_stop(parts_.plan.name, planned.id, *decision); });
  attempt.stop = std::move(decision);
  ask_for_checkpoint(attempt);
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
  for (auto& [name, attempt] : attempts_) {
    if (!attempt.is_running) continue;
    ingest(attempt);
    stop_early(attempt);
    enforce_limits(attempt, now);
  }
  parts_.view.refresh(status_, now);
}

// Those that wait for more end on their own; the destructor of the workplaces kills what does not.
void SweepRun::release_workplaces() {
  const double deadline = parts_.clock() + kPatienceWithWorkers;
  parts_.workplaces.dismiss();
  while (parts_.workplaces.is_clearing() && parts_.clock() < deadline &&
         status_.course != Course::kKilling) {
    parts_.workplaces.wait(std::chrono::duration<double>(kTick), parts_.signals.descriptor());
    status_.course = after(status_.course, parts_.signals.take());
  }
}

}  // namespace mvn
