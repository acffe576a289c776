#include "common/file_hash.h"

#include <chrono>
#include <map>
#include <optional>
#include <tuple>

#include "common/files.h"
#include "common/hashing.h"
#include "common/input_file.h"
#include "common/json.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLarge = 4U << 20;  // bytes; smaller ones are hashed as fast as looked up

// What a file was when it was hashed.
struct Stamp {
  std::string path;
  std::uintmax_t size = 0;
  std::int64_t changed = 0;
  auto operator<=>(const Stamp&) const = default;
};

Stamp stamp_of(const fs::path& file) {
  const InputFile regular(file);  // or an error that says what it is
  return {fs::absolute(file).lexically_normal().string(), fs::file_size(file),
          fs::last_write_time(file).time_since_epoch().count()};
}

fs::path entry_of(const Stamp& stamp) {
  const auto folder = cache_folder();
  return folder.empty() ? folder : folder / "hashes" / (sha256(stamp.path).substr(0, 32) + ".json");
}

// An entry that cannot be read is none.
std::optional<std::string> stored_hash(const Stamp& stamp) {
  try {
    const auto entry = entry_of(stamp);
    if (entry.empty() || !fs::exists(entry)) return std::nullopt;
    const Json json = read_json(entry);
    if (json.at("path") != stamp.path || json.at("size") != stamp.size ||
        json.at("changed") != stamp.changed) {
      return std::nullopt;
    }
    return json.at("sha256").get<std::string>();
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

void store_hash(const Stamp& stamp, const std::string& hash) {
  try {
    const auto entry = entry_of(stamp);
    if (entry.empty()) return;
    const Json json = {
        {"path", stamp.path}, {"size", stamp.size}, {"changed", stamp.changed}, {"sha256", hash}};
    write_file_atomically(entry, json.dump() + "\n");
  } catch (const std::exception&) {
    // Then it is hashed again next time.
  }
}

// A file that changed a moment ago may change again without its time telling.
bool is_settled(const fs::path& file) {
  return fs::file_time_type::clock::now() - fs::last_write_time(file) > std::chrono::seconds(2);
}

}  // namespace

std::string remembered_hash(const fs::path& file) {
  static auto& known = *new std::map<Stamp, std::string>;
  const Stamp stamp = stamp_of(file);
  auto& hash = known[stamp];
  if (!hash.empty()) return hash;
  if (stamp.size < kLarge) return hash = sha256_of_file(file);
  if (const auto stored = stored_hash(stamp)) return hash = *stored;
  hash = sha256_of_file(file);
  if (is_settled(file)) store_hash(stamp, hash);
  return hash;
}

}  // namespace mvn
