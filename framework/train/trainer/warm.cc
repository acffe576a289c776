#include "train/trainer/warm.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/file_hash.h"
#include "common/hashing.h"
#include "train/tokenizers/load.h"

namespace mvn {

namespace fs = std::filesystem;

std::shared_ptr<const Tokenizer> TokenizerCache::get(const fs::path& path) {
  auto& known = known_[path];
  auto now = identity(path);
  if (known.identity != now) known = {std::move(now), load_tokenizer(path, "model.tokenizer")};
  return known.tokenizer;
}

std::vector<fs::path> TokenizerCache::files(const fs::path& path) {
  const fs::path folder = fs::is_directory(path) ? path : path.parent_path();
  std::set<std::string> names = {"tokenizer.json",
                                 "vocab.json",
                                 "merges.txt",
                                 "tokenizer.model",
                                 "tokenizer_config.json",
                                 "added_tokens.json",
                                 "special_tokens_map.json"};
  if (!fs::is_directory(path)) names.insert(path.filename().string());
  std::vector<fs::path> files;
  for (const auto& name : names) {
    if (fs::exists(folder / name)) files.push_back(folder / name);
  }
  return files;
}

std::string TokenizerCache::identity(const fs::path& path) {
  std::string text;
  for (const auto& file : files(path)) {
    text += file.filename().string() + " " + remembered_hash(file) + "\n";
  }
  return sha256(text + path.filename().string());
}

bool WarmBase::fill(const std::string& identity, Model& model) {
  if (!fits(identity, model)) {
    clear();
    return false;
  }
  for (auto& parameter : model.named_parameters()) {
    parameter.value().set_data(parameters_.at(parameter.key()).tensor.variable_data());
  }
  take(model);
  return true;
}

void WarmBase::keep(std::string identity, const Model& model,
                    std::map<std::string, torch::Tensor> head) {
  identity_ = std::move(identity);
  head_ = std::move(head);
  take(model);
}

void WarmBase::take(const Model& model) {
  parameters_.clear();
  for (const auto& parameter : model.named_parameters()) {
    parameters_[parameter.key()] = {parameter.value(), parameter.value()._version()};
  }
}

void WarmBase::share_frozen(const Model& model) {
  release_trained();
  share_packed(model);
}

// An adapter that has written to a weight gets nothing for it, and leaves nothing.
void WarmBase::share_packed(const Model& model) {
  std::map<std::string, c10::intrusive_ptr<FrozenWeight>> now;
  for (const auto& module : model.named_modules()) {
    const auto* layer = module.value()->as<Linear>();
    const auto kept = parameters_.find(module.key() + ".weight");
    if (layer == nullptr || kept == parameters_.end() || !untouched(kept->second)) continue;
    auto frozen = layer->frozen();
    if (!frozen) continue;
    const auto before = packed_.find(module.key());
    if (before != packed_.end()) frozen->take_packed(*before->second);
    now.emplace(module.key(), std::move(frozen));
  }
  packed_ = std::move(now);
}

void WarmBase::release_trained() {
  for (auto& [name, kept] : parameters_) {
    if (!kept.tensor.requires_grad() || !untouched(kept)) continue;
    const auto trained = kept.tensor;
    kept = {trained.variable_data(), 0};
    trained.set_data(kept.tensor.clone());
  }
}

bool WarmBase::fits(const std::string& identity, const Model& model) const {
  if (parameters_.empty() || identity != identity_) return false;
  const auto parameters = model.named_parameters();
  return parameters.size() == parameters_.size() &&
         std::all_of(parameters.begin(), parameters.end(), [&](const auto& parameter) {
           const auto kept = parameters_.find(parameter.key());
           return kept != parameters_.end() && untouched(kept->second) &&
                  kept->second.tensor.sizes() == parameter.value().sizes() &&
                  kept->second.tensor.dtype() == parameter.value().dtype();
         });
}

bool WarmBase::untouched(const Parameter& parameter) {
  return parameter.tensor._version() == parameter.version;
}

void WarmBase::clear() {
  identity_.clear();
  parameters_.clear();
  packed_.clear();
  head_.clear();
}

std::shared_ptr<const void>* WarmData::place(const std::string& identity) {
  if (identity != identity_ || state_of_files(paths_) != files_) *this = {};
  return &data_;
}

void WarmData::keep(std::string identity, const std::vector<fs::path>& files) {
  identity_ = std::move(identity);
  paths_ = files;
  files_ = state_of_files(files);
}

std::string state_of_files(const std::vector<fs::path>& files) {
  std::string state;
  for (const auto& file : files) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) status = {};
    state += file.string();
    for (const auto number :
         {static_cast<std::int64_t>(status.st_ino), static_cast<std::int64_t>(status.st_size),
          static_cast<std::int64_t>(status.st_mtim.tv_sec), status.st_mtim.tv_nsec,
          static_cast<std::int64_t>(status.st_ctim.tv_sec), status.st_ctim.tv_nsec}) {
      state.append(1, ' ').append(std::to_string(number));
    }
    state += "\n";
  }
  return state;
}

std::string state_of_weights(const fs::path& weights) {
  std::vector<fs::path> files;
  const auto folder = fs::is_directory(weights) ? weights : weights.parent_path();
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return state_of_files(files);
}

}  // namespace mvn
