// A file whose bytes come one after another and perhaps not in one go: what is there is gone on
// from. It gets its name when it is whole and what its hash says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "orchestrate/hub/content_hash.h"
#include "orchestrate/hub/listing.h"

namespace mvn {

class PartialFile {
 public:
  // Opens or makes `path`; what it holds beyond `wanted` is cut off. Everything here throws Error,
  // DiskFull where there is no space.
  PartialFile(std::filesystem::path path, const HubFile& wanted);
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  ~PartialFile();

  [[nodiscard]] std::uint64_t size() const { return size_; }
  // False where that would be more than is wanted; nothing is written then.
  bool append(std::string_view bytes);
  // From the first byte again.
  void clear();

  // All bytes are there: what is left to do takes a while, in a thread of its own.
  void settle();
  [[nodiscard]] bool is_settled() const;
  // Then: "" where it is what is wanted and has been renamed to `target`, else the hash that it has
  // instead; it is empty then.
  std::string finish(const std::filesystem::path& target);

 private:
  void hash_anew();

  std::filesystem::path path_;
  HubFile wanted_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::unique_ptr<HashBehind> hash_;
};

}  // namespace mvn
