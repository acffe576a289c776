#include "train/sdk/graph.h"

#include <dlfcn.h>

#include <filesystem>
#include <string>

#include "mvn/error.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKey = "training.cuda_graphs";

// The folder that libmvn.so was loaded from.
fs::path own_folder() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&cuda_graph_recorder), &info) == 0) return {};
  return fs::path(info.dli_fname).parent_path();
}

}  // namespace

Graph::~Graph() = default;
GraphRecorder::~GraphRecorder() = default;

std::unique_ptr<GraphRecorder> cuda_graph_recorder(torch::Device device) {
  // It is linked with libtorch_cuda, which is open where there is such a device.
  const fs::path library = own_folder() / "libmvn_cuda.so";
  if (!fs::exists(library)) {
    throw ConfigError(kKey, "this mvn-runner was built without them (no " + library.string() +
                                "; see docs/building.md)");
  }
  void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* symbol = handle == nullptr ? nullptr : ::dlsym(handle, "mvn_cuda_graph_recorder");
  if (symbol == nullptr) {
    const char* reason = ::dlerror();
    throw ConfigError(
        kKey, library.string() + " cannot be opened: " + (reason == nullptr ? "?" : reason));
  }
  return std::unique_ptr<GraphRecorder>(
      reinterpret_cast<GraphRecorder* (*)(int)>(symbol)(device.index()));
}

}  // namespace mvn
