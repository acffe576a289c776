#include "orchestrate/launch/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/files.h"
#include "mvn/error.h"
#include "orchestrate/launch/supervisor.h"

extern char** environ;

namespace mvn {
namespace {

// Everything that the child needs between fork and exec, made before the fork.
struct Launch {
  std::vector<std::string> environment;
  std::vector<char*> arguments;
  std::vector<char*> variables;
  const char* folder = nullptr;
  int input = -1;
  int output = -1;
  int errors = -1;
  int failure = -1;  // where the errno of a failed exec goes
  int control = -1;  // of the supervisor; -1 where there is none
  pid_t parent = -1;
};

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& over) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!over.contains(text.substr(0, text.find('=')))) merged.push_back(text);
  }
  for (const auto& [name, value] : over) merged.push_back(name + "=" + value);
  return merged;
}

void reset_signals() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
}

[[noreturn]] void execute(const Launch& launch) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the line above: then nobody would ever tell us.
  if (::getppid() != launch.parent) ::_exit(1);
  reset_signals();
  ::dup2(launch.input, STDIN_FILENO);
  ::dup2(launch.output, STDOUT_FILENO);
  ::dup2(launch.errors, STDERR_FILENO);
  if (launch.folder == nullptr || ::chdir(launch.folder) == 0) {
    environ = const_cast<char**>(launch.variables.data());
    ::execvp(launch.arguments[0], launch.arguments.data());
  }
  const int reason = errno;
  if (::write(launch.failure, &reason, sizeof reason) < 0) ::_exit(126);
  ::_exit(127);
}

[[noreturn]] void execute_supervised(Launch launch) {
  become_supervisor();
  launch.parent = ::getpid();
  const pid_t program = ::fork();
  if (program == 0) execute(launch);
  if (program < 0) {
    const int reason = errno;
    if (::write(launch.failure, &reason, sizeof reason) < 0) ::_exit(126);
    ::_exit(127);
  }
  supervise(program, launch.control);
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

}  // namespace

std::string to_string(const ProcessEnd& end) {
  if (!end.signal) return "exit code " + std::to_string(end.exit_code.value_or(0));
  const char* name = ::sigabbrev_np(*end.signal);
  return "signal " + std::to_string(*end.signal) +
         (name == nullptr ? std::string() : " (SIG" + std::string(name) + ")");
}

Process::Process(const ProcessSpec& spec) : supervised_(spec.supervised) {
  Pipe in = make_pipe();
  Pipe out = spec.log.empty() ? make_pipe() : to_file(spec.log);
  Pipe err = spec.log.empty() ? make_pipe() : to_file(spec.log);
  Pipe failure = make_pipe();
  Pipe control = spec.supervised ? make_pipe() : Pipe();
  auto command = spec.command;
  Launch launch;
  launch.environment = merged_environment(spec.environment);
  launch.arguments = pointers(command);
  launch.variables = pointers(launch.environment);
  launch.folder = spec.folder.empty() ? nullptr : spec.folder.c_str();
  launch.input = in.read.get();
  launch.output = out.write.get();
  launch.errors = err.write.get();
  launch.failure = failure.write.get();
  launch.control = control.read.get();
  launch.parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw Error(std::string("cannot start a process: ") + std::strerror(errno));
  if (pid_ == 0) {
    control.write.close();
    spec.supervised ? execute_supervised(launch) : execute(launch);
  }
  ::setpgid(pid_, pid_);  // whichever of the two comes first, the group exists
  failure.write.close();
  int reason = 0;
  if (::read(failure.read.get(), &reason, sizeof reason) == sizeof reason) {
    wait();
    throw Error("cannot start '" + command[0] + "': " + std::strerror(reason));
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
