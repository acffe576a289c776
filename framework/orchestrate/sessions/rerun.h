// `mvn-runner rerun TRIAL`: a trial once more, from the database alone.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

namespace mvn {

struct RerunOptions {
  std::string trial;  // the beginning of its id
  std::filesystem::path results = "results";
  std::vector<std::filesystem::path> plugin_folders;
  bool verify = false;
  bool keep = false;  // what a verification wrote
  double tolerance = 1e-5;
  bool run_command = false;  // a program that the user's own sweep file does not name
};

// Trains the trial again from scratch with the configuration that the database holds, on the device
// and with the threads of its last attempt where they are there.
//
// A program of the user's is trusted where the sweep file, outside of the results, still plans this
// very trial. Otherwise, as in results that somebody else made, the command is shown and nothing is
// run but with `run_command`. What looks like a secret is not in the database: such a trial needs
// its sweep file, too.
//
// Otherwise than with `verify`, as a new attempt in its place, whose values count from then on.
// Returns 0 when it ended well, 1 when it did not, 130 when the user stopped it.
//
// With `verify`, in a folder of its own under the results, which is removed afterwards; the trial
// and the database stay as they are, and no lock is taken. Says whether the two are bit-equal or
// within the tolerance (returns 0), or where they differ first (1).
//
// Throws ConfigError where there is no such trial, nothing to compare with, or a program that it
// may not run.
int rerun_trial(const RerunOptions& options, std::ostream& out);

}  // namespace mvn
