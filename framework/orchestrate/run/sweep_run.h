// Runs the trials of a sweep: starts workers, feeds them, takes in what they report.
//
// One thread waits in poll() for what workers say, for signals, and for the next look at the
// spools; nothing here blocks on a worker. The database says "running" before a worker hears of a
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
#include "orchestrate/process/signals.h"
#include "orchestrate/run/announcer.h"
#include "orchestrate/run/budget.h"
#include "orchestrate/run/failure.h"
#include "orchestrate/run/run_status.h"
#include "orchestrate/run/schedule.h"
#include "orchestrate/run/stopper.h"
#include "orchestrate/run/view.h"
#include "orchestrate/workers/packer.h"
#include "orchestrate/workers/slots.h"
#include "orchestrate/workers/station.h"

namespace mvn {

// Seconds of a steady clock.
using Clock = std::function<double()>;
Clock steady_clock();

struct SweepRunParts {
  SweepPlan& plan;  // grows by what its searches draw
  std::filesystem::path results;
  Store& store;
  Schedule& schedule;
  View& view;
  Signals& signals;
  Clock clock;
  ProcessSpec worker;  // how a persistent worker is started
  // The configuration of a trial as its worker gets it.
  std::function<Json(const PlannedTrial&)> configuration;
  std::function<void(Course)> on_course;  // hears of every change
  // Draws trials into the plan and the schedule where a search has more, and says how many; may
  // throw. Nothing where the plan is complete.
  std::function<std::size_t()> draw = {};
  std::set<std::string> fresh = {};  // ids of trials to train again from scratch
  Packer packer = Packer({});
};

class SweepRun {
 public:
  SweepRun(SweepRunParts parts, std::vector<Slot> slots);
  ~SweepRun();
  SweepRun(const SweepRun&) = delete;
  SweepRun& operator=(const SweepRun&) = delete;

  // Until nothing can run any more, or the user stopped it and all workers are gone.
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
  void stop_early(Station& station);
  const std::string& shape_of(std::size_t trial);
  [[nodiscard]] bool has_room(const Station& station, std::size_t trial);
  void dismiss_idle_sharers();
  void start(Station& station, std::size_t trial);
  [[nodiscard]] Json known_environment(const Json& config, const Slot& slot) const;
  Json configuration_of(const Attempt& attempt) const;
  void wait_for_something();
  void take_signals();
  void change_to(Course course);
  void take_replies(Station& station);
  void take_death(Station& station);
  void end_attempt(Station& station, AttemptEnd end);
  [[nodiscard]] std::string why_it_did_not_start(const Json& config, const Error& error) const;
  [[nodiscard]] std::optional<Json> with_less_memory(const Attempt& attempt) const;
  void learn_steps(const PlannedTrial& done, std::int64_t step);
  bool run_again(const Attempt& attempt, const AttemptEnd& end, Failure failure);
  void look_for_objective(const Attempt& attempt);
  void watch_for_repeated(const Attempt& attempt, const AttemptEnd& end);
  // No more trials start.
  void give_up(const std::string& reason);
  void enforce_limits(Station& station, double now);
  void ask_to_end(Station& station, Failure cause, const std::string& reason);
  void report_blocked();
  void ingest(Station& station, Attempt& attempt);
  // Does it again and again until the disk has space for it, and nobody keeps the database locked:
  // `action` writes all or nothing.
  template <typename Action>
  auto when_it_fits(Action action);
  template <typename Reason, typename IsOver>
  void wait_out(const Reason& reason, IsOver is_over);
  void wait_for_room(const DiskFull& full);
  void wait_for_database(const DatabaseLocked& locked);
  void tick();
  void release_workers();
  // Whether a trial that is ready may start; while paused, it may later.
  [[nodiscard]] bool starts_trials() const;
  [[nodiscard]] bool busy() const;

  SweepRunParts parts_;
  Announcer announcer_;
  std::vector<std::unique_ptr<Station>> stations_;
  RunStatus status_;
  RetryLedger retries_;
  Stopper stopper_;
  std::set<std::string> closed_;  // stages of which no more trials start
  std::set<std::string> endings_;
  Spending spending_;
  std::string limit_reached_;  // of run_cap
  double next_look_at_limits_ = 0;
  RepeatedErrors repeated_;
  std::set<std::string> objectives_;  // stages of which a trial that was done was looked at
  bool said_damage_ = false;
  std::set<std::size_t> shrink_;  // trials whose next attempt gets half the micro-batch
  std::map<std::size_t, std::string> shapes_;  // the shape of a trial's next attempt
  std::string given_up_;
  std::map<std::string, std::int64_t> usual_steps_;  // by stage
  bool ended_at_once_ = false;  // a trial that could not be started: its place is free again
  double next_tick_ = 0;
};

}  // namespace mvn
