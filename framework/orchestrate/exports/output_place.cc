#include "orchestrate/exports/output_place.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "common/atomic_file.h"
#include "common/disk_full.h"
#include "common/files.h"
#include "mvn/error.h"
#include "orchestrate/store/schema.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOrigin = "mvn-export.json";

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type() != fs::file_type::not_found;
}

// "mvnr" where SQLite keeps the application's id: a results.db under any name.
bool is_results_database(const fs::path& path) {
  constexpr std::streamoff kIdAt = 68;
  std::ifstream file(path, std::ios::binary);
  std::array<char, 4> id{};
  file.seekg(kIdAt);
  file.read(id.data(), id.size());
  std::uint32_t number = 0;
  for (const char byte : id) number = number << 8U | static_cast<unsigned char>(byte);
  return file && number == static_cast<std::uint32_t>(kApplicationId);
}

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
  throw ConfigError("", path.string() + ": " + why);
}

// Of many files one by one that would take longer than to write them.
void sync_all_of(const fs::path& path) {
  if (!fs::is_directory(path)) return sync_path(path);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw_file_error(path, "open", errno);
  const int error = ::syncfs(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (error != 0) throw_file_error(path, "sync", error);
}

}  // namespace

OutputPlace::OutputPlace(const Wanted& wanted) : wanted_(wanted) {
  // "out/" is the folder "out".
  fs::path& path = wanted_.path;
  path = fs::absolute(path).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  if (!path.has_filename()) refuse(path, "no name for an export; give a new one");
  check();
  const std::string name = path.filename().string();
  work_ = path.parent_path() / ("." + name.substr(0, 200) + ".part");
  make_fresh_folder(work_);
  temporary_ = work_ / "new";
  if (wanted_.is_folder) make_folders(temporary_);
}

OutputPlace::~OutputPlace() {
  std::error_code ignored;
  fs::remove_all(work_, ignored);
}

void OutputPlace::check() const {
  const fs::path& path = wanted_.path;
  if (!is_there(path)) return;
  if (!wanted_.overwrite) {
    refuse(path, "is there already; give another name, or --overwrite to replace it");
  }
  const auto type = fs::symlink_status(path).type();
  if (wanted_.is_folder) {
    if (type != fs::file_type::directory) refuse(path, "is no folder; give another name");
    if (!fs::is_empty(path) && !fs::exists(path / kOrigin)) {
      refuse(path, std::string("has no ") + kOrigin +
                       ", so it is no export; --overwrite leaves it alone: give another name");
    }
    return;
  }
  if (type != fs::file_type::regular) refuse(path, "is no file; give another name");
  if (is_results_database(path)) {
    refuse(path, "is a database of results; --overwrite leaves it alone: give another name");
  }
}

void OutputPlace::commit(const Json& origin) {
  if (wanted_.is_folder) {
    write_file_atomically(temporary_ / kOrigin, origin.dump(2) + "\n");
  }
  sync_all_of(temporary_);
  check();  // it may have taken long
  put_in_place();
  sync_path(wanted_.path.parent_path());
}

void OutputPlace::put_in_place() const {
  std::error_code error;
  const auto old = work_ / "old";
  const bool replaces = wanted_.is_folder && is_there(wanted_.path);
  if (replaces) fs::rename(wanted_.path, old, error);
  if (!error) fs::rename(temporary_, wanted_.path, error);
  if (!error) return;
  std::error_code ignored;
  if (replaces && is_there(old)) fs::rename(old, wanted_.path, ignored);
  throw_file_error(wanted_.path, "rename into place", error.value());
}

}  // namespace mvn
