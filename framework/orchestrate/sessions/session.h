// `mvn-runner SWEEP.yaml` from the file to the exit code.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "orchestrate/hub/client.h"
#include "orchestrate/process/log.h"
#include "orchestrate/store/table.h"
#include "orchestrate/sweep/plan.h"

namespace mvn {

struct RunOptions {
  std::filesystem::path file;
  std::vector<std::string> overrides;  // "a.b=c"
  std::filesystem::path results = "results";
  int workers = 0;  // 0: as the sweep file says
  std::vector<std::filesystem::path> plugin_folders;
  bool rerun_changed = false;            // finished trials whose plugin or data is another now
  std::string command;                   // as the user typed it, for "run the same command again"
  LogLevel log_level = LogLevel::kInfo;  // of results/<sweep>/runner.log
  bool verbose = false;                  // each step is said on standard error, too
};

// Plans the sweep, runs what is left of it and prints the results to `out`. Returns 0 when all
// trials ended well, 1 when some did not, 130 when the user stopped it. What is wrong with the
// sweep is thrown as SweepErrors before anything is written: results folder, lock and database are
// made after all checks passed.
int run_sweep(const RunOptions& options, std::ostream& out);

// A sweep that could run.
struct CheckedSweep {
  SweepPlan plan;
  std::size_t left = 0;  // trials that a run has to do
  std::filesystem::path results;
};

// Plans the sweep, brings what it takes from the hub, and checks what run_sweep() would but the
// devices of this machine: it is to run on another one. Neither locks nor writes the database.
CheckedSweep check_sweep(const RunOptions& options, std::ostream& out);

// What its trials take from the Hugging Face hub, those to be drawn later left out. Throws what is
// wrong with the sweep.
std::vector<HubNeed> hub_needs(const RunOptions& options);

// Prints what run_sweep() would do and what that would take, as a table or as JSON. Reads the
// results without locking them, and writes nothing. Throws what is wrong with the sweep.
void preview_sweep(const RunOptions& options, RowFormat format, std::ostream& out);

}  // namespace mvn
