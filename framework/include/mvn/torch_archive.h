// pytorch_model.bin / adapter_model.bin: a zip archive of a pickle and raw storages, as torch.save
// writes it. The pickle is read by an unpickler that can build tensors and dictionaries and nothing
// else: every other opcode and every other global is refused by name, so that opening a file can
// never run code.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "mvn/torch.h"

namespace mvn {

// A state dictionary: tensor names to tensors over the mapped file (tied tensors share memory).
// Nested dictionaries are an error. Throws DataError naming the file and what is wrong with it.
std::map<std::string, torch::Tensor> read_torch_archive(const std::filesystem::path& path);

}  // namespace mvn
