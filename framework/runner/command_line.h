// The command line of mvn-runner.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mvn/error.h"
#include "orchestrate/answers/compare.h"

namespace mvn {

enum class Command {
  kRun,
  kPlan,
  kRerun,
  kPlugins,
  kSchema,
  kQuery,
  kCompare,
  kCollect,
  kStatus,
  kAsk,
  kNewPlugin,
  kImport,
  kMerge,
  kHelp,
  kVersion
};

struct CommandLine {
  Command command = Command::kHelp;
  std::string text;  // as typed, quoted for a shell
  std::filesystem::path results = "results";
  std::vector<std::filesystem::path> plugin_folders;

  std::filesystem::path sweep;         // kRun, kPlan
  std::vector<std::string> overrides;  // kRun, kPlan: "a.b=c"
  int workers = 0;                     // kRun, kPlan; 0: as the sweep says
  bool rerun_changed = false;          // kRun, kPlan
  bool verify = false;                 // kRerun
  bool keep = false;                   // kRerun
  bool run_command = false;            // kRerun
  double tolerance = 1e-5;             // kRerun

  std::string component;         // kPlugins: only those of this name, "" for all
  bool json = false;             // kPlugins
  std::string sql;               // kQuery
  std::string format = "table";  // kQuery: table, csv or json; kPlan: table or json; kCompare
  CompareRequest compare;        // kCompare
  std::filesystem::path import;  // kImport: the file to read
  std::string import_format;     // kImport: gpt-neo or wandb
  std::string program;           // kImport of wandb: in place of the file's
  std::string plugin;            // kNewPlugin; kMerge: the model's, "" for the one that fits
  std::string trial;             // kMerge, kRerun: its id or the beginning of it
  std::string model;             // kMerge: the base, "" for the one that the adapter names
  std::string adapter;           // kMerge: instead of a trial
  std::string output;            // kMerge; kSchema, kImport: "" for standard output
  std::string dtype;             // kMerge: "" for the base's
  std::string request;           // kAsk: pause, resume, drain or stop
  std::string help;              // kHelp: what to print
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
