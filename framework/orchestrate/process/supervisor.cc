#include "orchestrate/process/supervisor.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mvn {
namespace {

sigset_t passed_on() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) {
    sigaddset(&set, signal);
  }
  return set;
}

// What the runner's own parent left open is not this process's to keep open.
void keep_only(int control, int signals) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, standard);
  const auto low = static_cast<unsigned>(std::min(control, signals));
  const auto high = static_cast<unsigned>(std::max(control, signals));
  if (low > 3) ::close_range(3, low - 1, 0);
  if (high > low + 1) ::close_range(low + 1, high - 1, 0);
  ::close_range(high + 1, ~0U, 0);
}

// A file of /proc whole, "" where it is gone. Without streams, which cost a start its time.
std::string contents(const std::string& file) {
  std::string text;
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  std::array<char, 4096> part{};
  for (ssize_t count = 0; (count = ::read(descriptor, part.data(), part.size())) > 0;) {
    text.append(part.data(), static_cast<std::size_t>(count));
  }
  if (descriptor >= 0) ::close(descriptor);
  return text;
}

// The parent of a process, 0 where it is gone.
pid_t parent_of(const std::string& process) {
  const std::string stat = contents("/proc/" + process + "/stat");
  // "4711 (name, which may hold anything) S 4710 ..."
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos || name_end + 4 >= stat.size()) return 0;
  return static_cast<pid_t>(std::strtol(stat.c_str() + name_end + 4, nullptr, 10));
}

std::multimap<pid_t, pid_t> children_by_parent() {
  std::multimap<pid_t, pid_t> children;
  DIR* folder = ::opendir("/proc");
  if (folder == nullptr) return children;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    children.emplace(parent_of(name), static_cast<pid_t>(std::strtol(name.c_str(), nullptr, 10)));
  }
  ::closedir(folder);
  return children;
}

// All processes below this one.
std::vector<pid_t> descendants() {
  const auto children = children_by_parent();
  std::vector<pid_t> found = {::getpid()};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto [first, last] = children.equal_range(found[i]);
    for (auto each = first; each != last; ++each) found.push_back(each->second);
  }
  found.erase(found.begin());
  return found;
}

// Reaps what ended; returns how `program` did where it is among them.
std::optional<int> reap(pid_t program) {
  std::optional<int> end;
  int status = 0;
  for (pid_t each = 0; (each = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (each == program) end = status;
  }
  return end;
}

// True where somebody was there to kill.
bool kill_once() {
  bool any = false;
  for (const auto each : descendants()) any = ::kill(each, SIGKILL) == 0 || any;
  return any;
}

// Until none is left: some may be started while others are killed, and each whose parent was killed
// becomes a child of this process. Returns how `program` ended where it is among them.
std::optional<int> kill_descendants(pid_t program) {
  std::optional<int> end;
  while (true) {
    int status = 0;
    const pid_t gone = ::waitpid(-1, &status, WNOHANG);
    if (gone == program) end = status;
    if (gone > 0) continue;
    if (gone < 0 || !kill_once()) return end;  // no children: nobody is left
    siginfo_t ended{};
    ::waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT);
  }
}

[[noreturn]] void end_like(int status) {
  if (WIFEXITED(status)) ::_exit(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::signal(signal, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  ::sigprocmask(SIG_SETMASK, &set, nullptr);
  ::raise(signal);
  ::_exit(128 + signal);
}

void pass_on(int signals, pid_t program) {
  signalfd_siginfo info{};
  while (::read(signals, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo != SIGCHLD) ::kill(program, static_cast<int>(info.ssi_signo));
  }
}

void report(int failure, int reason) {
  if (::write(failure, &reason, sizeof reason) < 0) ::_exit(126);
}

// How it was called: supervisor.h.
struct Call {
  int control;
  int failure;
  pid_t parent;
  const char* folder;
  char** program;
};

[[noreturn]] void execute(const Call& call, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the line above: then nobody would ever tell us.
  if (::getppid() != parent) ::_exit(1);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (*call.folder == '\0' || ::chdir(call.folder) == 0) ::execvp(call.program[0], call.program);
  report(call.failure, errno);
  ::_exit(127);
}

[[noreturn]] void supervise(pid_t program, int control) {
  auto set = passed_on();
  sigaddset(&set, SIGCHLD);
  ::sigprocmask(SIG_SETMASK, &set, nullptr);
  const int signals = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  keep_only(control, signals);
  std::optional<int> end;
  while (!end) {
    std::array<pollfd, 2> watched = {{{control, POLLIN, 0}, {signals, POLLIN, 0}}};
    ::poll(watched.data(), watched.size(), -1);
    // Signals first: the program may end by one at once, and its SIGCHLD be among those taken.
    pass_on(signals, program);
    end = reap(program);
    if (!end && watched[0].revents != 0) {
      ::kill(program, SIGKILL);  // first: a runner that is started now must not meet it
      end = kill_descendants(program).value_or(SIGKILL);
    }
  }
  kill_descendants(program);
  end_like(*end);
}

[[noreturn]] void run(const Call& call) {
  for (const int each : {call.control, call.failure}) {
    if (each >= 0) ::fcntl(each, F_SETFD, FD_CLOEXEC);
  }
  if (call.control < 0) execute(call, call.parent);
  ::prctl(PR_SET_NAME, kSupervisor);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t self = ::getpid();
  const pid_t program = ::fork();
  if (program == 0) execute(call, self);
  if (program < 0) {
    report(call.failure, errno);
    ::_exit(127);
  }
  ::close(call.failure);
  // What ps and pkill -f see: whoever kills the program by its name must not kill this, too.
  char** last = call.program;
  while (last[1] != nullptr) ++last;
  std::memset(call.program[0], 0,
              static_cast<std::size_t>(*last - call.program[0]) + std::strlen(*last));
  supervise(program, call.control);
}

}  // namespace
}  // namespace mvn

int main(int argc, char** argv) {
  if (argc < 6) return 64;
  mvn::run({std::atoi(argv[1]), std::atoi(argv[2]), std::atoi(argv[3]), argv[4], argv + 5});
}
