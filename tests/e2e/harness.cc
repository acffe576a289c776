#include "e2e/harness.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace mvn::test {

bool Running::read_more() {
  std::array<pollfd, 2> watched = {
      {{process_->output().get(), POLLIN, 0}, {process_->errors().get(), POLLIN, 0}}};
  if (watched[0].fd < 0 && watched[1].fd < 0) return false;
  ::poll(watched.data(), watched.size(), -1);
  out_lines_.read_available(process_->output());
  err_lines_.read_available(process_->errors());
  return true;
}

std::string Running::wait_for(const std::string& text) {
  do {
    while (const auto line = out_lines_.take_line()) {
      out_ += *line + "\n";
      if (line->find(text) != std::string::npos) return *line;
    }
  } while (read_more());
  ADD_FAILURE() << "no line with '" << text << "' in:\n" << out_ << err_lines_.take_rest();
  return "";
}

Finished Running::finish() {
  while (read_more()) {
  }
  out_ += out_lines_.take_rest();
  return {process_->wait(), out_, err_lines_.take_rest()};
}

Stranger::Stranger(pid_t pid) : descriptor_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

void Stranger::wait_until_gone() const {
  pollfd watched{descriptor_.get(), POLLIN, 0};
  while (::poll(&watched, 1, -1) < 0) {
  }
}

Fifo::Fifo(std::filesystem::path path) : path_(std::move(path)) {
  if (::mkfifo(path_.c_str(), 0600) != 0) ADD_FAILURE() << "cannot make " << path_;
  descriptor_ = Descriptor(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
}

std::string Fifo::line() {
  std::string text;
  char byte = 0;
  while (::read(descriptor_.get(), &byte, 1) == 1 && byte != '\n') text += byte;
  return text;
}

void Fifo::release(int count) {
  const std::string bytes(static_cast<std::size_t>(count), '.');
  if (::write(descriptor_.get(), bytes.data(), bytes.size()) < 0) ADD_FAILURE();
}

Workplace::Workplace() = default;

ProcessSpec Workplace::spec(const std::vector<std::string>& arguments) const {
  ProcessSpec spec;
  spec.supervised = false;  // signals are for mvn-runner itself
  spec.command = {MVN_RUNNER};
  spec.command.insert(spec.command.end(), arguments.begin(), arguments.end());
  spec.folder = folder_.path();
  spec.environment = {{"MVN_WORKER", MVN_FAKE_WORKER},
                      {"XDG_CACHE_HOME", (folder_ / "cache").string()},
                      {"MVN_PLUGIN_PATH", ""},
                      {"CUDA_VISIBLE_DEVICES", ""}};
  return spec;
}

Running Workplace::start(const std::vector<std::string>& arguments) {
  return Running(spec(arguments));
}

Running Workplace::start_ignoring(const std::string& signal,
                                  const std::vector<std::string>& arguments) {
  auto ignoring = spec(arguments);
  const std::vector<std::string> shell = {"sh", "-c", "trap '' " + signal + "; exec \"$@\"", "sh"};
  ignoring.command.insert(ignoring.command.begin(), shell.begin(), shell.end());
  return Running(ignoring);
}

std::string Workplace::on_a_terminal(const std::vector<std::string>& arguments,
                                     const std::string& no_color) const {
  auto run = spec(arguments);
  run.environment["TERM"] = "xterm";
  run.environment["NO_COLOR"] = no_color;
  std::vector<char*> words;
  for (auto& word : run.command) words.push_back(word.data());
  words.push_back(nullptr);
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (child == 0) {
    for (const auto& [name, value] : run.environment) ::setenv(name.c_str(), value.c_str(), 1);
    if (::chdir(run.folder.c_str()) == 0) ::execv(words[0], words.data());
    ::_exit(127);
  }
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(terminal, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(terminal);
  int status = 0;
  ::waitpid(child, &status, 0);
  return text;
}

std::vector<std::string> Workplace::rows(const std::string& sql) const {
  SQLite::Database database(folder_ / "results/results.db", SQLite::OPEN_READONLY);
  SQLite::Statement statement(database, sql);
  std::vector<std::string> rows;
  while (statement.executeStep()) {
    std::string row;
    for (int i = 0; i < statement.getColumnCount(); ++i) {
      row += (i == 0 ? "" : "|") + statement.getColumn(i).getString();
    }
    rows.push_back(row);
  }
  return rows;
}

std::string sweep_text(const std::string& task, const std::string& values,
                       const std::string& more) {
  return "name: demo\n"
         "method: grid\n"
         "metric: {name: eval/accuracy, goal: maximize}\n"
         "model: {plugin: toy}\n"
         "task: {plugin: play" +
         (task.empty() ? "" : ", " + task) +
         "}\n"
         "parameters:\n"
         "  optimizer.lr: {values: [" +
         values + "]}\n" + more;
}

}  // namespace mvn::test
