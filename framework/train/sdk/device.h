// Devices: what this machine can train on.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mvn/torch.h"

namespace mvn {

// Opens libtorch_cuda.so where an NVIDIA driver is there, so that one binary serves machines with
// and without a GPU. Call once, before anything else of LibTorch. Returns a line to warn with when
// there is a driver but the library cannot be opened, else "".
std::string open_gpu_library();

// "cpu", then "cuda:0", ... for each GPU that can be used.
std::vector<std::string> devices();

// Bytes of each GPU by name; without those that do not tell.
std::map<std::string, std::int64_t> device_memory();

// "cuda:0" -> the device; throws ConfigError("resources.device") with the devices there are.
torch::Device device_named(const std::string& name);

}  // namespace mvn
