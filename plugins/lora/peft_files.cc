#include "peft_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>
#include <vector>

#include "lora_config.h"
#include "mvn/json_file.h"
#include "mvn/nearest.h"
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

// "h.3.attn.lora_A" -> "h.*.attn.lora_A"
std::string without_numbers(const std::string& name) {
  std::string text;
  for (std::size_t begin = 0; begin <= name.size();) {
    const auto end = std::min(name.find('.', begin), name.size());
    const auto part = name.substr(begin, end - begin);
    const bool number = !part.empty() && std::all_of(part.begin(), part.end(), [](unsigned char c) {
      return std::isdigit(c) != 0;
    });
    if (begin > 0) text += '.';
    text += number && begin > 0 && end < name.size() ? "*" : part;
    begin = end + 1;
  }
  return text;
}

// Names and what is wrong with each, the same problem of several layers told once.
class Problems {
 public:
  void add(const std::string& name, const std::string& detail = "") {
    auto& group = groups_[without_numbers(name) + detail];
    if (group.count++ == 0) group = {.name = name, .detail = detail, .count = 1};
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [key, group] : groups_) names.push_back(group.shown());
    return names;
  }

  // "a, b (nearest: c), d.*.e (12 layers)"; `others` are searched for the nearest name.
  [[nodiscard]] std::string text(const std::vector<std::string>& others = {}) const {
    std::string text;
    for (const auto& [key, group] : groups_) {
      const auto nearest = nearest_name(group.shown(), others);
      text += (text.empty() ? "" : ", ") + group.shown() + group.detail;
      if (group.count > 1) text += " (" + std::to_string(group.count) + " layers)";
      if (!nearest.empty()) text += " (nearest: " + nearest + ")";
    }
    return text;
  }

 private:
  struct Group {
    [[nodiscard]] std::string shown() const { return count > 1 ? without_numbers(name) : name; }
    std::string name;
    std::string detail;
    int count = 0;
  };
  std::map<std::string, Group> groups_;
};

struct Complaints {
  Problems missing;
  Problems extra;
  Problems shapes;

  void raise_if_any(const std::filesystem::path& file) const {
    std::string text;
    const auto add = [&](const char* what, const std::string& problems) {
      if (!problems.empty()) text += (text.empty() ? "" : "; ") + (what + problems);
    };
    std::vector<std::string> unused;
    for (const auto& name : extra.names()) unused.push_back(plain_name(name));
    add("missing: ", missing.text(unused));
    add("not of this model and adapter: ", extra.text());
    add("of another shape: ", shapes.text());
    if (!text.empty()) throw AdapterMisfit(file.string() + ": " + text);
  }
};

constexpr std::array<std::pair<HeadKind, std::string_view>, 3> kTaskTypes = {
    {{HeadKind::kClassification, "SEQ_CLS"},
     {HeadKind::kLanguageModel, "CAUSAL_LM"},
     {HeadKind::kNone, "FEATURE_EXTRACTION"}}};

std::optional<HeadKind> head_of(const std::string& named, const std::filesystem::path& file) {
  if (named.empty()) return std::nullopt;
  for (const auto& [head, name] : kTaskTypes) {
    if (name == named) return head;
  }
  throw DataError(file.string() + ": its task_type is '" + named +
                  "'; SEQ_CLS, CAUSAL_LM and FEATURE_EXTRACTION are known");
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

// The shapes of the folder's tensors, by their plain names.
std::map<std::string, std::vector<std::int64_t>> saved_shapes(const std::filesystem::path& folder) {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  const auto path = tensor_file(folder);
  if (path.extension() == ".safetensors") {
    const SafetensorsFile file(path);
    for (const auto& [name, info] : file.tensors()) shapes[plain_name(name)] = info.shape;
  } else {
    for (const auto& [name, tensor] : read_tensors(path)) {
      shapes[plain_name(name)] = tensor.sizes().vec();
    }
  }
  return shapes;
}

}  // namespace

AdapterMisfit::~AdapterMisfit() = default;

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

std::set<std::string> adapter_tensor_names(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& [name, shape] : saved_shapes(folder)) names.insert(name);
  return names;
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
        complaints.shapes.add(
            name, " " + shape_text(tensor.sizes()) + " (here " + shape_text(shape) + ")");
      }
      found[entry->second] = tensor;
    } else if (head != nullptr && is_classifier_tensor(plain)) {
      (*head)[plain] = tensor;
    } else {
      complaints.extra.add(name);
    }
  }
  for (const auto& [name, tensor] : expected) {
    if (!found.contains(name)) complaints.missing.add(name);
  }
  complaints.raise_if_any(path);
  return found;
}

bool is_classifier_tensor(const std::string& name) {
  return name.starts_with("score.") || name.starts_with("classifier.");
}

std::string_view task_type(HeadKind head) {
  const auto* const found =
      std::ranges::find(kTaskTypes, head, [](const auto& e) { return e.first; });
  return found->second;
}

AdapterFiles read_adapter_files(const std::filesystem::path& folder) {
  const auto file = folder / kAdapterConfigFile;
  const Value config = read_json_file(file);
  if (!config.is_map()) throw DataError(file.string() + ": must be an object");
  const auto text = [&](const char* key) {
    const auto* value = config.find(key);
    return value != nullptr && value->is_text() ? value->as_text() : std::string();
  };
  AdapterFiles files{text("base_model_name_or_path"), head_of(text("task_type"), file)};
  if (files.head.value_or(HeadKind::kClassification) != HeadKind::kClassification) return files;
  for (const auto& [name, shape] : saved_shapes(folder)) {
    if (name == kClassifierTensor && !shape.empty()) files.classes = shape.front();
  }
  return files;
}

}  // namespace mvn
