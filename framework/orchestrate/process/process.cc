#include "orchestrate/process/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/files.h"
#include "mvn/error.h"
#include "orchestrate/process/supervisor.h"

extern char** environ;

namespace mvn {
namespace {

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& over) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!over.contains(text.substr(0, text.find('=')))) merged.push_back(text);
  }
  for (const auto& [name, value] : over) merged.push_back(name + "=" + value);
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// What is written there is appended to the file; there is nothing to read.
Pipe to_file(const std::filesystem::path& file) {
  return {Descriptor(), Descriptor(open_own_file(file, O_WRONLY | O_APPEND))};
}

// The program beside this one, held open: a new one that is installed while a sweep runs is not
// started by this runner.
const std::string& supervisor_program() {
  static const auto file =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / kSupervisor;
  static const int descriptor = ::open(file.c_str(), O_PATH | O_CLOEXEC);
  if (descriptor < 0) {
    throw Error(file.string() + ": " + std::strerror(errno) +
                "; it belongs beside mvn-runner: install or build both");
  }
  static const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  return path;
}

// What posix_spawn is to do in the new process, which is a process group of its own.
class Start {
 public:
  Start() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    sigset_t default_again;
    sigemptyset(&default_again);
    sigaddset(&default_again, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes_, &default_again);
    sigset_t blocked;
    sigfillset(&blocked);
    ::posix_spawnattr_setsigmask(&attributes_, &blocked);
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  Start(const Start&) = delete;
  Start& operator=(const Start&) = delete;
  ~Start() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  // The new process has `from` open as `to`.
  void pass(const Descriptor& from, int to) {
    ::posix_spawn_file_actions_adddup2(&actions_, from.get(), to);
  }
  void pass(const Descriptor& as_it_is) { pass(as_it_is, as_it_is.get()); }

  // Throws Error where there is none.
  pid_t run(const std::string& program, std::vector<std::string> command,
            std::vector<std::string> environment) {
    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_,
                                    pointers(command).data(), pointers(environment).data());
    if (error != 0) throw Error(std::string("cannot start a process: ") + std::strerror(error));
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// Whether the same start would fail for the same reason again.
bool is_of_the_program(int reason) {
  constexpr std::array<int, 8> kReasons = {ENOENT, EACCES, ENOEXEC, ENOTDIR,
                                           EISDIR, ELOOP,  E2BIG,   ENAMETOOLONG};
  return std::ranges::find(kReasons, reason) != kReasons.end();
}

}  // namespace

std::string to_string(const ProcessEnd& end) {
  if (!end.signal) return "exit code " + std::to_string(end.exit_code.value_or(0));
  const char* name = ::sigabbrev_np(*end.signal);
  return "signal " + std::to_string(*end.signal) +
         (name == nullptr ? std::string() : " (SIG" + std::string(name) + ")");
}

CannotStart::~CannotStart() = default;

Process::Process(const ProcessSpec& spec) : supervised_(spec.supervised) {
  Pipe in = make_pipe();
  Pipe out = spec.log.empty() ? make_pipe() : to_file(spec.log);
  Pipe err = spec.log.empty() ? make_pipe() : to_file(spec.log);
  Pipe failure = make_pipe();
  Pipe control = spec.supervised ? make_pipe() : Pipe();
  Start start;
  start.pass(in.read, STDIN_FILENO);
  start.pass(out.write, STDOUT_FILENO);
  start.pass(err.write, STDERR_FILENO);
  start.pass(failure.write);
  if (spec.supervised) start.pass(control.read);
  std::vector<std::string> command = {kSupervisor, std::to_string(control.read.get()),
                                      std::to_string(failure.write.get()),
                                      std::to_string(::getpid()), spec.folder.string()};
  command.insert(command.end(), spec.command.begin(), spec.command.end());
  pid_ = start.run(supervisor_program(), std::move(command), merged_environment(spec.environment));
  failure.write.close();
  int reason = 0;
  if (::read(failure.read.get(), &reason, sizeof reason) == sizeof reason) {
    wait();
    throw CannotStart("cannot start '" + spec.command[0] + "': " + std::strerror(reason),
                      is_of_the_program(reason));
  }
  control_ = std::move(control.write);
  input_ = std::move(in.write);
  output_ = std::move(out.read);
  errors_ = std::move(err.read);
  set_nonblocking(input_);
  if (output_.is_open()) set_nonblocking(output_);
  if (errors_.is_open()) set_nonblocking(errors_);
}

Process::~Process() {
  if (end_) return;
  kill_all();
  wait();
}

void Process::send_signal(int signal) const {
  if (!end_) ::kill(pid_, signal);
}

void Process::kill_all() {
  if (end_) return;
  control_.close();
  if (supervised_) {
    ::kill(pid_, SIGCONT);  // a stopped one would not notice
    return;
  }
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
}

std::optional<ProcessEnd> Process::try_wait() { return reap(WNOHANG); }

ProcessEnd Process::wait() { return reap(0).value_or(ProcessEnd{}); }

std::optional<ProcessEnd> Process::reap(int options) {
  if (end_) return end_;
  // Looked at before it is reaped: until then its number, which is the group's too, is ours.
  siginfo_t info{};
  int result = 0;
  do {
    result = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT | options);
  } while (result != 0 && errno == EINTR);
  if (result != 0 || info.si_pid == 0) return std::nullopt;
  ::kill(-pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  end_ = WIFSIGNALED(status) ? ProcessEnd{std::nullopt, WTERMSIG(status)}
                             : ProcessEnd{WEXITSTATUS(status), std::nullopt};
  return end_;
}

}  // namespace mvn
