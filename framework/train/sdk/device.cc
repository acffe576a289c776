#include "train/sdk/device.h"

#include <ATen/DeviceAccelerator.h>
#include <dlfcn.h>

#include <algorithm>
#include <filesystem>

#include "common/nearest.h"
#include "mvn/error.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

bool has_nvidia_driver() {
  if (!fs::exists("/dev/nvidiactl") && !fs::exists("/dev/nvidia0")) return false;
  // Left open: libtorch_cuda opens it again.
  return ::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) != nullptr;
}

// The folder that libtorch_cpu.so was loaded from.
fs::path torch_library_folder() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&at::globalContext), &info) == 0) return {};
  return fs::path(info.dli_fname).parent_path();
}

}  // namespace

std::string open_gpu_library() {
  if (!has_nvidia_driver()) return {};
  const fs::path library = torch_library_folder() / "libtorch_cuda.so";
  if (!fs::exists(library)) {
    return "there is an NVIDIA GPU, but this LibTorch is built for the CPU alone (no " +
           library.string() + ")";
  }
  // Global, because its registrations refer to symbols that other CUDA libraries look up.
  if (::dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr) return {};
  const char* reason = ::dlerror();
  return "there is an NVIDIA GPU, but " + library.string() +
         " cannot be opened: " + (reason == nullptr ? "?" : reason);
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

}  // namespace mvn
