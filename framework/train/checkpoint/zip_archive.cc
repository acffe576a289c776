// Source: PKWARE's APPNOTE 6.3 (4.3.7 local header, 4.3.12 central directory, 4.3.14 and 4.3.15
// zip64 end records, 4.5.3 zip64 extra field, 4.3.16 end record).
#include "train/checkpoint/zip_archive.h"

#include <cstdint>
#include <cstring>

#include "mvn/error.h"

namespace mvn {
namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kCentralHeader = 0x02014b50;
constexpr std::uint32_t kEnd = 0x06054b50;
constexpr std::uint32_t kZip64End = 0x06064b50;
constexpr std::uint32_t kZip64Locator = 0x07064b50;
constexpr std::size_t kEndSize = 22;
constexpr std::size_t kLocatorSize = 20;
constexpr std::size_t kCentralSize = 46;
constexpr std::size_t kLocalSize = 30;

struct Directory {
  std::uint64_t offset;
  std::uint64_t entries;
};

class ZipReader {
 public:
  ZipReader(std::string where, std::string_view bytes) : where_(std::move(where)), bytes_(bytes) {}

  std::map<std::string, std::string_view> read() {
    std::map<std::string, std::string_view> entries;
    const Directory directory = find_directory();
    std::uint64_t position = directory.offset;
    for (std::uint64_t i = 0; i < directory.entries; ++i) position = read_entry(position, entries);
    return entries;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw DataError(where_ + ": " + what); }

  template <typename Number>
  [[nodiscard]] Number number(std::uint64_t position) const {
    Number value;
    std::memcpy(&value, slice(position, sizeof value).data(), sizeof value);
    return value;
  }

  [[nodiscard]] std::string_view slice(std::uint64_t position, std::uint64_t size) const {
    if (position > bytes_.size() || size > bytes_.size() - position) {
      fail("damaged zip archive: it ends in the middle of an entry");
    }
    return bytes_.substr(position, size);
  }

  [[nodiscard]] std::uint64_t find_end() const {
    // The end record may be followed by a comment of at most 65535 bytes.
    const std::size_t furthest = kEndSize + UINT16_MAX;
    for (std::size_t back = kEndSize; back <= bytes_.size() && back <= furthest; ++back) {
      if (number<std::uint32_t>(bytes_.size() - back) == kEnd) return bytes_.size() - back;
    }
    fail("not a zip archive, so not a file that torch.save of PyTorch 1.6 or later has written");
  }

  [[nodiscard]] Directory find_directory() const {
    const std::uint64_t end = find_end();
    if (end >= kLocatorSize && number<std::uint32_t>(end - kLocatorSize) == kZip64Locator) {
      const auto record = number<std::uint64_t>(end - kLocatorSize + 8);
      if (number<std::uint32_t>(record) != kZip64End) fail("damaged zip archive: no zip64 record");
      return {number<std::uint64_t>(record + 48), number<std::uint64_t>(record + 32)};
    }
    return {number<std::uint32_t>(end + 16), number<std::uint16_t>(end + 10)};
  }

  // Reads one entry of the central directory; returns the position of the next.
  std::uint64_t read_entry(std::uint64_t at, std::map<std::string, std::string_view>& entries) {
    if (number<std::uint32_t>(at) != kCentralHeader) fail("damaged zip archive: bad directory");
    const auto flags = number<std::uint16_t>(at + 8);
    const auto method = number<std::uint16_t>(at + 10);
    const auto name_size = number<std::uint16_t>(at + 28);
    const auto extra_size = number<std::uint16_t>(at + 30);
    const auto comment_size = number<std::uint16_t>(at + 32);
    const std::string name(slice(at + kCentralSize, name_size));
    std::uint64_t stored = number<std::uint32_t>(at + 20);
    std::uint64_t size = number<std::uint32_t>(at + 24);
    std::uint64_t local = number<std::uint32_t>(at + 42);
    widen(at + kCentralSize + name_size, extra_size, size, stored, local);
    if (method != 0 || (flags & 1U) != 0 || stored != size) {
      fail("entry '" + name + "' is compressed or encrypted; torch.save stores entries plainly");
    }
    if (number<std::uint32_t>(local) != kLocalHeader) fail("damaged zip archive: bad entry");
    const auto data =
        local + kLocalSize + number<std::uint16_t>(local + 26) + number<std::uint16_t>(local + 28);
    if (!entries.emplace(name, slice(data, size)).second) fail("entry '" + name + "' twice");
    return at + kCentralSize + name_size + extra_size + comment_size;
  }

  // Replaces the sizes and the offset that do not fit 32 bits by those of the zip64 extra field.
  void widen(std::uint64_t at, std::uint64_t extra_size, std::uint64_t& size, std::uint64_t& stored,
             std::uint64_t& local) const {
    const std::uint64_t end = at + extra_size;
    while (at + 4 <= end) {
      const auto id = number<std::uint16_t>(at);
      const auto length = number<std::uint16_t>(at + 2);
      at += 4;
      if (id == 1) {
        std::uint64_t field = at;
        for (auto* value : {&size, &stored, &local}) {
          if (*value != UINT32_MAX) continue;
          *value = number<std::uint64_t>(field);
          field += 8;
        }
      }
      at += length;
    }
  }

  std::string where_;
  std::string_view bytes_;
};

}  // namespace

std::map<std::string, std::string_view> read_stored_zip(const std::string& where,
                                                        std::string_view bytes) {
  return ZipReader(where, bytes).read();
}

}  // namespace mvn
