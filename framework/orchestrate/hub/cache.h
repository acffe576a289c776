// The cache of huggingface_hub, as that reads and writes it:
//
//     models--OWNER--NAME/blobs/HASH                bytes, by the name of their content
//     models--OWNER--NAME/snapshots/COMMIT/FILE     a relative link to one of those
//     models--OWNER--NAME/refs/REVISION             the commit that a branch or tag was at
//     models--OWNER--NAME/trees/COMMIT.json         what the repository holds there
//     .locks/models--OWNER--NAME/HASH.lock          who brings these bytes
//
// and of our own models--OWNER--NAME/.mvn-trees/COMMIT.json: a listing in trees/ says to
// huggingface_hub that every file of it was asked for.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "orchestrate/hub/listing.h"
#include "orchestrate/hub/reference.h"

namespace mvn {

class HubCache {
 public:
  explicit HubCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  // Of the reference's repository: "models--EleutherAI--gpt-neo-125m".
  [[nodiscard]] std::filesystem::path repository(const HubReference& reference) const;
  [[nodiscard]] std::filesystem::path blob(const HubReference& reference,
                                           const std::string& hash) const;
  // Where its bytes gather until they are all there.
  [[nodiscard]] std::filesystem::path partial(const HubReference& reference,
                                              const std::string& hash) const;
  [[nodiscard]] std::filesystem::path lock(const HubReference& reference,
                                           const std::string& hash) const;
  // Of a reference whose revision is a commit: its file or folder, there or not.
  [[nodiscard]] std::filesystem::path local(const HubReference& pinned) const;

  // The commit that the revision was at when it was asked for last.
  [[nodiscard]] std::optional<std::string> commit(const HubReference& reference) const;
  void note_commit(const HubReference& reference, const std::string& commit) const;

  // What the repository holds at a commit, where that was asked for before.
  [[nodiscard]] std::optional<HubListing> listing(const HubReference& pinned) const;
  void note_listing(const HubReference& pinned, const HubListing& listing) const;
  // Where nobody wrote that down: the files that are there.
  [[nodiscard]] HubListing files_there(const HubReference& pinned) const;

  // Whether the file is there, by its size.
  [[nodiscard]] bool has(const HubReference& pinned, const HubFile& file) const;
  // Lays the link to a file whose bytes are there.
  void link(const HubReference& pinned, const HubFile& file) const;

 private:
  // What huggingface_hub does not look at: its own files lie bare under their final names.
  [[nodiscard]] std::filesystem::path own_folder(const HubReference& reference) const;

  std::filesystem::path folder_;
};

// Held by one process at a time, as huggingface_hub takes it (flock).
class HubLock {
 public:
  // Nothing where another holds it.
  static std::optional<HubLock> try_lock(const std::filesystem::path& file);
  HubLock(HubLock&& other) noexcept;
  HubLock& operator=(HubLock&& other) noexcept;
  ~HubLock();

 private:
  explicit HubLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace mvn
