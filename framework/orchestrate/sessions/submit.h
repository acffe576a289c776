// `mvn-runner submit`: a sweep as a job of Slurm.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "orchestrate/process/signals.h"
#include "orchestrate/sessions/session.h"
#include "orchestrate/slurm/scheduler.h"

namespace mvn {

// Checks the sweep and what its `launch.slurm` asks for, gives the job to Slurm and prints its
// number: nothing is left running. The job runs `mvn-runner SWEEP` with the same options. Throws
// what is wrong with the sweep or the request, and Error where a job or a runner is there already.
int submit_sweep(const RunOptions& options, std::ostream& out);

// Where scripts and logs of a sweep's jobs are.
std::filesystem::path slurm_folder(const std::filesystem::path& results, const std::string& sweep);

// The last job that was submitted of a sweep.
struct SubmittedJob {
  std::string sweep;
  std::string id;
  std::string log;
};
// Of all sweeps in a results folder.
std::vector<SubmittedJob> submitted_jobs(const std::filesystem::path& results);

}  // namespace mvn
