// A child process with pipes on its standard streams. It leads a process group of its own, so that
// a Ctrl-C in the terminal reaches the runner alone, and a supervisor (supervisor.h) ends it and
// all that it started when the runner dies, however that happens.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mvn/error.h"
#include "orchestrate/process/pipe.h"

namespace mvn {

struct ProcessSpec {
  std::vector<std::string> command;  // command[0] is searched in PATH where it has no '/'
  std::filesystem::path folder;      // working directory; empty: the runner's own
  std::map<std::string, std::string> environment;  // over the runner's own
  // Where what it prints is appended; empty: to the pipes of Process.
  std::filesystem::path log = {};
  // Without a supervisor the kernel kills the process when the runner dies, and that alone.
  bool supervised = true;
};

// A program that cannot be started: as it is, however often it is tried, where `for_good`.
class CannotStart : public Error {
 public:
  CannotStart(const std::string& message, bool for_good) : Error(message), for_good_(for_good) {}
  ~CannotStart() override;
  [[nodiscard]] int exit_code() const noexcept override {
    return for_good_ ? static_cast<int>(ExitCode::kBadConfig) : 1;
  }

 private:
  bool for_good_;
};

// How a process ended: one of the two is set.
struct ProcessEnd {
  std::optional<int> exit_code;
  std::optional<int> signal;
  [[nodiscard]] bool success() const { return exit_code == 0; }
};

// "exit code 3" or "signal 9 (SIGKILL)".
std::string to_string(const ProcessEnd& end);

// Not thread-safe; the thread that starts a process must live as long as the process.
class Process {
 public:
  // Throws Error "cannot start 'x': No such file or directory".
  explicit Process(const ProcessSpec& spec);
  // Kills the process and its group when it still runs, and waits for it.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The process id, which is the supervisor's where there is one.
  [[nodiscard]] pid_t pid() const { return pid_; }
  // The runner's ends of the pipes; reads and writes never block.
  [[nodiscard]] Descriptor& input() { return input_; }
  [[nodiscard]] Descriptor& output() { return output_; }
  [[nodiscard]] Descriptor& errors() { return errors_; }

  // To the process alone; a supervisor passes on what asks a program to end. No effect once it has
  // ended.
  void send_signal(int signal) const;
  // SIGKILL to the process and everything it started.
  void kill_all();
  // Not nothing once it has ended; what it left behind is killed then.
  std::optional<ProcessEnd> try_wait();
  ProcessEnd wait();

 private:
  std::optional<ProcessEnd> reap(int options);

  pid_t pid_ = -1;
  bool supervised_;
  Descriptor control_;  // open as long as the supervisor is to let the process run
  Descriptor input_;
  Descriptor output_;
  Descriptor errors_;
  std::optional<ProcessEnd> end_;
};

}  // namespace mvn
