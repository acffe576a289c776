// Which files a path stands for: itself, a pattern's, a folder's, the parts of a split.
#include <glob.h>

#include <algorithm>
#include <cctype>

#include "common/split_part.h"
#include "mvn/data.h"
#include "mvn/error.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<fs::path>;

// A name without its numbers: that of other parts of the same.
std::string kind_of(const fs::path& file) {
  std::string kind;
  for (const char c : file.filename().string()) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) kind += c;
  }
  return kind;
}

void check_parts(const fs::path& path, const Paths& files, const std::string& key) {
  const auto part = split_part(files.front());
  if (!part || part->count == files.size()) return;
  throw ConfigError(key, path.string() + ": " + std::to_string(files.size()) + " of its " +
                             std::to_string(part->count) + " parts are there, such as " +
                             files.front().filename().string());
}

// The files of a folder that `is_wanted`, sorted by name.
template <typename IsWanted>
Paths files_in(const fs::path& folder, const IsWanted& is_wanted) {
  Paths files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (!entry.is_directory() && is_wanted(entry.path())) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

// Parquet files, or those that `datasets` saved, and not what it computed from them.
Paths of_folder(const fs::path& folder, const std::string& key) {
  auto files =
      files_in(folder, [](const fs::path& file) { return data_ending(file) == ".parquet"; });
  if (files.empty()) {
    files = files_in(folder, [](const fs::path& file) {
      return data_ending(file) == ".arrow" && !file.filename().string().starts_with("cache-");
    });
  }
  if (files.empty()) {
    throw ConfigError(key, folder.string() +
                               " is a folder without Parquet or Arrow files; name files, or a "
                               "pattern such as " +
                               (folder / "*.jsonl").string());
  }
  for (const auto& file : files) {
    if (kind_of(file) == kind_of(files.front())) continue;
    throw ConfigError(key, folder.string() + " holds more than one split (" +
                               files.front().filename().string() + " and " +
                               file.filename().string() + "); name the files of one, or a pattern");
  }
  check_parts(folder, files, key);
  return files;
}

// Of `train` that is no file: train-00000-of-00002.parquet, ...
Paths parts_of(const fs::path& path, const std::string& key) {
  const std::string split = path.filename().string();
  const auto folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  auto files = files_in(folder, [&](const fs::path& file) {
    const auto part = split_part(file);
    return part && part->split == split;
  });
  if (!files.empty()) check_parts(path, files, key);
  return files;
}

Paths of_pattern(const fs::path& pattern, const std::string& key) {
  Paths files;
  glob_t found{};
  const int result = ::glob(pattern.c_str(), GLOB_BRACE, nullptr, &found);
  for (std::size_t i = 0; result == 0 && i < found.gl_pathc; ++i) {
    files.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  if (result != 0) throw ConfigError(key, "no file fits " + pattern.string());
  return files;
}

Paths files_of(const fs::path& path, const std::string& key) {
  if (fs::is_directory(path)) return of_folder(path, key);
  if (fs::exists(path)) return {path};
  if (path.string().find_first_of("*?[") != std::string::npos) return of_pattern(path, key);
  const auto parts = parts_of(path, key);
  return parts.empty() ? Paths{path} : parts;
}

}  // namespace

std::vector<fs::path> expand_files(const std::vector<fs::path>& paths, const std::string& key) {
  Paths files;
  for (const auto& path : paths) {
    const auto some = files_of(path, key);
    files.insert(files.end(), some.begin(), some.end());
  }
  return files;
}

}  // namespace mvn
