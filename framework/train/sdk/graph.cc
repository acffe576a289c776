#include "train/sdk/graph.h"

#include <filesystem>
#include <string>

#include "mvn/error.h"
#include "train/sdk/library.h"

namespace mvn {
namespace {

constexpr const char* kKey = "training.cuda_graphs";

}  // namespace

Graph::~Graph() = default;
GraphRecorder::~GraphRecorder() = default;

std::unique_ptr<GraphRecorder> cuda_graph_recorder(torch::Device device) {
  // It is linked with libtorch_cuda, which is open where there is such a device.
  const auto file = library_of(reinterpret_cast<const void*>(&cuda_graph_recorder)).parent_path() /
                    "libmvn_cuda.so";
  if (!std::filesystem::exists(file)) {
    throw ConfigError(kKey, "this mvn-runner was built without them (no " + file.string() +
                                "; see docs/building.md)");
  }
  const Library library(file);
  const auto make = library.find<GraphRecorder* (*)(int)>("mvn_cuda_graph_recorder");
  if (make == nullptr) {
    throw ConfigError(
        kKey, file.string() + (library.is_open() ? " holds none of them" : " cannot be opened: ") +
                  library.error());
  }
  return std::unique_ptr<GraphRecorder>(make(device.index()));
}

}  // namespace mvn
