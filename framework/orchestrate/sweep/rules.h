// What a sweep file says of the sweep, and not of a trial's configuration.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mvn {

// Objective of a stage.
struct MetricGoal {
  std::string name;                   // "eval/accuracy"
  bool maximize = true;               // `goal: maximize | minimize`
  std::optional<double> target = {};  // once it is reached, no more trials of the stage start
};

// What a sweep asks of the machine.
struct Resources {
  int threads = 0;  // CPU threads of a trial; 0: the cores divided by the workers
  int workers = 0;  // trials at a time; 0: as many as there are devices, or cores
  std::string device = "auto";
  int max_trials_per_gpu = 1;   // several where their memory fits
  std::int64_t gpu_memory = 0;  // bytes that a trial needs; 0: measured
};

// How often a trial is run again in one run of the sweep after each kind of failure, from its last
// checkpoint. A configuration or data that cannot work is never tried again.
struct RetryRules {
  int crash = 1;
  int oom = 3;       // each time with half the micro-batch
  int node = 3;      // killed from outside
  int hang = 1;      // limits.silence
  int timeout = 0;   // limits.time
  int diverged = 0;  // the loss is NaN or infinite
  // So many configurations that fail with one error before they report anything end the sweep; 0:
  // none do.
  int same_error = 3;
};

// Seconds; 0: no limit.
struct Limits {
  double time = 0;     // of one attempt
  double silence = 0;  // between two records of an attempt
  double grace = 60;   // for writing a checkpoint before it is killed
};

// `run_cap`: what a sweep may spend, in all its runs together. Hours are 0 where there is no limit.
struct RunCap {
  std::optional<std::int64_t> trials;  // the first ones
  double hours = 0;                    // during which a trial ran
  double gpu_hours = 0;                // the same for each GPU, added up
};

// `launch.slurm`: what submit asks of Slurm, as sbatch spells it. "" or 0 where Slurm decides.
struct SlurmRequest {
  std::string partition = {};
  std::string account = {};
  std::string qos = {};
  std::string time = {};  // "30", "2:00:00", "1-12"
  std::string gpus = {};  // "2", "a100:2"
  int cpus_per_task = 0;
  int nodes = 1;         // the most that the sweep uses; each is a job of its own
  std::string mem = {};  // "16G"
  std::string constraint = {};
  std::vector<std::string> extra = {};  // arguments of sbatch, as they are
};

// A command that makes data where it is missing: run in `folder` when `creates` does not exist.
struct Preparation {
  std::vector<std::string> command;
  std::filesystem::path creates;  // absolute
  std::filesystem::path folder;   // absolute: of the file that says so
};

}  // namespace mvn
