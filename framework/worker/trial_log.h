// The log of an attempt: what a trial prints, and the worker's own lines with their times.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

namespace spdlog {
class logger;
}

namespace mvn {

// While it lives, stdout and stderr go to a file. Each line of the worker's is written at once, so
// that a crash loses none. Where the file cannot be opened, all goes where the worker's own output
// goes.
class TrialLog {
 public:
  explicit TrialLog(const std::filesystem::path& file);
  TrialLog(const TrialLog&) = delete;
  TrialLog& operator=(const TrialLog&) = delete;
  ~TrialLog();

  // "2026-11-26 15:38:26.042 info    text"
  void info(std::string_view text) const;
  void error(std::string_view text) const;

 private:
  int out_;  // where they went before
  int error_;
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace mvn
