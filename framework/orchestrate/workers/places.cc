#include "orchestrate/workers/places.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <sstream>

#include "mvn/error.h"
#include "mvn/nearest.h"

namespace mvn {
namespace {

std::vector<std::string> gpus_of(const std::vector<std::string>& devices) {
  std::vector<std::string> gpus;
  for (const auto& device : devices) {
    if (device.starts_with("cuda")) gpus.push_back(device);
  }
  return gpus;
}

// The GPUs to use; none means the CPU.
std::vector<std::string> chosen_gpus(const std::string& wanted,
                                     const std::vector<std::string>& devices) {
  auto gpus = gpus_of(devices);
  if (wanted == "cpu") return {};
  if (wanted == "auto" || wanted.empty()) return gpus;
  if (wanted == "cuda" && !gpus.empty()) return gpus;
  if (wanted == "cuda") {
    throw ConfigError("resources.device", "'cuda' is asked for, but LibTorch finds no GPU here");
  }
  if (std::find(gpus.begin(), gpus.end(), wanted) != gpus.end()) return {wanted};
  auto known = devices;
  known.emplace_back("auto");
  if (!gpus.empty()) known.emplace_back("cuda");
  throw ConfigError("resources.device", "unknown device '" + wanted + "'" + suggest(wanted, known));
}

// What CUDA_VISIBLE_DEVICES must say for a worker to see `gpu` alone, where the runner itself was
// given `visible`.
std::string visible_device(const std::string& gpu, const std::string& visible) {
  auto number = gpu.substr(gpu.find(':') + 1);
  std::istringstream list(visible);
  std::string entry;
  for (int left = std::stoi(number); left >= 0; --left) {
    if (!std::getline(list, entry, ',')) return number;
  }
  return entry;
}

void set_threads(Place& place, int threads) {
  place.threads = std::max(1, threads);
  place.environment["OMP_NUM_THREADS"] = std::to_string(place.threads);
  place.environment["MKL_NUM_THREADS"] = std::to_string(place.threads);
}

}  // namespace

std::vector<Place> make_places(const Resources& resources, const std::vector<std::string>& devices,
                               int cores, std::size_t width, const std::string& visible) {
  const auto gpus = chosen_gpus(resources.device, devices);
  const auto most =
      gpus.empty() ? cores : static_cast<int>(gpus.size()) * resources.max_trials_per_gpu;
  const int useful = static_cast<int>(std::clamp<std::size_t>(width, 1, 1 << 20));
  const int wanted = resources.workers > 0 ? resources.workers : most;
  const int workers = std::max(1, std::min(wanted, useful));
  const int threads = resources.threads > 0 ? resources.threads : cores / workers;
  std::vector<Place> places;
  for (std::size_t i = 0; i < static_cast<std::size_t>(workers); ++i) {
    Place place{.number = i,
                .name = "cpu",
                .device = "cpu",
                .threads = 1,
                .environment = {{"CUDA_VISIBLE_DEVICES", ""}}};
    if (!gpus.empty()) {
      place.name = gpus[i % gpus.size()];
      place.device = "cuda:0";
      place.environment["CUDA_VISIBLE_DEVICES"] = visible_device(place.name, visible);
    }
    set_threads(place, threads);
    places.push_back(std::move(place));
  }
  return places;
}

namespace {

// "200000 100000": two cores' worth of time; "max 100000": no limit.
std::optional<double> quota(const std::filesystem::path& file) {
  std::ifstream in(file);
  double time = 0;
  double period = 0;
  if (!(in >> time >> period) || period <= 0) return std::nullopt;
  return time / period;
}

}  // namespace

int cores_within_quotas(int cores, const std::filesystem::path& root,
                        const std::filesystem::path& group) {
  double least = cores;
  for (auto folder = root / group.relative_path();; folder = folder.parent_path()) {
    if (const auto limit = quota(folder / "cpu.max")) least = std::min(least, *limit);
    if (folder == root || !folder.has_relative_path()) break;
  }
  return std::max(1, static_cast<int>(std::ceil(least)));
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  std::ifstream groups("/proc/self/cgroup");
  std::string group = "/";
  for (std::string line; std::getline(groups, line);) {
    if (line.starts_with("0::")) group = line.substr(3);
  }
  return cores_within_quotas(CPU_COUNT(&set), "/sys/fs/cgroup", group);
}

}  // namespace mvn
