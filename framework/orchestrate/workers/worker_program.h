// mvn-worker as the runner sees it: what it says of itself and of configurations.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/description.h"
#include "common/json.h"
#include "orchestrate/process/process.h"
#include "orchestrate/process/run_to_end.h"
#include "orchestrate/process/signals.h"
#include "orchestrate/workers/python_torch.h"

namespace mvn {

// MVN_WORKER where it is set, else mvn-worker beside this program. Throws Error naming the file
// that is missing.
std::filesystem::path find_worker();

// What the worker found wrong with one configuration.
struct CheckResult {
  struct Finding {
    std::string key;  // "task.text", may be empty
    std::string message;
  };
  std::vector<Finding> errors;
  std::vector<std::string> warnings;
  std::vector<std::string> notes;  // what it read, for people
};

class WorkerProgram {
 public:
  WorkerProgram(std::filesystem::path file, std::vector<std::filesystem::path> plugin_folders);

  // `mvn-worker describe`. Its answer is kept in a file and used again as long as the worker, the
  // plugins and the devices are the same: the worker takes a second to load LibTorch. Where pip
  // installed it and it has no LibTorch that fits, the answer is the one that came with the
  // package, which is enough for sweeps of users' own programs.
  [[nodiscard]] Description describe(Signals& signals) const;
  // Throws Error that says what to do where pip installed it and it has no LibTorch that fits.
  void require_torch(Signals& signals) const;
  // `mvn-worker check`: one result per configuration.
  [[nodiscard]] std::vector<CheckResult> check(const Json& configurations, Signals& signals) const;
  // `mvn-worker merge` with these options: what it printed. Throws ConfigError with the worker's
  // message for a bad option or file.
  [[nodiscard]] std::string merge(const std::vector<std::string>& options, Signals& signals) const;
  // `mvn-worker embed` of this request; `take_line` gets its lines. Returns its warnings. Throws as
  // merge() does.
  [[nodiscard]] std::string embed(const Json& request, Signals& signals,
                                  const TakeLine& take_line) const;
  // How a persistent worker is started.
  [[nodiscard]] ProcessSpec serve() const;

  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  [[nodiscard]] std::vector<std::string> command(const std::string& verb) const;
  // What it printed. Throws ConfigError with the worker's message for a bad option or file.
  [[nodiscard]] std::string do_once(const std::vector<std::string>& words, const std::string& input,
                                    Signals& signals, const TakeLine& take_line) const;
  [[nodiscard]] Json ask(const std::string& verb, const std::string& input, Signals& signals) const;
  [[nodiscard]] std::string fingerprint() const;
  void find_torch(Signals& signals) const;
  [[nodiscard]] std::optional<Description> shipped_description() const;
  [[nodiscard]] ProcessSpec spec(std::vector<std::string> words) const;

  std::filesystem::path file_;
  std::vector<std::filesystem::path> plugin_folders_;
  std::optional<PythonPackage> package_;      // that it is in
  mutable std::optional<PythonTorch> torch_;  // of a package's worker, once it was looked for
};

}  // namespace mvn
