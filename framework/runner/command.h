// A command of mvn-runner: what it is called, takes and does.
#pragma once

#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "mvn/error.h"

namespace CLI {
class App;
class Validator;
}  // namespace CLI

namespace mvn {

// The options of mvn-runner itself, which may stand after a command, too; and what was typed.
struct CommonOptions {
  std::string text;  // the whole line as typed, quoted for a shell
  std::filesystem::path results = "results";
  std::vector<std::string> plugin_dirs;
  std::vector<std::string> overrides;  // "a.b=c"
  int workers = 0;                     // 0: as the sweep says
  bool rerun_changed = false;
  bool dry_run = false;
  std::string log_level = "info";
  bool verbose = false;
  [[nodiscard]] std::vector<std::filesystem::path> plugin_folders() const {
    return {plugin_dirs.begin(), plugin_dirs.end()};
  }
};

// Prints to `out` and returns the exit code. Throws mvn::Error, UsageError for options that do not
// go together.
using Action = std::function<int(const CommonOptions& common, std::ostream& out)>;

struct CommandRow {
  std::string name;
  std::string help = {};  // one line
  // What to type after "mvn-runner", and what that does.
  std::vector<std::pair<std::string, std::string>> examples = {};
  // Gives `app` the command's options. The action, which keeps what they are set to, is called once
  // the line is read.
  std::function<Action(CLI::App& app)> define;
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

// Throws the UsageError for a word too many.
[[noreturn]] void refuse_word(const std::string& word);

// `app` takes the option again and again, one value each time.
void add_repeated(CLI::App& app, const std::string& name, std::vector<std::string>& values,
                  const std::string& help, const std::string& shape);

// --format with these choices, and --json, where that is one of them.
void add_format(CLI::App& app, std::string& format, const std::vector<std::string>& choices);

// CLI11's own validators name the largest number that there is, with all its digits.
CLI::Validator number_of_at_least(double least);

// To the file where one is named, whole or not at all.
void write_or_print(const std::string& text, const std::string& file, std::ostream& out);

}  // namespace mvn
