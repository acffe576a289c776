// Data sets that are kept in parts, as the hub and `datasets` name them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

namespace mvn {

// What a name like "train-00000-of-00002.parquet" says.
struct SplitPart {
  std::string split;
  std::size_t count = 0;  // of the parts
};

// Nothing of a file that is called otherwise. Its folder says nothing.
std::optional<SplitPart> split_part(const std::filesystem::path& file);

}  // namespace mvn
