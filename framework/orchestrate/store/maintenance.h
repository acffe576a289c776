// The database for years: is it whole, a copy of it, and its free space given back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mvn {

struct CheckFinding {
  bool fault = true;  // else a note: nothing is wrong
  std::string where;  // "the file", "demo/3f2a...", relative to the results folder
  std::string what;
  std::string remedy;
};

struct CheckReport {
  std::int64_t sweeps = 0;
  std::int64_t trials = 0;
  std::int64_t attempts = 0;
  std::int64_t values = 0;  // of metrics
  std::vector<CheckFinding> findings;
  [[nodiscard]] bool is_whole() const;
};

// SQLite's own checks, then whether the database says of each trial what its spools say, value by
// value. Reads only, and may be called while a runner works (`at_work`: what it has not taken in
// yet is no fault). Throws Error where the file cannot be read at all.
CheckReport check_database(const std::filesystem::path& results, bool at_work);

struct VacuumSummary {
  std::uintmax_t before = 0;  // bytes
  std::uintmax_t after = 0;
};

// Gives free pages back to the file system. The caller holds the lock of the results folder.
VacuumSummary vacuum_database(const std::filesystem::path& results);

// A whole copy of the database as it is at this moment, in one file, also while a runner writes. It
// appears when it is complete. Throws Error where the file exists. Returns its bytes.
std::uintmax_t backup_database(const std::filesystem::path& database,
                               const std::filesystem::path& file);

}  // namespace mvn
