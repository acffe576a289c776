// What the runner does, for whoever looks for a fault later: lines with the time and a level, in a
// sweep's runner.log and, the finest of them, on the terminal where the user asks for that.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace mvn {

enum class LogLevel {
  kDebug,    // each step: processes, signals, waits
  kInfo,     // what the terminal shows, too
  kWarning,  // what a user should look at: failures, retries, a full disk
  kError,    // why the runner ended
};
// "debug", "info", "warning", "error", in that order.
const std::vector<std::string>& log_level_names();
// One of those; throws Error for another name.
LogLevel log_level(std::string_view name);

struct LogRules {
  std::filesystem::path file = {};   // appended to; empty: none
  LogLevel level = LogLevel::kInfo;  // of the file: what is less grave is left out
  bool verbose = false;              // debug lines go to standard error, too
};

// While it lives, log() writes as these rules say. Each line is written at once, so that a crash
// loses none. A file that cannot be written costs the log and nothing else. One at a time.
class Logging {
 public:
  explicit Logging(const LogRules& rules);
  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;
  ~Logging();
};

// "2026-11-26 15:38:26.042 info    text"; further lines of `text` follow as they are. Secrets are
// masked, and nothing in it is an escape sequence for whoever looks at the file in a terminal.
void log(LogLevel level, std::string_view text);

}  // namespace mvn
