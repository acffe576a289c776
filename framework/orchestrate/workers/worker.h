// A persistent worker: one process that runs trial after trial.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "orchestrate/process/process.h"

namespace mvn {

// What a worker says when a trial ended.
struct Reply {
  std::string trial;  // the trial file
  int code = 0;       // mvn/error.h, ExitCode
  std::string message;
};

class Worker {
 public:
  explicit Worker(const ProcessSpec& spec) : process_(spec) {}

  // Hands it the trial of this file; false when the worker is gone.
  bool give(const std::filesystem::path& trial_file);
  // What it said since the last call, without waiting.
  std::vector<Reply> take_replies();
  // What it printed outside of any trial, its last 4000 bytes: why it did not start.
  [[nodiscard]] const std::string& said() const { return said_; }

  // No more trials: it ends on its own.
  void dismiss() { process_.input().close(); }
  // Asks for a checkpoint and the end of the trial of this file, which it has; a program that reads
  // no requests hears of it by SIGTERM.
  bool ask_for_checkpoint(const std::filesystem::path& trial_file);
  void send_stop() const { process_.send_signal(15); }
  void kill() { process_.kill_all(); }
  std::optional<ProcessEnd> try_wait() { return process_.try_wait(); }
  ProcessEnd wait() { return process_.wait(); }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }

  // To poll for reading; -1 where closed.
  [[nodiscard]] int output() { return process_.output().get(); }
  [[nodiscard]] int errors() { return process_.errors().get(); }

 private:
  bool ask(const char* what, const std::filesystem::path& trial_file);
  void remember(const std::string& text);

  Process process_;
  LineReader replies_;
  LineReader complaints_;
  std::string said_;
};

}  // namespace mvn
