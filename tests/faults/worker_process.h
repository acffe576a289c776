// Running mvn-worker from a test.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace mvn::test {

using Environment = std::map<std::string, std::string>;

struct Finished {
  int code = -1;   // exit code, or -1
  int signal = 0;  // that ended it, or 0
  std::string out;
  std::string error;
};

// A child process whose stdin is a pipe; stdout and stderr go to files in `folder`.
class WorkerProcess {
 public:
  WorkerProcess(const std::vector<std::string>& arguments, const Environment& environment,
                const std::filesystem::path& folder);
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  ~WorkerProcess();

  void write(const std::string& text) const;
  void close_input();
  void signal(int number) const;
  // Waits for its end.
  Finished wait();

 private:
  std::filesystem::path folder_;
  pid_t pid_ = -1;
  int input_ = -1;
};

// Runs mvn-worker with `input` on stdin to its end.
Finished run_worker(const std::vector<std::string>& arguments, const std::filesystem::path& folder,
                    const Environment& environment = {}, const std::string& input = {});

}  // namespace mvn::test
