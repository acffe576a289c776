// Any bytes as a safetensors file: a DataError or tensors whose every byte can be read.
#include "../memory_file.h"
#include "mvn/error.h"
#include "mvn/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const mvn::test::MemoryFile bytes(data, size);
  try {
    const mvn::SafetensorsFile file(bytes.path());
    for (const auto& [name, info] : file.tensors()) {
      const auto copy = file.get(name).clone();
      if (copy.sizes().vec() != info.shape) __builtin_trap();
    }
  } catch (const mvn::DataError&) {
    // What a damaged file deserves.
  }
  return 0;
}
