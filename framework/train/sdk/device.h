// Devices: what this machine can train on.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mvn/torch.h"

namespace mvn {

// Opens libtorch_cuda.so where an NVIDIA driver is there, so that one binary serves machines with
// and without a GPU; not where CUDA_VISIBLE_DEVICES hides every GPU. Call once, before anything
// else of LibTorch: it asks once whether there is CUDA, and remembers. Returns a line to warn with
// when there is a driver but the library cannot be opened, else "".
std::string open_gpu_library();

// Whether a value of CUDA_VISIBLE_DEVICES, or null, leaves no GPU: CUDA reads the list up to the
// first entry that names no GPU.
bool hides_all_gpus(const char* visible);

// "cpu", then "cuda:0", ... for each GPU that can be used.
std::vector<std::string> devices();

// Bytes of each GPU by name; without those that do not tell.
std::map<std::string, std::int64_t> device_memory();

// "cuda:0" -> the device; throws ConfigError("resources.device") with the devices there are.
torch::Device device_named(const std::string& name);

// The most memory that LibTorch's allocator held of a GPU since reset_peak_device_bytes(), with
// what it keeps for later tensors: nobody else can have that. 0 where it holds none, and of a CPU.
double peak_device_bytes(torch::Device device);
// Prepares LibTorch for the device where nothing else has.
void reset_peak_device_bytes(torch::Device device);

// Gives back what the allocator keeps of a GPU for later tensors.
void release_device_memory(torch::Device device);

}  // namespace mvn
