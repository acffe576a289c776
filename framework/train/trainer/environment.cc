#include "train/trainer/environment.h"

#include <torch/version.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <tuple>

#include "common/hashing.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

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

std::string gpu_name() {
  const fs::path folder = "/proc/driver/nvidia/gpus";
  std::error_code none;
  for (const auto& gpu : fs::directory_iterator(folder, none)) {
    return line_value(gpu.path() / "information", "Model");
  }
  return {};
}

// The first line that a command prints, or "" where it fails.
std::string output_of(const char* command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command, "r"), &::pclose);
  std::array<char, 256> line{};
  if (!pipe || std::fgets(line.data(), line.size(), pipe.get()) == nullptr) return {};
  std::string text = line.data();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string remembered_hash(const fs::path& file) {
  using Key = std::tuple<std::string, std::uintmax_t, fs::file_time_type>;
  static auto& known = *new std::map<Key, std::string>;
  auto& hash = known[{file.string(), fs::file_size(file), fs::last_write_time(file)}];
  if (hash.empty()) hash = sha256_of_file(file);
  return hash;
}

}  // namespace

Json environment_of(const TrialFile& trial, const PluginHost& host,
                    const Configuration& configuration) {
  Json values = {{"host", host_name()},
                 {"cpu", line_value("/proc/cpuinfo", "model name")},
                 {"cores", std::thread::hardware_concurrency()},
                 {"threads", trial.threads},
                 {"device", trial.device},
                 {"torch", TORCH_VERSION},
                 {"mvn", MVN_SDK_VERSION}};
  if (trial.device != "cpu") {
    values["gpu"] = gpu_name();
    values["driver"] = line_value("/proc/driver/nvidia/version", "NVRM version");
  }
  // Of the working directory: where the experiments are kept.
  if (const auto commit = output_of("git rev-parse HEAD 2>/dev/null"); !commit.empty()) {
    values["git_commit"] = commit;
    const auto changed = output_of("git status --porcelain 2>/dev/null | wc -l");
    values["git_changed_files"] = changed.empty() ? 0 : std::stoi(changed);
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

Json hashes_of(const std::vector<fs::path>& files) {
  Json values = Json::object();
  for (const auto& file : files) values["data." + file.string()] = remembered_hash(file);
  return values;
}

}  // namespace mvn
