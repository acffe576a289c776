#include "serve.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

#include "common/exit_code.h"
#include "common/json.h"
#include "common/printable.h"
#include "mvn/error.h"
#include "train/trainer/run_trial.h"

namespace mvn {
namespace {

// The next line of stdin, or nothing at its end or once a stop is requested. Signals are let in
// only while it waits, so that none is missed between a look at the flag and the wait.
class LineReader {
 public:
  std::optional<std::string> next() {
    while (true) {
      if (const auto end = buffer_.find('\n'); end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
      }
      if (!wait() || !fill()) return std::nullopt;
    }
  }

 private:
  static bool wait() {
    sigset_t blocked;
    sigset_t before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    int ready = 0;
    pollfd input = {STDIN_FILENO, POLLIN, 0};
    while (!stop_requested) {
      ready = ::ppoll(&input, 1, nullptr, &before);
      if (ready > 0 || errno != EINTR) break;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return ready > 0;
  }

  bool fill() {
    std::array<char, 4096> part{};
    const ssize_t count = ::read(STDIN_FILENO, part.data(), part.size());
    if (count > 0) buffer_.append(part.data(), static_cast<std::size_t>(count));
    return count > 0;
  }

  std::string buffer_;
};

// While it lives, stdout and stderr go to a file.
class LogTo {
 public:
  explicit LogTo(const std::filesystem::path& path)
      : out_(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)),
        error_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) {
    // Neither through a link that somebody laid there nor waiting for a pipe's reader.
    const int log = ::open(
        path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (log < 0) return;  // the trial's own messages then go where the worker's go
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::close(log);
  }
  LogTo(const LogTo&) = delete;
  LogTo& operator=(const LogTo&) = delete;
  ~LogTo() {
    std::cout.flush();
    std::cerr.flush();
    std::fflush(nullptr);
    ::dup2(out_, STDOUT_FILENO);
    ::dup2(error_, STDERR_FILENO);
    ::close(out_);
    ::close(error_);
  }

 private:
  int out_;
  int error_;
};

bool write_line(int descriptor, const Json& json) {
  const std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// The trial file that a request names; throws Error for anything else.
std::filesystem::path requested_trial(const std::string& line) {
  const Json request = try_parse_json(line);
  if (!request.is_object() || !request.contains("trial") || !request["trial"].is_string()) {
    throw Error("mvn-worker serve: expected a line {\"trial\": \"/path/trial.json\"}, got: " +
                line.substr(0, 200));
  }
  return request["trial"].get<std::string>();
}

TrialEnd run_logged(const std::filesystem::path& trial, const PluginHost& host, Warm& warm) {
  const LogTo log(trial.parent_path() / "log.txt");
  TrialEnd end = run_trial(trial, host, warm, stop_requested);
  if (!end.message.empty()) std::cerr << "mvn-worker: " << printable_lines(end.message) << "\n";
  return end;
}

void request_stop(int /*signal*/) { stop_requested = true; }

}  // namespace

std::atomic<bool> stop_requested{false};

void handle_signals() {
  struct sigaction action = {};
  action.sa_handler = request_stop;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  // A runner that is gone shows as an error of write().
  ::signal(SIGPIPE, SIG_IGN);
}

int serve(const PluginHost& host) {
  // The answers have stdout for themselves: whatever else is printed goes to stderr.
  const int answers = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  Warm warm;
  LineReader lines;
  while (const auto line = lines.next()) {
    const auto trial = requested_trial(*line);
    const TrialEnd end = run_logged(trial, host, warm);
    const Json answer = {{"trial", trial.string()}, {"code", end.code}, {"message", end.message}};
    if (!write_line(answers, answer)) return end.code;
    if (end.spoils_worker || !worker_survives(end.code)) return end.code;
  }
  return 0;
}

}  // namespace mvn
