// Checkpoints of a trial: folders step-N, each whole or not there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/json.h"
#include "mvn/torch.h"

namespace mvn {

// Everything that the rest of a trial depends on.
struct Snapshot {
  std::int64_t step = 0;  // optimizer steps done
  Json state = Json::object();
  std::map<std::string, torch::Tensor> tensors;
};

// step-N/state.json and step-N/tensors.safetensors. A checkpoint is written to a temporary folder,
// synced and renamed; state.json holds the other file's hash, so that damage shows.
class CheckpointStore {
 public:
  // `keep_every` 0: none is kept for its step.
  CheckpointStore(std::filesystem::path folder, std::int64_t keep, std::int64_t keep_every = 0);

  // Writes `snapshot` and removes all but the newest `keep` and those kept for their step.
  void save(const Snapshot& snapshot) const;

  // The newest checkpoint that is whole, or one of step 0 without state where there is none. Each
  // damaged one is named in `problems`, and skipped.
  [[nodiscard]] Snapshot load_newest(std::vector<std::string>& problems) const;

  // What all of them take on disk.
  [[nodiscard]] double bytes() const;

  // Removes every checkpoint that is not kept for its step.
  void clear() const;

  // The folders of those that are, by step.
  [[nodiscard]] std::map<std::int64_t, std::filesystem::path> kept() const;

 private:
  // Removes what attempts left that were killed while they wrote.
  void remove_unfinished() const;
  // Steps of the checkpoints there are, the newest first.
  [[nodiscard]] std::vector<std::int64_t> steps() const;
  [[nodiscard]] std::filesystem::path folder_of(std::int64_t step) const;
  [[nodiscard]] Snapshot load(std::int64_t step) const;
  [[nodiscard]] bool kept_for_step(std::int64_t step) const;

  std::filesystem::path folder_;
  std::int64_t keep_;
  std::int64_t keep_every_;
};

}  // namespace mvn
