// Freeing disk space: models and checkpoints that nothing needs, and whole sweeps. The caller holds
// the lock of the results folder for what removes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mvn {

// A trial with models or checkpoints on disk, and what becomes of them.
struct GcTrial {
  std::string sweep;
  std::string stage;
  std::string id;
  std::string label;
  std::int64_t seed = 0;
  std::string state;
  std::string kept;                          // why they stay; "" where they go
  std::vector<std::filesystem::path> paths;  // on disk, below the results folder
  std::vector<std::string> gone;             // artifacts that are then gone, as reported
  std::uintmax_t bytes = 0;
};

struct GcPlan {
  std::vector<GcTrial> trials;
  [[nodiscard]] std::size_t removed() const;   // trials
  [[nodiscard]] std::uintmax_t freed() const;  // bytes
  [[nodiscard]] std::uintmax_t kept() const;   // bytes
};

// What can go of a sweep ("": of all). There stay: the `best` trials of each stage, by the last
// value of its metric (of the sweep file as last run, and as many of its earlier versions); trials
// that are not finished; and, whatever sweep it is in, the models that a trial which stays starts
// from. Reads only.
GcPlan plan_gc(const std::filesystem::path& results, const std::string& sweep, std::size_t best);

// Removes it: from the disk, and in the database the artifacts are marked as removed. Returns how
// many paths could not be removed now; the next command that writes here tries again.
std::size_t collect_garbage(const std::filesystem::path& results, const GcPlan& plan);

struct SweepRemoval {
  std::string sweep;
  std::size_t trials = 0;
  std::uintmax_t bytes = 0;
  std::vector<std::string> needed_by;  // unfinished trials of other sweeps, "other/3f2a..."
};

// What removing the sweep takes away. Reads only. Throws ConfigError where there is no such sweep.
SweepRemoval plan_removal(const std::filesystem::path& results, const std::string& sweep);

// Removes the sweep's rows and its folder. Returns as collect_garbage() does.
std::size_t remove_sweep(const std::filesystem::path& results, const std::string& sweep);

}  // namespace mvn
