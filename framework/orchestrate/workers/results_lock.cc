#include "orchestrate/workers/results_lock.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "common/printable.h"
#include "common/text.h"
#include "mvn/error.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

fs::path lock_file(const fs::path& results) { return results / "runner.lock"; }

fs::path request_file(const fs::path& results) { return results / "runner.lock.request"; }

// Of this user, and a file: what else lies there was not left by leave_request().
bool is_own_file(const fs::path& file) {
  struct stat information {};
  return ::lstat(file.c_str(), &information) == 0 && S_ISREG(information.st_mode) &&
         information.st_uid == ::geteuid();
}

FileLock take(const fs::path& results) {
  const auto file = lock_file(results);
  auto lock = FileLock::try_lock(file);
  if (lock) return std::move(*lock);
  const auto runner = last_runner(results);
  const auto by = runner && runner->alive
                      ? "another mvn-runner, " + runner->text()
                      : "another program, which holds " + path_text(file) + " locked";
  throw Error(path_text(results) + " is in use by " + by +
              ": wait for it to end, stop it, or choose another folder with --results");
}

// Whether what the process has open under this number is locked by it alone.
bool is_locked(const fs::path& process, const std::string& descriptor) {
  std::ifstream info(process / "fdinfo" / descriptor);
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("lock:") && line.find(" FLOCK ") != std::string::npos &&
        line.find(" WRITE ") != std::string::npos) {
      return true;
    }
  }
  return false;
}

// Whether a process of this number holds the file: the number may be another program's by now, or
// never have been a runner's. Of other users' processes only the name can be seen.
bool holds(pid_t pid, const fs::path& file) {
  if (pid <= 0) return false;
  const fs::path process = "/proc/" + std::to_string(pid);
  std::error_code error;
  const auto wanted = fs::canonical(file, error);
  for (const auto& entry : fs::directory_iterator(process / "fd", error)) {
    std::error_code ignored;
    if (fs::read_symlink(entry.path(), ignored) == wanted &&
        is_locked(process, entry.path().filename())) {
      return true;
    }
  }
  if (error != std::errc::permission_denied) return false;
  return read_file(process / "comm").starts_with("mvn-runner");
}

}  // namespace

ResultsLock::ResultsLock(const fs::path& results) : results_(results), lock_(take(results)) {}

std::optional<Course> ResultsLock::take_request() const {
  const auto file = request_file(results_);
  if (!is_own_file(file)) return std::nullopt;
  // Another request may come while this one is read.
  const auto taken = lock_file(results_).string() + ".taken";
  std::error_code error;
  fs::rename(file, taken, error);
  if (error || !is_own_file(taken)) return std::nullopt;
  std::istringstream text(read_file(taken));
  fs::remove(taken, error);
  std::string runner;
  std::string course;
  if (!std::getline(text, runner) || !(text >> course)) return std::nullopt;
  if (runner != lock_.owner()) return std::nullopt;
  return course_of(course);
}

void ResultsLock::announce(const std::string& sweep, Course course, std::int64_t started) const {
  lock_.say(sweep + " " + std::string(to_string(course)) + " " + std::to_string(started) + "\n");
}

std::string LastRunner::text() const {
  return "process " + std::to_string(pid) + " on " + printable(host) +
         (since.empty() ? "" : ", since " + printable(since));
}

std::optional<LastRunner> last_runner(const fs::path& results) {
  const auto file = lock_file(results);
  if (fs::is_symlink(file)) throw Error(path_text(file) + ": is a symbolic link; remove it");
  if (!fs::exists(file)) return std::nullopt;
  LastRunner runner;
  std::istringstream text(read_file(file));
  text >> runner.pid >> runner.host;
  std::getline(text, runner.since);
  runner.since.erase(0, runner.since.find_first_not_of(' '));
  text >> runner.sweep >> runner.course >> runner.started;
  if (runner.host.empty()) return std::nullopt;
  runner.here = runner.host == host_name();
  if (runner.here) runner.alive = holds(runner.pid, file);
  return runner;
}

void leave_request(const fs::path& results, const LastRunner& runner, Course course) {
  const auto owner = std::to_string(runner.pid) + " " + runner.host + " " + runner.since;
  write_file_atomically(request_file(results),
                        owner + "\n" + std::string(to_string(course)) + "\n");
}

bool has_request(const fs::path& results) { return fs::exists(request_file(results)); }

}  // namespace mvn
