// A child process with pipes on its standard streams. It leads a process group of its own, so that
// a Ctrl-C in the terminal reaches the runner alone, and the kernel kills it when the runner dies,
// however that happens: a dead runner never leaves a worker holding a GPU.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrate/launch/pipe.h"

namespace mvn {

struct ProcessSpec {
  std::vector<std::string> command;  // command[0] is searched in PATH where it has no '/'
  std::filesystem::path folder;      // working directory; empty: the runner's own
  std::map<std::string, std::string> environment;  // over the runner's own
  // Where what it prints is appended; empty: to the pipes of Process.
  std::filesystem::path log = {};
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

  [[nodiscard]] pid_t pid() const { return pid_; }
  // The runner's ends of the pipes; reads and writes never block.
  [[nodiscard]] Descriptor& input() { return input_; }
  [[nodiscard]] Descriptor& output() { return output_; }
  [[nodiscard]] Descriptor& errors() { return errors_; }

  // To the process alone. No effect once it has ended.
  void send_signal(int signal) const;
  // SIGKILL to the process and everything it started.
  void kill_group() const;
  // Not nothing once it has ended; what is left of its group is killed then.
  std::optional<ProcessEnd> try_wait();
  ProcessEnd wait();

 private:
  std::optional<ProcessEnd> reap(int options);

  pid_t pid_ = -1;
  Descriptor input_;
  Descriptor output_;
  Descriptor errors_;
  std::optional<ProcessEnd> end_;
};

}  // namespace mvn
