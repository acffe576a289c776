// Two machines' results in one: `mvn-runner db merge`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mvn {

// What becomes of a trial of the other results.
enum class MergeAction {
  kAdd,      // these do not have it
  kReplace,  // the other one is finished, or came further
  kKeep,     // this one is finished, or came as far
};

struct MergeTrial {
  std::string sweep;
  std::string id;
  std::string label;
  std::int64_t seed = 0;
  MergeAction action = MergeAction::kAdd;
  std::string here;      // state; "" where it is not known
  std::string there;     // state
  bool folder = false;   // its files come along
  bool differs = false;  // finished in both, with other results
};

struct MergePlan {
  std::vector<MergeTrial> trials;
  std::uintmax_t bytes = 0;  // of the folders to copy
  [[nodiscard]] std::size_t count(MergeAction action) const;
  [[nodiscard]] std::size_t without_folder() const;  // of those that come
  [[nodiscard]] std::size_t different() const;
};

// What merging `other`, a results folder or a results.db alone, into `results` does. Reads only.
// Throws Error where there is no database, and ConfigError where the two judge a stage of the same
// name by different metrics.
MergePlan plan_merge(const std::filesystem::path& results, const std::filesystem::path& other);

// Does it, all or nothing: the folders are copied first, the database changes in one transaction,
// and what a process that is killed then leaves to be renamed, the next one that writes here
// renames. `other` stays as it is. The caller holds the lock of the results folder.
void merge_results(const std::filesystem::path& results, const std::filesystem::path& other,
                   const MergePlan& plan);

}  // namespace mvn
