#include "worker_process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "common/files.h"

namespace mvn::test {
namespace {

void redirect(int descriptor, const std::filesystem::path& file) {
  const int opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ::dup2(opened, descriptor);
  ::close(opened);
}

}  // namespace

WorkerProcess::WorkerProcess(const std::vector<std::string>& arguments,
                             const Environment& environment, const std::filesystem::path& folder)
    : folder_(folder) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return;
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(ends[0], STDIN_FILENO);
    redirect(STDOUT_FILENO, folder_ / "stdout.txt");
    redirect(STDERR_FILENO, folder_ / "stderr.txt");
    for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
    std::vector<std::string> words = {MVN_WORKER};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  ::close(ends[0]);
  input_ = ends[1];
}

WorkerProcess::~WorkerProcess() {
  close_input();
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

void WorkerProcess::write(const std::string& text) const {
  static_cast<void>(::write(input_, text.data(), text.size()) == 0);
}

void WorkerProcess::close_input() {
  if (input_ >= 0) ::close(std::exchange(input_, -1));
}

void WorkerProcess::signal(int number) const { ::kill(pid_, number); }

Finished WorkerProcess::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  Finished finished;
  if (WIFEXITED(status)) finished.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) finished.signal = WTERMSIG(status);
  finished.out = read_file(folder_ / "stdout.txt");
  finished.error = read_file(folder_ / "stderr.txt");
  return finished;
}

Finished run_worker(const std::vector<std::string>& arguments, const std::filesystem::path& folder,
                    const Environment& environment, const std::string& input) {
  WorkerProcess process(arguments, environment, folder);
  process.write(input);
  process.close_input();
  return process.wait();
}

}  // namespace mvn::test
