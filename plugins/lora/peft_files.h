// The files of a PEFT adapter: adapter_config.json and adapter_model.safetensors.
// Source: huggingface/peft src/peft/utils/save_and_load.py
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "mvn/adapter.h"
#include "mvn/error.h"
#include "mvn/torch.h"

namespace mvn {

// The files are whole, but of another model or another adapter.
class AdapterMisfit : public DataError {
 public:
  using DataError::DataError;
  ~AdapterMisfit() override;
};

// Tensors by the names of our model's modules: "backbone.layers.0.mixer.in_proj.lora_A.weight".
using NamedTensors = std::map<std::string, torch::Tensor>;

// Writes the tensors under PEFT's names. `strip` is the prefix to leave out of every name (that of
// the wrapper where the adapter is for the bare model), or empty.
void write_adapter_tensors(const std::filesystem::path& folder, const NamedTensors& tensors,
                           const std::string& strip);

// The names of the file's tensors without PEFT's prefix, the adapter's own name and "base_layer".
std::set<std::string> adapter_tensor_names(const std::filesystem::path& folder);

// Reads adapter_model.safetensors, or else adapter_model.bin, and gives the tensors the names of
// our modules: PEFT's prefix and the adapter's own name (".default") go, `prefix` comes in front of
// names that lack it. `expected` are the names and shapes wanted; every one that is missing, of
// another shape or not wanted is listed in one AdapterMisfit. With `head`, tensors of a
// classifier's head ("score.weight") go there instead.
NamedTensors read_adapter_tensors(const std::filesystem::path& folder, const NamedTensors& expected,
                                  const std::string& prefix, NamedTensors* head = nullptr);

// Whether a name without PEFT's prefix is of a classifier's head.
bool is_classifier_tensor(const std::string& name);

// PEFT's task_type for an adapter under such a head.
std::string_view task_type(HeadKind head);

// What the folder of an adapter says of what it belongs to.
AdapterFiles read_adapter_files(const std::filesystem::path& folder);

}  // namespace mvn
