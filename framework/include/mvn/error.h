// The exceptions of mvn-runner and the exit codes they end a worker with.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace mvn {

// Exit codes of a worker (and of any program run as a trial). Any other value is a crash.
enum class ExitCode : int {
  kDone = 0,
  kBadConfig = 64,     // never retried
  kCheckpointed = 75,  // interrupted after a checkpoint: run me again
  kOutOfMemory = 77,
  kDiverged = 78,  // the loss is NaN or infinite
  kBadData = 79,
};

// Base of everything that mvn-runner throws on purpose; what() is one clear line for the user:
// what is wrong, where, and what to do.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
  Error(const Error&) = default;
  Error& operator=(const Error&) = default;
  ~Error() override;

  // The code a worker exits with when this ends its trial; 1 for errors of no special class.
  [[nodiscard]] virtual int exit_code() const noexcept { return 1; }
};

// The configuration cannot work. `key` is the dotted name of the offending value as the sweep file
// spells it ("task.text"), so that the runner can point at file:line:column; it may be empty.
class ConfigError : public Error {
 public:
  ConfigError(std::string key, const std::string& message);
  ~ConfigError() override;

  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  // The message without the key in front.
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] int exit_code() const noexcept override {
    return static_cast<int>(ExitCode::kBadConfig);
  }

 private:
  std::string key_;
  std::string message_;
};

// A data file or checkpoint is damaged or contradicts itself; the message begins with its
// file (and line, where there is one).
class DataError : public Error {
 public:
  using Error::Error;
  ~DataError() override;
  [[nodiscard]] int exit_code() const noexcept override {
    return static_cast<int>(ExitCode::kBadData);
  }
};

// Training diverged: the loss or a gradient is NaN or infinite.
class Diverged : public Error {
 public:
  using Error::Error;
  ~Diverged() override;
  [[nodiscard]] int exit_code() const noexcept override {
    return static_cast<int>(ExitCode::kDiverged);
  }
};

}  // namespace mvn
