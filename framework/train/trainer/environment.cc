#include "train/trainer/environment.h"

#include <torch/version.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>

#include "common/file_hash.h"
#include "common/files.h"
#include "common/secrets.h"
#include "train/sdk/library.h"
#include "train/trainer/nvidia_board.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// Of uncommitted changes, what the database keeps for each trial.
constexpr std::size_t kLongestDiff = 32 * 1024;
// Without the files that are made to hold secrets.
constexpr const char* kDiff =
    "git --no-optional-locks diff HEAD -- ':/' ':(top,exclude,icase,glob)**/.env*'"
    " ':(top,exclude,icase,glob)**/*secret*' ':(top,exclude,icase,glob)**/*secret*/**'"
    " ':(top,exclude,icase,glob)**/*credential*' ':(top,exclude,icase,glob)**/*.pem' 2>/dev/null";
// Of the list of changed files, what is read.
constexpr std::size_t kLongestStatus = 16 * 1024 * 1024;

// What follows "key ... : " in a file of such lines, or "".
std::string line_value(const fs::path& file, std::string_view key) {
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    const auto colon = line.find(':');
    if (!line.starts_with(key) || colon == std::string::npos) continue;
    const auto begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return {};
}

std::string gpu_name(const std::string& device) {
  if (const auto board = NvidiaBoard::open(device)) return board->name();
  // Without NVML nothing says which of several it is.
  std::vector<fs::path> boards;
  std::error_code none;
  for (const auto& each : fs::directory_iterator("/proc/driver/nvidia/gpus", none)) {
    boards.push_back(each.path());
  }
  return boards.size() == 1 ? line_value(boards.front() / "information", "Model") : "";
}

// What a command prints, up to `limit` bytes and one more; "" where it fails.
std::string output_of(const char* command, std::size_t limit = 256) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command, "r"), &::pclose);
  std::array<char, 4096> part{};
  std::string text;
  while (pipe && text.size() <= limit) {
    const auto count = std::fread(part.data(), 1, part.size(), pipe.get());
    if (count == 0) break;
    text.append(part.data(), count);
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

struct GitStatus {
  std::string commit;  // "" before the first
  int changed_files = 0;
  bool any_tracked = false;  // of those
};

// What `git status --porcelain=v2 --branch` printed.
GitStatus parse_git_status(const std::string& text) {
  GitStatus status;
  std::istringstream lines(text);
  const std::string_view head = "# branch.oid ";
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(head) && !line.ends_with("(initial)"))
      status.commit = line.substr(head.size());
    if (line.starts_with('#')) continue;
    ++status.changed_files;
    if (!line.starts_with('?')) status.any_tracked = true;
  }
  return status;
}

}  // namespace

// Of the working directory: where the experiments are kept.
Json git_state() {
  // Each git is a process beside the trial's start: one is enough where nothing has changed.
  const auto status = parse_git_status(output_of(
      "git --no-optional-locks status --porcelain=v2 --branch 2>/dev/null", kLongestStatus));
  Json values = Json::object();
  if (status.commit.empty()) return values;
  values["git_commit"] = status.commit;
  values["git_changed_files"] = status.changed_files;
  const char* no_diff = std::getenv("MVN_NO_DIFF");
  if (!status.any_tracked || (no_diff != nullptr && *no_diff != '\0')) return values;
  auto diff = output_of(kDiff, kLongestDiff);
  if (diff.empty()) return values;
  if (diff.size() > kLongestDiff) {
    diff.resize(diff.find_last_of('\n', kLongestDiff) + 1);
    diff += "... (cut after " + std::to_string(kLongestDiff) + " bytes)";
  }
  values["git_diff"] = text_without_secrets(diff);
  return values;
}

Json machine_of(const std::string& device) {
  // A kernel may wait for every core's frequency before it lets this file be read.
  static const std::string cpu = line_value("/proc/cpuinfo", "model name");
  Json values = {{"host", host_name()},
                 {"cpu", cpu},
                 {"cores", std::thread::hardware_concurrency()},
                 {"device", device}};
  if (device != "cpu") {
    values["gpu"] = gpu_name(device);
    values["driver"] = line_value("/proc/driver/nvidia/version", "NVRM version");
  }
  return values;
}

Json environment_of(const TrialFile& trial, const PluginHost& host,
                    const Configuration& configuration) {
  Json values = machine_of(trial.device);
  values["threads"] = trial.threads;
  values["torch"] = TORCH_VERSION;
  values["mvn"] = MVN_SDK_VERSION;
  if (const auto library = library_of(&kLongestDiff); !library.empty()) {
    values["libmvn"] = remembered_hash(library);
  }
  for (const auto& component : host.components()) {
    const bool used =
        (component.kind == "model" && component.name == configuration.model_plugin) ||
        (component.kind == "adapter" && component.name == configuration.adapter_plugin) ||
        (component.kind == "task" && component.name == configuration.task_plugin);
    if (used) values["plugin." + component.plugin] = remembered_hash(component.file);
  }
  return values;
}

Json hashes_of(const std::string& kind, const std::vector<fs::path>& files) {
  Json values = Json::object();
  for (const auto& file : files) values[kind + "." + file.string()] = remembered_hash(file);
  return values;
}

std::vector<fs::path> weight_files(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path)) {
    const auto& file = entry.path();
    const bool weights = file.extension() == ".safetensors" || file.extension() == ".bin" ||
                         file.filename() == "config.json";
    if (weights && entry.is_regular_file()) files.push_back(file);
  }
  return files;
}

}  // namespace mvn
