// The Slurm job that this process is a part of.
#pragma once

#include <optional>
#include <ostream>
#include <string>

#include "common/json.h"
#include "orchestrate/process/signals.h"

namespace mvn {

struct SlurmJob {
  std::string id;
  std::string node;        // "" where Slurm does not say
  std::string step;        // "batch", "0"
  int cores = 0;           // that the job has on this node; 0: not known
  bool submitted = false;  // by mvn-runner submit: this process is its batch step
};
// By the environment; nothing outside of any job.
std::optional<SlurmJob> this_job();

// The variable by which a script of submit lets its runner know.
inline constexpr const char* kSubmitted = "MVN_SLURM_SUBMITTED";

// For the view `environments`: {"slurm.job": "12", "slurm.node": "n1", "slurm.step": "batch"}; {}
// outside of any job.
Json slurm_environment();

// A submitted job that ends before its sweep because Slurm takes its nodes away (SIGHUP, which
// submit asks for some time before the time limit; or preemption) goes back into the queue, and
// says so to `out`. Asked to stop, by scancel or a user, it does not. Slurm then ends this process.
void requeue_where_taken_away(Signals& signals, std::ostream& out);

}  // namespace mvn
