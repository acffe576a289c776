// Runs the built mvn-runner in a folder of its own, as a user would, with the fake worker.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orchestrate/process/process.h"
#include "support/temporary_folder.h"

namespace mvn::test {

// What a finished run left behind.
struct Finished {
  ProcessEnd end;
  std::string out;
  std::string err;
};

// mvn-runner while it runs. Nothing here waits for time to pass: it waits for output.
class Running {
 public:
  explicit Running(const ProcessSpec& spec) : process_(std::make_unique<Process>(spec)) {}
  // Returns the first line of standard output, from where the last call stopped, that contains
  // `text`; fails the test and returns "" when the output ends without one.
  std::string wait_for(const std::string& text);
  void signal(int number) { process_->send_signal(number); }
  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  // Waits for its end.
  Finished finish();

 private:
  // False when both streams ended.
  bool read_more();

  std::unique_ptr<Process> process_;
  LineReader out_lines_;
  LineReader err_lines_;
  std::string out_;
};

// A process that can be waited for though it is nobody's child.
class Stranger {
 public:
  explicit Stranger(pid_t pid);
  // Whether it was there.
  [[nodiscard]] bool found() const { return descriptor_.is_open(); }
  void wait_until_gone() const;

 private:
  Descriptor descriptor_;
};

// A named pipe that the test holds open at both ends: neither side waits for the other to open it.
class Fifo {
 public:
  explicit Fifo(std::filesystem::path path);
  // The next line that somebody wrote, without its end.
  std::string line();
  // One byte each: lets `count` readers go on.
  void release(int count);
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  Descriptor descriptor_;
};

// A user's folder with a sweep file in it.
class Workplace {
 public:
  Workplace();

  void write(const std::string& name, const std::string& text) { folder_.write(name, text); }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return folder_ / name;
  }
  [[nodiscard]] bool has(const std::string& name) const {
    return std::filesystem::exists(folder_ / name);
  }
  Running start(const std::vector<std::string>& arguments);
  Finished run(const std::vector<std::string>& arguments) { return start(arguments).finish(); }
  // With a signal ignored, as nohup starts it ("HUP") or a script in its background ("INT").
  Running start_ignoring(const std::string& signal, const std::vector<std::string>& arguments);
  // What it writes to a terminal, with the environment's NO_COLOR as given.
  [[nodiscard]] std::string on_a_terminal(const std::vector<std::string>& arguments,
                                          const std::string& no_color) const;
  // The rows of a query on results/results.db, the columns joined by '|'.
  [[nodiscard]] std::vector<std::string> rows(const std::string& sql) const;

 private:
  [[nodiscard]] ProcessSpec spec(const std::vector<std::string>& arguments) const;

  TemporaryFolder folder_;
};

// A sweep over `values` of optimizer.lr; `task` is a YAML flow map's inside ("steps: 3").
std::string sweep_text(const std::string& task, const std::string& values = "0.1, 0.01",
                       const std::string& more = "");

}  // namespace mvn::test
