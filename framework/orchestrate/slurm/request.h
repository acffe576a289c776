// From `launch.slurm` to what sbatch is given.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "orchestrate/sweep/rules.h"

namespace mvn {

// "a,b": a list as Slurm's programs take it.
template <typename Texts>
std::string slurm_list(const Texts& texts) {
  std::string list;
  for (const std::string& each : texts) list.append(list.empty() ? "" : ",").append(each);
  return list;
}

struct BatchJob {
  std::string name;
  std::vector<std::string> command;  // of the runner
  std::filesystem::path folder;      // where it runs
  std::filesystem::path log;         // "%j" is the job's number
  std::filesystem::path script;
  double grace = 60;  // seconds that trials have for a checkpoint
};

// How long before its end the job is told of it, in seconds.
int warning_time(const SlurmRequest& request, double grace);

// What of a node is asked for, of each that a sweep uses.
std::vector<std::string> node_arguments(const SlurmRequest& request);

// sbatch's arguments, the script's name last.
std::vector<std::string> sbatch_arguments(const SlurmRequest& request, const BatchJob& job);

// The script: the runner in the place of the shell, so that it gets the job's signals itself.
std::string batch_script(const SlurmRequest& request, const BatchJob& job);

}  // namespace mvn
