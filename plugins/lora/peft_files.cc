#include "peft_files.h"

#include <vector>

#include "mvn/error.h"
#include "mvn/safetensors.h"
#include "mvn/torch_archive.h"

namespace mvn {
namespace {

constexpr std::string_view kPeftPrefix = "base_model.model.";
constexpr const char* kTensorFile = "adapter_model.safetensors";
constexpr const char* kArchiveFile = "adapter_model.bin";  // what older versions of peft wrote

void remove_all(std::string& text, std::string_view part) {
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part)) {
    text.erase(at, part.size());
  }
}

// The name without what PEFT and the name of the adapter put around it.
std::string plain_name(std::string name) {
  if (name.starts_with(kPeftPrefix)) name.erase(0, kPeftPrefix.size());
  remove_all(name, ".modules_to_save.default");
  remove_all(name, ".default");
  remove_all(name, ".base_layer");
  return name;
}

std::string shape_text(c10::IntArrayRef shape) {
  std::string text = "[";
  for (const auto size : shape) text += (text.size() == 1 ? "" : ", ") + std::to_string(size);
  return text + "]";
}

// "a, b, c and 5 more".
std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kShown) text += " and " + std::to_string(names.size() - kShown) + " more";
  return text;
}

struct Complaints {
  std::vector<std::string> missing;
  std::vector<std::string> extra;
  std::vector<std::string> shapes;

  void raise_if_any(const std::filesystem::path& file) const {
    std::string text;
    const auto add = [&](const char* what, const std::vector<std::string>& names) {
      if (!names.empty()) text += (text.empty() ? "" : "; ") + (what + some_of(names));
    };
    add("missing: ", missing);
    add("not of this model and adapter: ", extra);
    add("of another shape: ", shapes);
    if (!text.empty()) throw DataError(file.string() + ": " + text);
  }
};

bool is_head(const std::string& plain) {
  return plain.starts_with("score.") || plain.starts_with("classifier.");
}

std::filesystem::path tensor_file(const std::filesystem::path& folder) {
  const auto path = folder / kTensorFile;
  if (std::filesystem::exists(path)) return path;
  if (std::filesystem::exists(folder / kArchiveFile)) return folder / kArchiveFile;
  throw DataError(path.string() + ": no such file");
}

NamedTensors read_tensors(const std::filesystem::path& path) {
  if (path.extension() != ".safetensors") return read_torch_archive(path);
  const SafetensorsFile file(path);
  NamedTensors tensors;
  for (const auto& [name, info] : file.tensors()) tensors[name] = file.get(name);
  return tensors;
}

}  // namespace

void write_adapter_tensors(const std::filesystem::path& folder, const NamedTensors& tensors,
                           const std::string& strip) {
  NamedTensors renamed;
  for (const auto& [name, tensor] : tensors) {
    const bool strips = !strip.empty() && name.starts_with(strip);
    renamed[std::string(kPeftPrefix) + (strips ? name.substr(strip.size()) : name)] =
        tensor.detach();
  }
  write_safetensors(folder / kTensorFile, renamed);
}

NamedTensors read_adapter_tensors(const std::filesystem::path& folder, const NamedTensors& expected,
                                  const std::string& prefix, NamedTensors* head) {
  const auto path = tensor_file(folder);
  std::map<std::string, std::string> wanted;  // by plain name
  for (const auto& [name, tensor] : expected) wanted[plain_name(name)] = name;
  NamedTensors found;
  Complaints complaints;
  for (const auto& [name, tensor] : read_tensors(path)) {
    const auto plain = plain_name(name);
    auto entry = wanted.find(plain);
    if (entry == wanted.end()) entry = wanted.find(prefix + plain);
    if (entry != wanted.end()) {
      const auto shape = expected.at(entry->second).sizes();
      if (shape != tensor.sizes()) {
        complaints.shapes.push_back(name + " " + shape_text(tensor.sizes()) + " (here " +
                                    shape_text(shape) + ")");
      }
      found[entry->second] = tensor;
    } else if (head != nullptr && is_head(plain)) {
      (*head)[plain] = tensor;
    } else {
      complaints.extra.push_back(name);
    }
  }
  for (const auto& [name, tensor] : expected) {
    if (!found.contains(name)) complaints.missing.push_back(name);
  }
  complaints.raise_if_any(path);
  return found;
}

}  // namespace mvn
