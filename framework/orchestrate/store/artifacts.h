// What trials left on disk: where each artifact is now, and whether it still is there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mvn {

struct StoredArtifact {
  std::string sweep;
  std::string stage;
  std::string trial;  // id
  std::string state;  // of the trial
  std::string label;
  std::int64_t seed = 0;
  std::string kind;            // "model", "checkpoint", ...
  std::string reported;        // its path, as the trial wrote it
  std::filesystem::path path;  // where it is now: results may have moved since
  std::int64_t step = 0;
  std::int64_t bytes = 0;  // as reported
  bool removed = false;    // by mvn-runner gc
};

// Those of a sweep, or of all where it is "", in the order of the sweeps' trials; of one path the
// latest. Reads only. Throws Error when there is no database or no such sweep.
std::vector<StoredArtifact> stored_artifacts(const std::filesystem::path& results,
                                             const std::string& sweep);

// Bytes of a file, or of all files below a folder; symbolic links count nothing.
std::uintmax_t bytes_on_disk(const std::filesystem::path& path);

// The sweep's name, where the database knows it; throws ConfigError with the nearest one.
void require_sweep(const std::filesystem::path& results, const std::string& sweep);

}  // namespace mvn
