#include "train/trainer/checkpoints.h"

#include <utility>

#include "common/atomic_file.h"
#include "common/files.h"
#include "common/hashing.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "mvn/safetensors.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kState = "state.json";
constexpr const char* kTensors = "tensors.safetensors";
constexpr std::string_view kPrefix = "step-";

}  // namespace

CheckpointStore::CheckpointStore(fs::path folder, std::int64_t keep, std::int64_t keep_every)
    : folder_(std::move(folder)), keep_(keep), keep_every_(keep_every) {}

void CheckpointStore::save(const Snapshot& snapshot) const {
  remove_unfinished();
  // In place of a damaged one, of the attempt before.
  write_folder(folder_of(snapshot.step), Existing::kReplace, [&](const fs::path& folder) {
    write_safetensors(folder / kTensors, snapshot.tensors);
    const Json state = {{"format", 1},
                        {"step", snapshot.step},
                        {"tensors_sha256", sha256_of_file(folder / kTensors)},
                        {"state", snapshot.state}};
    write_file_atomically(folder / kState, state.dump(2) + "\n");
  });
  const auto all = steps();
  for (std::size_t i = static_cast<std::size_t>(keep_); i < all.size(); ++i) {
    if (!kept_for_step(all[i])) fs::remove_all(folder_of(all[i]));
  }
}

void CheckpointStore::remove_unfinished() const {
  if (!fs::is_directory(folder_)) return;
  std::vector<fs::path> unfinished;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (entry.path().extension() == ".tmp") unfinished.push_back(entry.path());
  }
  for (const auto& each : unfinished) fs::remove_all(each);
}

Snapshot CheckpointStore::load_newest(std::vector<std::string>& problems) const {
  for (const auto step : steps()) {
    try {
      return load(step);
    } catch (const std::exception& e) {
      problems.push_back("checkpoint " + folder_of(step).string() +
                         " is damaged and skipped: " + e.what());
    }
  }
  return {};
}

void CheckpointStore::clear() const {
  for (const auto step : steps()) {
    if (!kept_for_step(step)) fs::remove_all(folder_of(step));
  }
  if (kept().empty()) fs::remove_all(folder_);
}

double CheckpointStore::bytes() const {
  double bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
    if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
  }
  return bytes;
}

std::map<std::int64_t, fs::path> CheckpointStore::kept() const {
  std::map<std::int64_t, fs::path> folders;
  for (const auto step : steps()) {
    if (kept_for_step(step)) folders[step] = folder_of(step);
  }
  return folders;
}

bool CheckpointStore::kept_for_step(std::int64_t step) const {
  return keep_every_ > 0 && step % keep_every_ == 0;
}

std::vector<std::int64_t> CheckpointStore::steps() const { return checkpoint_steps(folder_); }

fs::path CheckpointStore::folder_of(std::int64_t step) const {
  return folder_ / (std::string(kPrefix) + std::to_string(step));
}

Snapshot CheckpointStore::load(std::int64_t step) const {
  const fs::path folder = folder_of(step);
  const Json json = read_json(folder / kState);
  if (json.at("format") != 1) throw Error("format " + json.at("format").dump() + ", not 1");
  if (json.at("step") != step) throw Error("it says step " + json.at("step").dump());
  if (json.at("tensors_sha256") != sha256_of_file(folder / kTensors)) {
    throw Error((folder / kTensors).string() + ": its bytes are not those that were written");
  }
  const SafetensorsFile file(folder / kTensors);
  Snapshot snapshot{step, json.at("state"), {}};
  for (const auto& [name, info] : file.tensors()) snapshot.tensors[name] = file.get(name);
  return snapshot;
}

}  // namespace mvn
