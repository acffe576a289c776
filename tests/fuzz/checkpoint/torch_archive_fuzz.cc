// Any bytes as a torch archive, and as the pickle inside one: a DataError or tensors that lie
// inside their storages.
#include <array>
#include <string_view>

#include "../memory_file.h"
#include "mvn/error.h"
#include "mvn/torch_archive.h"
#include "train/checkpoint/unpickler.h"

namespace {

void touch(const std::map<std::string, torch::Tensor>& tensors) {
  for (const auto& [name, tensor] : tensors) static_cast<void>(tensor.clone());
}

void read_archive(const std::uint8_t* data, std::size_t size) {
  const mvn::test::MemoryFile bytes(data, size);
  touch(mvn::read_torch_archive(bytes.path()));
}

// Without the archive around it, a mutated pickle gets further.
void read_pickle(const std::uint8_t* data, std::size_t size) {
  static const std::array<float, 16> storage = {};
  const auto find = [](const std::string& key) -> mvn::Storage {
    if (key != "0") throw mvn::DataError("no storage");
    return {{reinterpret_cast<const char*>(storage.data()), sizeof storage}, nullptr};
  };
  touch(mvn::unpickle_tensors("pickle", {reinterpret_cast<const char*>(data), size}, find));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const auto read : {read_archive, read_pickle}) {
    try {
      read(data, size);
    } catch (const mvn::DataError&) {
      // What a damaged file deserves.
    }
  }
  return 0;
}
