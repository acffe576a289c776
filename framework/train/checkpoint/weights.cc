// Opening a checkpoint, whatever files hold it.
#include "train/checkpoint/weights.h"

#include <array>
#include <optional>
#include <string_view>

#include "common/json.h"
#include "mvn/error.h"
#include "mvn/torch_archive.h"

namespace mvn {

Weights::~Weights() = default;

namespace {

namespace fs = std::filesystem;

constexpr const char* kKey = "model.weights";

// What a folder may hold, in the order in which transformers looks.
constexpr std::array<std::string_view, 4> kFiles = {
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
    "pytorch_model.bin.index.json"};

// One file of tensors of either form.
class TensorFile {
 public:
  explicit TensorFile(const fs::path& path) : path_(path) {
    if (path.extension() == ".safetensors") {
      safetensors_.emplace(path);
      return;
    }
    archive_ = read_torch_archive(path);
    for (const auto& [name, tensor] : archive_) {
      infos_.emplace(name, TensorInfo{tensor.scalar_type(), tensor.sizes().vec()});
    }
  }

  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] const std::map<std::string, TensorInfo>& tensors() const {
    return safetensors_ ? safetensors_->tensors() : infos_;
  }
  [[nodiscard]] torch::Tensor get(const std::string& name) const {
    return safetensors_ ? safetensors_->get(name) : archive_.at(name);
  }

 private:
  fs::path path_;
  std::optional<SafetensorsFile> safetensors_;
  std::map<std::string, torch::Tensor> archive_;
  std::map<std::string, TensorInfo> infos_;
};

class FileWeights : public Weights {
 public:
  // One file.
  explicit FileWeights(const fs::path& path) { add(path); }

  // The shards of an index, each tensor where the index says it is.
  FileWeights(const fs::path& index, const std::map<std::string, std::string>& weight_map) {
    std::map<std::string, std::size_t> shards;
    for (const auto& [name, shard] : weight_map) {
      if (shards.try_emplace(shard, files_.size()).second) add(index.parent_path() / shard);
      const auto found = owner_.find(name);
      if (found == owner_.end() || found->second != shards.at(shard)) {
        throw DataError(index.string() + ": '" + name + "' should be in " + shard +
                        ", which does not hold it");
      }
    }
    for (const auto& [name, info] : tensors_) {
      if (!weight_map.contains(name)) {
        throw DataError(index.string() + ": does not name '" + name + "' of " +
                        file_of(name).filename().string());
      }
    }
  }

  [[nodiscard]] const std::map<std::string, TensorInfo>& tensors() const override {
    return tensors_;
  }
  [[nodiscard]] torch::Tensor get(const std::string& name) const override {
    return files_[owner_.at(name)].get(name);
  }
  [[nodiscard]] fs::path file_of(const std::string& name) const override {
    return files_[owner_.at(name)].path();
  }

 private:
  void add(const fs::path& path) {
    files_.emplace_back(path);
    for (const auto& [name, info] : files_.back().tensors()) {
      if (!owner_.emplace(name, files_.size() - 1).second) {
        throw DataError(path.string() + ": '" + name + "' is in " + file_of(name).string() +
                        " already");
      }
      tensors_.emplace(name, info);
    }
  }

  std::vector<TensorFile> files_;
  std::map<std::string, std::size_t> owner_;
  std::map<std::string, TensorInfo> tensors_;
};

// A shard's name comes from a file of unknown origin: it must stay in the index's own folder.
bool plain_file_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

std::unique_ptr<Weights> open_index(const fs::path& path) {
  const Json index = read_json(path);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object()) {
    throw DataError(path.string() + ": needs an object 'weight_map'");
  }
  std::map<std::string, std::string> weight_map;
  for (const auto& [name, shard] : index["weight_map"].items()) {
    if (!shard.is_string() || !plain_file_name(shard.get<std::string>())) {
      throw DataError(path.string() + ": the shard of '" + name +
                      "' must be the plain name of a file in the same folder, not " + shard.dump());
    }
    weight_map.emplace(name, shard.get<std::string>());
  }
  return std::make_unique<FileWeights>(path, weight_map);
}

std::unique_ptr<Weights> open_file(const fs::path& path) {
  const std::string name = path.filename().string();
  if (name.ends_with(".index.json")) return open_index(path);
  if (name.ends_with(".safetensors") || name.ends_with(".bin")) {
    return std::make_unique<FileWeights>(path);
  }
  throw ConfigError(kKey, "'" + path.string() +
                              "' is neither a folder nor a .safetensors, .bin or .index.json file");
}

}  // namespace

std::unique_ptr<Weights> open_weights(const fs::path& path) {
  if (!fs::exists(path)) throw ConfigError(kKey, "'" + path.string() + "' does not exist");
  if (!fs::is_directory(path)) return open_file(path);
  std::string looked_for;
  for (const auto file : kFiles) {
    if (fs::exists(path / file)) return open_file(path / file);
    looked_for += (looked_for.empty() ? "" : ", ") + std::string(file);
  }
  throw ConfigError(kKey, "'" + path.string() + "' holds no weights; looked for " + looked_for);
}

Value::Map read_model_config(const fs::path& folder) {
  if (!fs::exists(folder)) throw ConfigError(kKey, "'" + folder.string() + "' does not exist");
  const fs::path path = (fs::is_directory(folder) ? folder : folder.parent_path()) / "config.json";
  if (!fs::exists(path)) {
    throw ConfigError(
        kKey, "'" + folder.string() + "' has no config.json; looked for '" + path.string() + "'");
  }
  Value config = to_value(read_json(path));
  if (!config.is_map()) throw DataError(path.string() + ": must be an object");
  return std::move(config.as_map());
}

}  // namespace mvn
