// The command line of mvn-runner.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mvn/error.h"

namespace mvn {

// What was typed. Of the options those of other commands keep their defaults.
struct CommandLine {
  std::string command;  // the name of a row of command_table(), "help" or "version"
  std::string text;     // as typed, quoted for a shell
  std::string help;     // what to print for it
  std::filesystem::path results = "results";
  std::vector<std::string> plugin_dirs;

  // A run, or the plan of one.
  std::vector<std::string> words;  // as given: the sweep and KEY=VALUE
  std::filesystem::path sweep;
  std::vector<std::string> overrides;  // "a.b=c"
  int workers = 0;                     // 0: as the sweep says
  bool rerun_changed = false;
  bool dry_run = false;
  std::string log_level = "info";
  bool verbose = false;

  // A trial's, and what of it is made anew.
  std::string trial;  // its id or the beginning of it
  bool verify = false;
  bool keep = false;
  bool run_command = false;
  double tolerance = 1e-5;

  std::string component;         // plugins: only those of this name, "" for all
  bool json = false;             // plugins
  bool rebuild = false;          // collect
  std::string sql;               // query
  std::string format = "table";  // query: table, csv or json; plan: table or json
  std::string file;              // import: the file to read
  std::string import_format;     // gpt-neo or wandb
  std::string program;           // import of wandb: in place of the file's
  std::string plugin;            // new-plugin; merge: the model's, "" for the one that fits
  std::string model;             // merge: the base, "" for the one that the adapter names
  std::string adapter;           // merge: instead of a trial
  std::string output;            // merge; schema, import: "" for standard output
  std::string dtype;             // merge: "" for the base's

  [[nodiscard]] std::vector<std::filesystem::path> plugin_folders() const {
    return {plugin_dirs.begin(), plugin_dirs.end()};
  }
};

// What the user typed is not understood: the message says what is, and where to read on.
class UsageError : public Error {
 public:
  using Error::Error;
  ~UsageError() override;
  [[nodiscard]] int exit_code() const noexcept override {
    return static_cast<int>(ExitCode::kBadConfig);
  }
};

// `arguments` begins with the program's name. Throws UsageError.
CommandLine parse_command_line(const std::vector<std::string>& arguments);

}  // namespace mvn
