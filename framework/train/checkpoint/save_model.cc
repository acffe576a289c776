// Writing a model as transformers would.
#include "mvn/json_file.h"
#include "train/checkpoint/weights.h"

namespace mvn {
namespace {

// Hugging Face's name of a type in config.json.
std::string dtype_text(torch::ScalarType dtype) {
  switch (dtype) {
    case torch::kBFloat16:
      return "bfloat16";
    case torch::kFloat16:
      return "float16";
    case torch::kFloat64:
      return "float64";
    default:
      return "float32";
  }
}

std::map<std::string, torch::Tensor> tensors_to_save(const Model& model,
                                                     const torch::nn::Module* head, HeadKind kind) {
  std::map<std::string, torch::Tensor> tensors;
  const std::string prefix = model.base_prefix();
  for (const auto& parameter : model.named_parameters()) {
    if (parameter.key().find(".adapter.") != std::string::npos) continue;
    std::string name = model.checkpoint_names(parameter.key()).front();
    // The wrapper's own head has no prefix; another wrapper, or none, has no such head.
    const bool inner = name.starts_with(prefix);
    if (!inner && kind != HeadKind::kLanguageModel) continue;
    if (inner && kind == HeadKind::kNone) name = name.substr(prefix.size());
    tensors.emplace(name, parameter.value());
  }
  if (head != nullptr) {
    for (const auto& parameter : head->named_parameters()) {
      tensors.emplace(parameter.key(), parameter.value());
    }
  }
  return tensors;
}

}  // namespace

void save_model(const Model& model, const torch::nn::Module* head, HeadKind kind,
                const Value::Map& extra, const std::filesystem::path& folder) {
  const auto tensors = tensors_to_save(model, head, kind);
  write_safetensors(folder / "model.safetensors", tensors);
  Value::Map config = model.config(kind);
  config.erase("dtype");
  config["torch_dtype"] = dtype_text(model.parameters().front().scalar_type());
  for (const auto& [key, value] : extra) config.insert_or_assign(key, value);
  write_json_file(folder / "config.json", Value(std::move(config)));
}

}  // namespace mvn
