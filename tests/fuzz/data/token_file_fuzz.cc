// Any bytes as a file of tokens, and as the parts of one under a checksum that fits: nothing, or
// sequences that can be read to the end.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "train/data/token_file.h"

namespace {

void read(const std::string& bytes) {
  // Where files are mapped, they begin at a multiple of 8.
  std::vector<std::int64_t> aligned(bytes.size() / 8 + 1);
  std::memcpy(aligned.data(), bytes.data(), bytes.size());
  const auto file =
      mvn::read_token_file({reinterpret_cast<const char*>(aligned.data()), bytes.size()});
  if (!file) return;
  for (std::size_t i = 0; i < file->lengths.size(); ++i) {
    const auto start = static_cast<std::size_t>(file->starts[i]);
    const auto length = static_cast<std::size_t>(file->lengths[i]);
    if (start > file->ids.size() || length > file->ids.size() - start) std::abort();
    for (const auto id : file->ids.subspan(start, length)) {
      if (id < 0 || id > file->largest_id) std::abort();
    }
  }
}

template <typename T>
std::vector<T> take(std::string& bytes, std::size_t count) {
  std::vector<T> items(std::min(count, bytes.size() / sizeof(T)));
  if (!items.empty()) std::memcpy(items.data(), bytes.data(), items.size() * sizeof(T));
  bytes.erase(0, items.size() * sizeof(T));
  return items;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  read(bytes);
  if (size == 0) return 0;
  const std::size_t sequences = data[0] % 8;
  bytes.erase(0, 1);
  const auto starts = take<std::int64_t>(bytes, sequences + 1);
  const auto lengths = take<std::int32_t>(bytes, sequences);
  if (lengths.size() < sequences) return 0;
  const auto ids = take<std::int32_t>(bytes, bytes.size());
  const auto largest = ids.empty() ? -1 : *std::max_element(ids.begin(), ids.end());
  const mvn::TokenFile file{starts, lengths, ids, 0, largest};
  read(mvn::token_file_header(file) + std::string(mvn::bytes_of(file.starts)) +
       std::string(mvn::bytes_of(file.lengths)) + std::string(mvn::bytes_of(file.ids)));
  return 0;
}
