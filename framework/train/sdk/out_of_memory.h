// Whether an error says that memory ran out, whoever says it.
#pragma once

#include <c10/util/Exception.h>

#include <string_view>

namespace mvn {

// What CUDA's run-time, cuBLAS and cuDNN say, as LibTorch and kernels of our own pass it on.
inline bool speaks_of_memory(std::string_view message) {
  return message.find("out of memory") != std::string_view::npos ||
         message.find("_STATUS_ALLOC_FAILED") != std::string_view::npos;
}

inline bool is_out_of_memory(const c10::Error& error) {
  const std::string_view message = error.what_without_backtrace();
  return dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
         // The CPU's allocator throws the common type.
         message.find("DefaultCPUAllocator") != std::string_view::npos || speaks_of_memory(message);
}

}  // namespace mvn
