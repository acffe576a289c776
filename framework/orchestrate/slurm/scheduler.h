// Slurm's programs: sbatch, squeue, sinfo, scontrol. Each call is one question to slurmctld, which
// many users share: nothing here asks again and again.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "orchestrate/process/signals.h"
#include "orchestrate/slurm/partitions.h"

namespace mvn {

// Throws Error with what the program says where Slurm refuses or does not answer, or is not here.
// A stop signal throws Interrupted.

std::vector<Partition> ask_for_partitions(Signals& signals);

// sbatch with these arguments. Returns the job's id, "12" or, of one cluster among several,
// "12;cluster".
std::string submit_job(const std::vector<std::string>& arguments, Signals& signals);

// What squeue shows of a job.
struct QueuedJob {
  std::string state;   // "PENDING"
  std::string reason;  // "Priority", "None"
  std::string nodes;   // "" while it waits
  std::string ends;    // by its time limit, as squeue spells it: "2026-01-31T12:00:00"
  std::string partition;
};
// Of those jobs, the ones that are in the queue or run, by id: one question for all.
std::map<std::string, QueuedJob> queued_jobs(const std::vector<std::string>& ids, Signals& signals);

struct JobStanding {
  std::string state;       // "RUNNING"; "COMPLETING" once Slurm ends it
  bool preempted = false;  // Slurm is about to take its nodes away for a more urgent job
};
JobStanding job_standing(const std::string& id, Signals& signals);
// The job is ended and waits in the queue again, under the same number.
void requeue_job(const std::string& id, Signals& signals);

}  // namespace mvn
