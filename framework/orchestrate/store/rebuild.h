// results.db made anew from the files of the results folder: `mvn-runner collect --rebuild`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mvn {

struct RebuildSummary {
  std::vector<std::string> sweeps;  // their names
  int trials = 0;
  int attempts = 0;
  std::int64_t records = 0;    // of the spools
  int lost = 0;                // trials whose results went with their files: they run again
  std::filesystem::path kept;  // the database that was replaced, empty when there was none
};

// Reads every sweep.json, runner.jsonl and spool below `results` into a new database, which then
// replaces results.db; the old one is kept beside it. The caller holds the lock of the folder.
// Throws Error when no sweep.json is there, and leaves everything as it was.
RebuildSummary rebuild_database(const std::filesystem::path& results);

}  // namespace mvn
