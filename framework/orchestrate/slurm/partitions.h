// What a cluster has, as sinfo tells, and what of a request is more than that: Slurm itself lets
// such a job wait for ever.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "orchestrate/sweep/rules.h"

namespace mvn {

// Nodes of one kind in one partition.
struct Partition {
  std::string name;
  bool is_default = false;
  std::optional<double> longest;  // seconds that a job may take; nothing: as long as it likes
  int cores = 0;                  // of a node
  std::int64_t megabytes = 0;     // of a node's memory
  std::string gres;               // "gpu:a100:4(S:0-1)"
};

// What sinfo is to print, by -e -o, and what it printed.
inline constexpr const char* kPartitionFormat = "%P|%l|%c|%m|%G";
std::vector<Partition> read_partitions(const std::string& text);

// Of a node; of any type where `type` is "".
int gpus_of(const std::string& gres, const std::string& type);

// "30", "2:00:00", "1-12" as seconds; nothing for "infinite" and what is no time.
std::optional<double> slurm_seconds(const std::string& time);
// "16G" as megabytes; 0, which is all of a node's, for what is no size.
std::int64_t slurm_megabytes(const std::string& memory);

// Of `launch.slurm`: which key cannot be had, and why.
struct Refusal {
  std::string key;  // "launch.slurm.time"
  std::string message;
};
std::vector<Refusal> what_is_too_much(const SlurmRequest& request,
                                      const std::vector<Partition>& partitions);

}  // namespace mvn
