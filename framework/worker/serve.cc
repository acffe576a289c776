#include "serve.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include "common/exit_code.h"
#include "common/json.h"
#include "mvn/error.h"
#include "train/trainer/run_trial.h"
#include "trial_log.h"

namespace mvn {
namespace {

// Set by a signal, which ends the process after its trial; a line ends the trial alone.
std::atomic<bool> signalled{false};

// What the runner asks for on stdin, a line each.
class Requests {
 public:
  // The next line, or nothing at the end of the input or once a signal came. Signals are let in
  // only while it waits, so that none is missed between a look at the flag and the wait.
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

  // Until `over` can be read, or the input ends: looks out for the line that asks for a checkpoint
  // of this trial, and sets `stop_requested` when it comes. Other lines are kept.
  void listen(const std::string& trial, int over) {
    while (!take_checkpoint(trial)) {
      std::array<pollfd, 2> watched = {pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{over, POLLIN, 0}};
      if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return;
      if (watched[1].revents != 0) return;
      if (watched[0].revents != 0 && !fill()) return;
    }
    stop_requested = true;
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
    while (!signalled) {
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

  bool take_checkpoint(const std::string& trial) {
    for (std::size_t start = 0, end = 0; (end = buffer_.find('\n', start)) != std::string::npos;
         start = end + 1) {
      const Json line = try_parse_json(buffer_.substr(start, end - start));
      if (!line.is_object() || line.value("checkpoint", Json()) != trial) continue;
      buffer_.erase(start, end + 1 - start);
      return true;
    }
    return false;
  }

  std::string buffer_;
};

// Listens while a trial runs, in a thread of its own that leaves the signals to the trial's.
class Listener {
 public:
  Listener(Requests& requests, const std::string& trial) : over_(::eventfd(0, EFD_CLOEXEC)) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([&requests, trial, over = over_] { requests.listen(trial, over); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    const std::uint64_t one = 1;
    static_cast<void>(::write(over_, &one, sizeof one) == 0);
    thread_.join();
    ::close(over_);
  }

 private:
  int over_;
  std::thread thread_;
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

// The trial file that a request names, or nothing where it asks for a checkpoint of a trial that
// has ended; throws Error for anything else.
std::optional<std::filesystem::path> requested_trial(const std::string& line) {
  const Json request = try_parse_json(line);
  if (request.is_object() && request.contains("checkpoint")) return std::nullopt;
  if (!request.is_object() || !request.contains("trial") || !request["trial"].is_string()) {
    throw Error("mvn-worker serve: expected a line {\"trial\": \"/path/trial.json\"}, got: " +
                line.substr(0, 200));
  }
  return std::filesystem::path(request["trial"].get<std::string>());
}

TrialEnd run_logged(const std::filesystem::path& trial, const PluginHost& host, Warm& warm,
                    Requests& requests) {
  const TrialLog log(trial.parent_path() / "log.txt");
  log.info("began " + trial.string());
  // In this order, a signal that comes in between is not lost.
  stop_requested = false;
  if (signalled) stop_requested = true;
  const Listener listener(requests, trial.string());
  TrialEnd end = run_trial(trial, host, warm, stop_requested);
  if (!end.message.empty()) {
    log.error(end.message);
  } else {
    log.info("ended");
  }
  return end;
}

void request_stop(int /*signal*/) {
  signalled = true;
  stop_requested = true;
}

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
  Requests requests;
  while (true) {
    const auto line = requests.next();
    if (!line) return 0;
    const auto trial = requested_trial(*line);
    if (!trial) continue;
    const TrialEnd end = run_logged(*trial, host, warm, requests);
    const Json answer = {{"trial", trial->string()}, {"code", end.code}, {"message", end.message}};
    if (!write_line(answers, answer)) return end.code;
    if (end.spoils_worker || !worker_survives(end.code)) return end.code;
  }
}

}  // namespace mvn
