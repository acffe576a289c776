#include "common/lfs_pointer.h"

#include <algorithm>
#include <string>

#include "mvn/error.h"

namespace mvn {

void refuse_lfs_pointer(const std::filesystem::path& path, std::string_view content) {
  constexpr std::size_t kLongest = 1024;  // by the specification
  if (content.size() > kLongest || !content.starts_with("version https://git-lfs.")) return;
  std::string size;
  if (const auto at = content.find("\nsize "); at != std::string_view::npos) {
    const auto begin = at + 6;
    const auto end = std::min(content.find_first_not_of("0123456789", begin), content.size());
    size = " of " + std::string(content.substr(begin, end - begin)) + " bytes";
  }
  throw DataError(path.string() + ": is a Git LFS pointer, not the file" + size +
                  " that it stands for; run 'git lfs pull' in the folder's repository");
}

}  // namespace mvn
