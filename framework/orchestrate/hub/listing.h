// What a repository holds at a commit, and which of that is needed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "orchestrate/hub/reference.h"

namespace mvn {

struct HubFile {
  std::string path;  // within the repository
  std::uint64_t size = 0;
  // The name of its bytes: their SHA-256 for a large file (Git LFS), else Git's SHA-1 of them. The
  // hub's ETag, too, and the name of the file in the cache.
  std::string hash;

  bool operator==(const HubFile&) const = default;
};

using HubListing = std::vector<HubFile>;  // by path

// A page of what /api/{models,datasets}/ID/tree/COMMIT answers. `where` says whose, in messages.
// Throws DataError for what is no listing, or names a file outside of the repository.
HubListing parse_listing(const Json& page, const std::string& where);

// As huggingface_hub keeps them: {"format_version": 1, "files": {PATH: {"size", "blob_id", ...}}}.
Json to_json(const HubListing& listing);
// Nothing of another format.
HubListing listing_from_json(const Json& json, const std::string& where);

// The files of `reference` that are needed for `use`: the one that its path names, all of the
// folder that it names, the parts of a split that it names ("data/train" for
// data/train-00000-of-00002.parquet and its like), or of a whole repository what the loaders and
// tokenizers of this project read. Throws ConfigError where that is not there, which names the
// nearest.
HubListing needed_files(const HubListing& listing, const HubReference& reference, HubUse use);

}  // namespace mvn
