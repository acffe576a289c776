#include "orchestrate/slurm/job.h"

#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "common/environment_variable.h"
#include "mvn/error.h"
#include "orchestrate/process/log.h"
#include "orchestrate/process/run_to_end.h"
#include "orchestrate/slurm/scheduler.h"

namespace mvn {
namespace {

void say(const std::string& text, std::ostream& out) {
  out << text << std::endl;
  log(LogLevel::kInfo, text);
}

// Asks until slurmctld answers, for about five minutes: it may be busy, or restarted. False where
// it does not.
bool ask_patiently(const std::function<void()>& ask, std::ostream& out) {
  constexpr int kLongest = 60;  // seconds between two tries
  constexpr int kTries = 10;
  int wait = 1;
  for (int i = 1;; ++i) {
    try {
      ask();
      return true;
    } catch (const Interrupted&) {
      return true;  // Slurm ends the job that is back in its queue
    } catch (const Error& error) {
      if (i == kTries) {
        say(std::string("giving up: ") + error.what(), out);
        return false;
      }
      say(std::string(error.what()) + "; asking again in " + std::to_string(wait) + " s", out);
    }
    ::poll(nullptr, 0, wait * 1000);
    wait = std::min(2 * wait, kLongest);
  }
}

}  // namespace

std::optional<SlurmJob> this_job() {
  SlurmJob job;
  job.id = environment_variable("SLURM_JOB_ID");
  if (job.id.empty()) return std::nullopt;
  job.node = environment_variable("SLURMD_NODENAME");
  job.step = environment_variable("SLURM_STEP_ID");
  if (job.step.empty()) job.step = "batch";
  job.cores = std::atoi(environment_variable("SLURM_CPUS_ON_NODE").c_str());
  job.submitted = environment_variable(kSubmitted) == job.id;
  return job;
}

Json slurm_environment() {
  const auto job = this_job();
  if (!job) return Json::object();
  Json values = {{"slurm.job", job->id}, {"slurm.step", job->step}};
  if (!job->node.empty()) values["slurm.node"] = job->node;
  return values;
}

void requeue_where_taken_away(Signals& signals, std::ostream& out) {
  const auto job = this_job();
  if (!job || !job->submitted) return;
  JobStanding standing;
  if (!ask_patiently([&] { standing = job_standing(job->id, signals); }, out)) return;
  // Where Slurm ends it already, it has also decided whether the job comes back.
  if (standing.state != "RUNNING" || !(signals.hung_up() || standing.preempted)) return;
  say("job " + job->id + " goes back into Slurm's queue, and then on", out);
  if (!ask_patiently([&] { requeue_job(job->id, signals); }, out)) {
    say("submit the sweep again: it goes on from here", out);
  }
}

}  // namespace mvn
