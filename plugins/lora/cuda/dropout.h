// The dropout on a GPU. Knows nothing of LibTorch; pointers lead into the GPU's memory, launches
// are asynchronous and throw std::runtime_error where CUDA refuses one.
#pragma once

#include <cstdint>

#include "dropout_mask.h"

namespace mvn::gpu {

// Whether it was compiled and runs on this GPU; nothing else may be called where it does not. Asks
// CUDA once a device; throws std::runtime_error, and asks again the next time, where its memory is
// full.
bool has_dropout(int device);

struct Launch {
  int device;    // CUDA's number
  void* stream;  // a cudaStream_t
};

// `count` elements; bfloat16 as its bits. `to` may be `from`. The mask is moved() by `*step`, a
// number in the GPU's memory, unless `step` is null.
void drop(const float* from, float* to, std::int64_t count, const Mask& mask,
          const std::int64_t* step, const Launch& launch);
void drop(const Half* from, float* to, std::int64_t count, const Mask& mask,
          const std::int64_t* step, const Launch& launch);
void drop(const Half* from, Half* to, std::int64_t count, const Mask& mask,
          const std::int64_t* step, const Launch& launch);

}  // namespace mvn::gpu
