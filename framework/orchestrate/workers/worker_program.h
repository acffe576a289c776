// mvn-worker as the runner sees it: what it says of itself and of configurations.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/description.h"
#include "common/json.h"
#include "orchestrate/process/process.h"
#include "orchestrate/process/signals.h"

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
  // plugins and the devices are the same: the worker takes a second to load LibTorch.
  [[nodiscard]] Description describe(Signals& signals) const;
  // `mvn-worker check`: one result per configuration.
  [[nodiscard]] std::vector<CheckResult> check(const Json& configurations, Signals& signals) const;
  // `mvn-worker merge` with these options: what it printed. Throws ConfigError with the worker's
  // message for a bad option or file.
  [[nodiscard]] std::string merge(const std::vector<std::string>& options, Signals& signals) const;
  // How a persistent worker is started.
  [[nodiscard]] ProcessSpec serve() const;

  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  [[nodiscard]] std::vector<std::string> command(const std::string& verb) const;
  [[nodiscard]] Json ask(const std::string& verb, const std::string& input, Signals& signals) const;
  [[nodiscard]] std::string fingerprint() const;

  std::filesystem::path file_;
  std::vector<std::filesystem::path> plugin_folders_;
};

}  // namespace mvn
