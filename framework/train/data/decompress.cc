#include "train/data/decompress.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include "mvn/error.h"

namespace mvn {
namespace {

struct Packing {
  std::string_view ending;
  std::string_view magic;  // how such a file begins
};

const std::array<Packing, 4>& packings() {
  using namespace std::string_view_literals;
  static const std::array<Packing, 4> all = {{{".gz", "\x1F\x8B"sv},
                                              {".xz",
                                               "\xFD"
                                               "7zXZ\0"sv},
                                              {".zst", "\x28\xB5\x2F\xFD"sv},
                                              {".bz2", "BZh"sv}}};
  return all;
}

bool looks_packed(std::string_view bytes) {
  const auto found = std::ranges::find_if(
      packings(), [&](const auto& each) { return bytes.starts_with(each.magic); });
  if (found == packings().end()) return false;
  // Three letters may begin a text, too; a block follows them in a file of bzip2.
  return found->ending != ".bz2" ||
         bytes.substr(std::min<std::size_t>(4, bytes.size())).starts_with("1AY&SY");
}

struct Free {
  void operator()(archive* reader) const { ::archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, Free>;

// For a compressed file's single member, which has no name.
Reader make_reader() {
  Reader reader(::archive_read_new());
  if (reader == nullptr) throw std::bad_alloc();
  ::archive_read_support_filter_gzip(reader.get());
  ::archive_read_support_filter_xz(reader.get());
  ::archive_read_support_filter_zstd(reader.get());
  ::archive_read_support_filter_bzip2(reader.get());
  ::archive_read_support_format_raw(reader.get());
  ::archive_read_support_format_empty(reader.get());
  return reader;
}

std::string reason(archive* reader) {
  const char* said = ::archive_error_string(reader);
  return said == nullptr ? "" : std::string(": ") + said;
}

}  // namespace

bool is_packed_ending(std::string_view ending) {
  return std::ranges::any_of(packings(), [&](const auto& each) { return each.ending == ending; });
}

std::string decompressed(std::string bytes, const std::filesystem::path& path) {
  if (!looks_packed(bytes)) return bytes;
  const Reader reader = make_reader();
  const auto check = [&](la_ssize_t result) {
    if (result >= 0) return;
    throw DataError(path.string() + ": a compressed file that is damaged, or cut short" +
                    reason(reader.get()));
  };
  check(::archive_read_open_memory(reader.get(), bytes.data(), bytes.size()));
  std::string content;
  archive_entry* entry = nullptr;
  const int header = ::archive_read_next_header(reader.get(), &entry);
  if (header == ARCHIVE_EOF) return content;  // of nothing
  // What is not recognised would be handed out as it is.
  const bool recognised = ::archive_filter_code(reader.get(), 0) != ARCHIVE_FILTER_NONE;
  check(recognised ? header : ARCHIVE_FATAL);
  std::array<char, 1 << 16> block{};
  while (true) {
    const auto count = ::archive_read_data(reader.get(), block.data(), block.size());
    check(count);
    if (count == 0) break;
    content.append(block.data(), static_cast<std::size_t>(count));
  }
  return content;
}

}  // namespace mvn
