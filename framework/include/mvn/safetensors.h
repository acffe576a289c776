// Tensor files: reading and writing safetensors.
// Source: the format's README and safetensors/src/tensor.rs of huggingface/safetensors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mvn/torch.h"

namespace mvn {

struct TensorInfo {
  torch::ScalarType dtype;
  std::vector<std::int64_t> shape;
};

// A read-only, memory-mapped safetensors file. Every header field is checked against the file
// before anything is used; a DataError names the file and what is wrong.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;

  [[nodiscard]] const std::map<std::string, TensorInfo>& tensors() const;
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const;
  // A tensor over the mapped bytes, valid as long as any tensor or the file lives. Read-only: copy
  // before changing it. Throws Error where there is no such tensor.
  [[nodiscard]] torch::Tensor get(const std::string& name) const;

 private:
  struct Mapping;
  std::shared_ptr<const Mapping> mapping_;
};

// Writes CPU copies of the tensors atomically (temporary file, sync, rename), in the reference's
// order (by falling alignment of the type, then by name), metadata {"format": "pt"} added.
void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, torch::Tensor>& tensors,
                       std::map<std::string, std::string> metadata = {});

}  // namespace mvn
