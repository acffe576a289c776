// Runs the trials of a sweep: gives them to the workplaces and takes in what they report.
//
// One thread waits for what workplaces say, for signals, and for the next look at the spools;
// nothing here blocks on an attempt. The database says "running" before a worker hears of a
// trial, and the trial's end is written after everything its spool holds was ingested: whenever
// the runner dies, the next one finds out from the spools what happened.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/disk_full.h"
#include "common/records.h"
#include "orchestrate/process/signals.h"
#include "orchestrate/run/announcer.h"
#include "orchestrate/run/attempt.h"
#include "orchestrate/run/budget.h"
#include "orchestrate/run/failure.h"
#include "orchestrate/run/run_status.h"
#include "orchestrate/run/schedule.h"
#include "orchestrate/run/stopper.h"
#include "orchestrate/run/view.h"
#include "orchestrate/workers/local_workplaces.h"

namespace mvn {

struct SweepRunParts {
  SweepPlan& plan;  // grows by what its searches draw
  std::filesystem::path results;
  Store& store;
  Schedule& schedule;
  View& view;
  Signals& signals;
  Workplaces& workplaces;
  Clock clock = steady_clock();
  // The configuration of a trial as its worker gets it.
  std::function<Json(const PlannedTrial&)> configuration;
  std::function<void(Course)> on_course = [](Course) {};  // hears of every change
  // What somebody asked for since the last call, otherwise than by a signal.
  std::function<std::optional<Course>()> asked = [] { return std::nullopt; };
  // What is known of where this runs; in the view `environments` of every attempt.
  Json environment = Json::object();
  // Draws trials into the plan and the schedule where a search has more, and says how many; may
  // throw. Nothing where the plan is complete.
  std::function<std::size_t()> draw = {};
  std::set<std::string> fresh = {};  // ids of trials to train again from scratch
  std::set<std::string> said = {};   // warnings that the user has read already
};

class SweepRun {
 public:
  explicit SweepRun(SweepRunParts parts);
  ~SweepRun();
  SweepRun(const SweepRun&) = delete;
  SweepRun& operator=(const SweepRun&) = delete;

  // Until nothing can run any more, or the user stopped it and all attempts have ended.
  void execute();
  // The user asked for no more trials.
  [[nodiscard]] bool stopped() const { return status_.course >= Course::kDraining; }
  // Why it started no more trials though some are left; "" where the user stopped it.
  [[nodiscard]] const std::string& given_up() const { return given_up_; }
  // Why it ended before all trials had started, as the sweep file says it should; none where not.
  [[nodiscard]] const std::set<std::string>& endings() const { return endings_; }

 private:
  void start_ready();
  void draw_more();
  void close_stages();
  [[nodiscard]] std::string reason_to_close(const std::string& stage);
  void update_counts();
  void stop_early(Attempt& attempt);
  const std::string& shape_of(std::size_t trial);
  void start(const Place& place, std::size_t trial);
  [[nodiscard]] Json known_environment(const Json& config, const Place& place) const;
  Json configuration_of(const Attempt& attempt) const;
  void wait_for_something();
  void take_signals();
  void change_to(Course course);
  void take(const Started& event);
  void take(const Replied& event);
  void take(const Ended& event);
  void take(const Moved& event);
  [[nodiscard]] AttemptEnd end_of(const Ended& event, const Attempt& attempt) const;
  void end_attempt(const AttemptName& name, AttemptEnd end, bool shared_gpu);
  void conclude(const Attempt& attempt, const AttemptEnd& end);
  [[nodiscard]] std::optional<Json> with_less_memory(const Attempt& attempt) const;
  void learn_steps(const PlannedTrial& done, std::int64_t step);
  bool run_again(const Attempt& attempt, const AttemptEnd& end, Failure failure);
  void look_for_objective(const Attempt& attempt);
  void watch_for_repeated(const Attempt& attempt, const AttemptEnd& end);
  // No more trials start.
  void give_up(const std::string& reason);
  void enforce_limits(Attempt& attempt, double now);
  void ask_for_checkpoint(Attempt& attempt);
  void ask_to_end(Attempt& attempt, Failure cause, const std::string& reason);
  void report_blocked();
  void ingest(Attempt& attempt);
  void say_warning(const EventRecord& event);
  // Does it again and again until the disk has space for it, and nobody keeps the database locked:
  // `action` writes all or nothing.
  template <typename Action>
  auto when_it_fits(Action action);
  template <typename Reason, typename IsOver>
  void wait_out(const Reason& reason, IsOver is_over);
  void wait_for_room(const DiskFull& full);
  void wait_for_database(const DatabaseLocked& locked);
  void tick();
  void release_workplaces();
  // Whether a trial that is ready may start; while paused, it may later.
  [[nodiscard]] bool starts_trials() const;
  [[nodiscard]] bool busy() const;

  SweepRunParts parts_;
  Announcer announcer_;
  std::map<AttemptName, Attempt> attempts_;  // that are ordered and have not ended
  RunStatus status_;
  RetryLedger retries_;
  Stopper stopper_;
  std::set<std::string> closed_;  // stages of which no more trials start
  std::set<std::string> endings_;
  Spending spending_;
  std::string limit_reached_;  // of run_cap
  double next_look_at_limits_ = 0;
  double next_look_at_requests_ = 0;
  RepeatedErrors repeated_;
  std::set<std::string> objectives_;  // stages of which a trial that was done was looked at
  bool said_damage_ = false;
  std::size_t said_warnings_ = 0;
  std::set<std::size_t> shrink_;  // trials whose next attempt gets half the micro-batch
  std::map<std::size_t, std::string> shapes_;  // the shape of a trial's next attempt
  std::string given_up_;
  std::map<std::string, std::int64_t> usual_steps_;  // by stage
  double next_tick_ = 0;
};

}  // namespace mvn
