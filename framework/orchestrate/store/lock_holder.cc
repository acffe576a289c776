#include "orchestrate/store/lock_holder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <set>
#include <sstream>

namespace mvn {
namespace {

// The numbers of the files that a connection locks: in WAL mode the one of shared memory.
std::set<std::string> inodes_of(const std::filesystem::path& database) {
  std::set<std::string> inodes;
  for (const char* suffix : {"", "-shm"}) {
    struct stat information {};
    if (::stat((database.string() + suffix).c_str(), &information) == 0) {
      inodes.insert(std::to_string(information.st_ino));
    }
  }
  return inodes;
}

std::string name_of(long process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

// Whether the process has a file of the database open: an inode's number is another file's, too, on
// another file system.
bool has_open(long process, const std::filesystem::path& database) {
  std::error_code error;
  const auto wanted = std::filesystem::canonical(database, error).string();
  const auto folder = "/proc/" + std::to_string(process) + "/fd";
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    std::error_code ignored;
    if (std::filesystem::read_symlink(entry.path(), ignored).string().starts_with(wanted)) {
      return true;
    }
  }
  return error == std::errc::permission_denied;  // another user's: the number has to do
}

// The process of a line such as "1: POSIX  ADVISORY  WRITE 4711 08:01:1311768 120 120" that locks
// one of these files, for writing where `writing`.
std::optional<long> holder(const std::string& line, const std::set<std::string>& inodes,
                           bool writing) {
  std::istringstream words(line);
  std::string number;
  std::string kind;
  std::string advisory;
  std::string access;
  std::string file;
  long process = 0;
  if (!(words >> number >> kind >> advisory >> access >> process >> file)) return std::nullopt;
  if (process <= 0 || process == ::getpid() || (writing && access != "WRITE")) return std::nullopt;
  if (!inodes.contains(file.substr(file.rfind(':') + 1))) return std::nullopt;
  return process;
}

}  // namespace

std::string lock_holder(const std::filesystem::path& database) {
  const auto inodes = inodes_of(database);
  for (const bool writing : {true, false}) {
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
      const auto process = holder(line, inodes, writing);
      if (!process || !has_open(*process, database)) continue;
      const auto name = name_of(*process);
      return "process " + std::to_string(*process) + (name.empty() ? "" : " (" + name + ")");
    }
  }
  return "another program";
}

}  // namespace mvn
