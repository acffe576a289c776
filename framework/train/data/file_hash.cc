#include "train/data/file_hash.h"

#include <map>
#include <tuple>

#include "common/hashing.h"

namespace mvn {

std::string remembered_hash(const std::filesystem::path& file) {
  using Key = std::tuple<std::string, std::uintmax_t, std::filesystem::file_time_type>;
  static auto& known = *new std::map<Key, std::string>;
  auto& hash = known[{file.string(), std::filesystem::file_size(file),
                      std::filesystem::last_write_time(file)}];
  if (hash.empty()) hash = sha256_of_file(file);
  return hash;
}

}  // namespace mvn
