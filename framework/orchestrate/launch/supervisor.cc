#include "orchestrate/launch/supervisor.h"

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
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mvn {
namespace {

constexpr const char* kName = "mvn-supervisor";  // at most 15 characters

// What ps and pkill see: whoever kills mvn-runner by its name must not kill this, too.
void rename_process() {
  ::prctl(PR_SET_NAME, kName);
  // Its arguments lie one after the other in memory, the first one where this points.
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string arguments((std::istreambuf_iterator<char>(file)), {});
  if (!arguments.starts_with(std::string(program_invocation_name) + '\0')) return;
  const auto room = arguments.size() - 1;
  std::memset(program_invocation_name, 0, room);
  std::memcpy(program_invocation_name, kName, std::min(room, std::strlen(kName)));
}

sigset_t passed_on() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) {
    sigaddset(&set, signal);
  }
  return set;
}

// Pipes, locks and databases of the runner's are not this process's to keep open.
void keep_only(int control, int signals) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, standard);
  const auto low = static_cast<unsigned>(std::min(control, signals));
  const auto high = static_cast<unsigned>(std::max(control, signals));
  if (low > 3) ::close_range(3, low - 1, 0);
  if (high > low + 1) ::close_range(low + 1, high - 1, 0);
  ::close_range(high + 1, ~0U, 0);
}

// The parent of a process, 0 where it is gone.
pid_t parent_of(const std::string& process) {
  std::ifstream file("/proc/" + process + "/stat");
  const std::string stat((std::istreambuf_iterator<char>(file)), {});
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

}  // namespace

void become_supervisor() {
  ::setpgid(0, 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  auto set = passed_on();
  sigaddset(&set, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

void supervise(pid_t program, int control) {
  auto set = passed_on();
  sigaddset(&set, SIGCHLD);
  const int signals = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  keep_only(control, signals);
  rename_process();
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

}  // namespace mvn
