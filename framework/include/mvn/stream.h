// Where a plugin's own kernels are put in line, without a link to LibTorch's CUDA libraries.
#pragma once

#include "mvn/torch.h"

namespace mvn {

// The stream that LibTorch fills at the moment on a device that has streams: for "cuda", a
// cudaStream_t. LibTorch owns it.
inline void* current_stream(const torch::Device& device) {
  const c10::impl::VirtualGuardImpl guard(device.type());
  return guard.getStream(device).native_handle();
}

}  // namespace mvn
