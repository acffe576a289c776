#include "orchestrate/hub/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "common/atomic_file.h"
#include "common/disk_full.h"
#include "common/files.h"
#include "mvn/error.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// "models--EleutherAI--gpt-neo-125m"
std::string folder_name(const HubReference& reference) {
  std::string name = reference.kind == HubKind::kDataset ? "datasets--" : "models--";
  for (const char c : reference.id) name += c == '/' ? std::string("--") : std::string(1, c);
  return name;
}

// A relative link from the snapshot's file to the bytes: "../../blobs/HASH".
fs::path link_target(const std::string& path, const std::string& hash) {
  fs::path target = "../..";
  for (const char c : path) {
    if (c == '/') target /= "..";
  }
  return target / "blobs" / hash;
}

// In one step, whatever is there: a link to other bytes, a file that somebody copied.
void replace_by_link(const fs::path& target, const fs::path& link, const fs::path& staging) {
  if (::symlink(target.c_str(), link.c_str()) == 0) return;
  if (errno != EEXIST) throw_file_error(link, "create", errno);
  make_folders(staging);
  const fs::path fresh = temporary_name(staging / link.filename());
  if (::symlink(target.c_str(), fresh.c_str()) != 0) throw_file_error(link, "create", errno);
  if (::rename(fresh.c_str(), link.c_str()) == 0) return;
  const int error = errno;
  ::unlink(fresh.c_str());
  throw_file_error(link, "create", error);
}

std::optional<HubListing> read_listing(const fs::path& file) {
  if (!is_file(file)) return std::nullopt;
  const auto json = try_parse_json(read_file(file));
  if (!json.is_object()) return std::nullopt;
  auto listing = listing_from_json(json, file.string());
  if (listing.empty()) return std::nullopt;
  return listing;
}

}  // namespace

fs::path HubCache::repository(const HubReference& reference) const {
  return folder_ / folder_name(reference);
}

fs::path HubCache::own_folder(const HubReference& reference) const {
  return repository(reference) / ".mvn-trees";
}

fs::path HubCache::blob(const HubReference& reference, const std::string& hash) const {
  return repository(reference) / "blobs" / hash;
}

fs::path HubCache::partial(const HubReference& reference, const std::string& hash) const {
  return repository(reference) / "blobs" / (hash + ".incomplete");
}

fs::path HubCache::lock(const HubReference& reference, const std::string& hash) const {
  return folder_ / ".locks" / folder_name(reference) / (hash + ".lock");
}

fs::path HubCache::local(const HubReference& pinned) const {
  const auto snapshot = repository(pinned) / "snapshots" / pinned.revision;
  return pinned.path.empty() ? snapshot : snapshot / pinned.path;
}

std::optional<std::string> HubCache::commit(const HubReference& reference) const {
  if (is_commit(reference.revision)) return reference.revision;
  const auto file = repository(reference) / "refs" / reference.revision;
  if (!is_file(file)) return std::nullopt;
  auto commit = read_file(file);
  while (!commit.empty() && commit.back() == '\n') commit.pop_back();
  if (!is_commit(commit)) return std::nullopt;
  return commit;
}

void HubCache::note_commit(const HubReference& reference, const std::string& commit) const {
  if (reference.revision == commit || this->commit(reference) == commit) return;
  AtomicFile file(repository(reference) / "refs" / reference.revision, own_folder(reference));
  file.write(commit);
  file.commit_unsynced();
}

std::optional<HubListing> HubCache::listing(const HubReference& pinned) const {
  for (const auto& folder : {own_folder(pinned), repository(pinned) / "trees"}) {
    auto listing = read_listing(folder / (pinned.revision + ".json"));
    if (listing) return listing;
  }
  return std::nullopt;
}

void HubCache::note_listing(const HubReference& pinned, const HubListing& listing) const {
  replace_file(own_folder(pinned) / (pinned.revision + ".json"), to_json(listing).dump(1) + "\n");
}

HubListing HubCache::files_there(const HubReference& pinned) const {
  const auto snapshot = repository(pinned) / "snapshots" / pinned.revision;
  HubListing listing;
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(snapshot, none)) {
    if (!entry.is_regular_file(none)) continue;
    listing.push_back(
        {entry.path().lexically_relative(snapshot).string(), entry.file_size(none), {}});
  }
  std::ranges::sort(listing, {}, &HubFile::path);
  return listing;
}

bool HubCache::has(const HubReference& pinned, const HubFile& file) const {
  const auto path = repository(pinned) / "snapshots" / pinned.revision / file.path;
  std::error_code error;
  return fs::is_regular_file(path, error) && fs::file_size(path, error) == file.size;
}

void HubCache::link(const HubReference& pinned, const HubFile& file) const {
  const auto path = repository(pinned) / "snapshots" / pinned.revision / file.path;
  make_folders(path.parent_path());
  const auto target = link_target(file.path, file.hash);
  std::error_code none;
  if (fs::read_symlink(path, none) == target) return;
  replace_by_link(target, path, own_folder(pinned));
}

std::optional<HubLock> HubLock::try_lock(const fs::path& file) {
  make_folders(file.parent_path());
  for (;;) {
    // Others of a group that shares the cache take it, too.
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0664);
    if (descriptor < 0) throw_file_error(file, "open", errno);
    HubLock lock(descriptor);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK || errno == EINTR) return std::nullopt;
      throw_file_error(file, "lock", errno);
    }
    // Whoever held it before may have removed the file: then this is the lock of nothing.
    struct stat mine {};
    struct stat named {};
    const bool same = ::fstat(descriptor, &mine) == 0 && ::stat(file.c_str(), &named) == 0 &&
                      mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
    if (same) return lock;
  }
}

HubLock::HubLock(HubLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

HubLock& HubLock::operator=(HubLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

HubLock::~HubLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace mvn
