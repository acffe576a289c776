#include "train/sdk/device.h"

#include <ATen/DeviceAccelerator.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "mvn/error.h"
#include "mvn/nearest.h"
#include "train/sdk/library.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

bool has_nvidia_driver() {
  if (!fs::exists("/dev/nvidiactl") && !fs::exists("/dev/nvidia0")) return false;
  // Left open: libtorch_cuda opens it again.
  return Library("libcuda.so.1", Library::Symbols::kLazy).is_open();
}

// LibTorch's allocator of a GPU; null before LibTorch has one there, when it can be asked nothing.
c10::DeviceAllocator* allocator_of(torch::Device device) {
  if (device.is_cpu()) return nullptr;
  auto* allocator = c10::getDeviceAllocator(device.type());
  return allocator->initialized() ? allocator : nullptr;
}

}  // namespace

bool hides_all_gpus(const char* visible) {
  if (visible == nullptr) return false;
  const std::string_view list = visible;
  return list.empty() || list.front() == '-' || list.front() == ',';
}

std::string open_gpu_library() {
  if (hides_all_gpus(std::getenv("CUDA_VISIBLE_DEVICES")) || !has_nvidia_driver()) return {};
  const fs::path file =
      library_of(reinterpret_cast<const void*>(&at::globalContext)).parent_path() /
      "libtorch_cuda.so";
  if (!fs::exists(file)) {
    return "there is an NVIDIA GPU, but this LibTorch is built for the CPU alone (no " +
           file.string() + ")";
  }
  // Global, because its registrations refer to symbols that other CUDA libraries look up.
  const Library library(file, Library::Symbols::kGlobal);
  if (library.is_open()) return {};
  return "there is an NVIDIA GPU, but " + file.string() + " cannot be opened: " + library.error();
}

std::vector<std::string> devices() {
  std::vector<std::string> names = {"cpu"};
  if (torch::cuda::is_available()) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(torch::cuda::device_count()); ++i) {
      names.push_back("cuda:" + std::to_string(i));
    }
  }
  return names;
}

std::map<std::string, std::int64_t> device_memory() {
  std::map<std::string, std::int64_t> memory;
  for (const auto& name : devices()) {
    const torch::Device device(name);
    if (!device.is_cuda()) continue;
    try {
      at::globalContext().lazyInitDevice(device.type());
      memory[name] =
          static_cast<std::int64_t>(at::accelerator::getMemoryInfo(device.index()).second);
    } catch (const c10::Error&) {
      // Then nothing is known of it: one trial at a time runs there.
    }
  }
  return memory;
}

torch::Device device_named(const std::string& name) {
  const auto known = devices();
  const std::string full = name == "cuda" ? "cuda:0" : name;
  if (std::find(known.begin(), known.end(), full) == known.end()) {
    throw ConfigError("resources.device",
                      "no device '" + name + "' on this machine" + suggest(name, known));
  }
  return torch::Device(full);
}

double peak_device_bytes(torch::Device device) {
  constexpr auto kAggregate = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  auto* allocator = allocator_of(device);
  if (allocator == nullptr) return 0;
  const auto stats = allocator->getDeviceStats(device.index());
  return static_cast<double>(stats.reserved_bytes.at(kAggregate).peak);
}

void reset_peak_device_bytes(torch::Device device) {
  if (device.is_cpu()) return;
  at::globalContext().lazyInitDevice(device.type());
  if (auto* allocator = allocator_of(device)) allocator->resetPeakStats(device.index());
}

void release_device_memory(torch::Device device) {
  if (auto* allocator = allocator_of(device)) allocator->emptyCache();
}

}  // namespace mvn
