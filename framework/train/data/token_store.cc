#include "mvn/token_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "common/atomic_file.h"
#include "common/file_hash.h"
#include "common/hashing.h"
#include "common/json.h"
#include "mvn/error.h"
#include "train/checkpoint/mapped_file.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// A file is this, the starts (one more than sequences), the lengths and the ids, in the machine's
// byte order: a cache is not moved to another machine.
struct Header {
  std::array<char, 8> magic;
  std::int64_t sequences;
  std::int64_t ids;
  std::int64_t bytes;
  std::int64_t largest_id;
};
constexpr std::array<char, 8> kMagic = {'m', 'v', 'n', 't', 'o', 'k', '0', '1'};

template <typename T>
std::string_view bytes_of(const std::vector<T>& items) {
  return {reinterpret_cast<const char*>(items.data()), items.size() * sizeof(T)};
}

// An exclusive lock on a file, waited for, until destroyed or the process ends.
class WaitingLock {
 public:
  explicit WaitingLock(const fs::path& path)
      : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (descriptor_ < 0) fail(path, "open");
    while (::flock(descriptor_, LOCK_EX) != 0) {
      if (errno != EINTR) fail(path, "lock");
    }
  }
  WaitingLock(const WaitingLock&) = delete;
  WaitingLock& operator=(const WaitingLock&) = delete;
  ~WaitingLock() { ::close(descriptor_); }

 private:
  [[noreturn]] static void fail(const fs::path& path, const char* action) {
    throw Error(path.string() + ": cannot " + action + ": " + std::strerror(errno));
  }
  int descriptor_;
};

}  // namespace

struct TokenStore::Data {
  std::unique_ptr<const MappedFile> file;  // or
  TokenWriter memory;

  std::span<const std::int64_t> starts;
  std::span<const std::int32_t> lengths;
  const std::int32_t* ids = nullptr;
  std::int64_t bytes = 0;
  std::int32_t largest_id = -1;

  static std::shared_ptr<const Data> in_memory(TokenWriter writer);
  // Null where there is no such file, or it is not whole.
  static std::shared_ptr<const Data> on_disk(const fs::path& path);
  static void write(const fs::path& path, const TokenWriter& writer);
};

void TokenWriter::add(std::span<const std::int32_t> ids, std::int64_t bytes) {
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  lengths_.push_back(static_cast<std::int32_t>(ids.size()));
  starts_.push_back(static_cast<std::int64_t>(ids_.size()));
  bytes_ += bytes;
  for (const auto id : ids) largest_id_ = std::max(largest_id_, id);
}

std::shared_ptr<const TokenStore::Data> TokenStore::Data::in_memory(TokenWriter writer) {
  auto data = std::make_shared<Data>();
  data->memory = std::move(writer);
  data->starts = data->memory.starts_;
  data->lengths = data->memory.lengths_;
  data->ids = data->memory.ids_.data();
  data->bytes = data->memory.bytes_;
  data->largest_id = data->memory.largest_id_;
  return data;
}

std::shared_ptr<const TokenStore::Data> TokenStore::Data::on_disk(const fs::path& path) {
  if (!fs::exists(path)) return nullptr;
  auto data = std::make_shared<Data>();
  data->file = std::make_unique<const MappedFile>(path);
  const auto view = data->file->view();
  Header header{};
  if (view.size() < sizeof(header)) return nullptr;
  std::memcpy(&header, view.data(), sizeof(header));
  const auto limit = static_cast<std::int64_t>(view.size());
  if (header.magic != kMagic || header.sequences < 0 || header.sequences > limit ||
      header.ids < 0 || header.ids > limit) {
    return nullptr;
  }
  const auto sequences = static_cast<std::size_t>(header.sequences);
  const auto ids = static_cast<std::size_t>(header.ids);
  if (view.size() != sizeof(header) + (sequences + 1) * 8 + sequences * 4 + ids * 4) return nullptr;
  const auto* starts = reinterpret_cast<const std::int64_t*>(view.data() + sizeof(header));
  const auto* lengths = reinterpret_cast<const std::int32_t*>(starts + sequences + 1);
  data->starts = {starts, sequences + 1};
  data->lengths = {lengths, sequences};
  data->ids = lengths + sequences;
  data->bytes = header.bytes;
  data->largest_id = static_cast<std::int32_t>(header.largest_id);
  return data;
}

void TokenStore::Data::write(const fs::path& path, const TokenWriter& writer) {
  const Header header = {.magic = kMagic,
                         .sequences = static_cast<std::int64_t>(writer.lengths_.size()),
                         .ids = static_cast<std::int64_t>(writer.ids_.size()),
                         .bytes = writer.bytes_,
                         .largest_id = writer.largest_id_};
  AtomicFile file(path);
  file.write({reinterpret_cast<const char*>(&header), sizeof(header)});
  file.write(bytes_of(writer.starts_));
  file.write(bytes_of(writer.lengths_));
  file.write(bytes_of(writer.ids_));
  file.commit();
}

TokenStore TokenStore::open(const fs::path& folder, const fs::path& source, const Value::Map& how,
                            const std::function<void(TokenWriter&)>& fill) {
  TokenWriter writer;
  if (folder.empty()) {
    fill(writer);
    return TokenStore(Data::in_memory(std::move(writer)));
  }
  const auto key = sha256(remembered_hash(source) + canonical_json(to_json(Value(how))));
  const fs::path path = folder / (key.substr(0, 32) + ".tokens");
  if (auto data = Data::on_disk(path)) return TokenStore(std::move(data));
  fs::create_directories(folder);
  const WaitingLock lock(fs::path(path) += ".lock");
  if (auto data = Data::on_disk(path)) return TokenStore(std::move(data));
  fill(writer);
  Data::write(path, writer);
  auto data = Data::on_disk(path);
  if (!data) throw Error(path.string() + ": is not what was just written to it");
  return TokenStore(std::move(data));
}

std::int64_t TokenStore::size() const { return static_cast<std::int64_t>(lengths().size()); }

std::span<const std::int32_t> TokenStore::operator[](std::int64_t index) const {
  const auto length = lengths()[static_cast<std::size_t>(index)];
  return {data_->ids + data_->starts[static_cast<std::size_t>(index)],
          static_cast<std::size_t>(length)};
}

std::span<const std::int32_t> TokenStore::lengths() const {
  return data_ ? data_->lengths : std::span<const std::int32_t>();
}

std::int64_t TokenStore::bytes() const { return data_ ? data_->bytes : 0; }

std::int32_t TokenStore::largest_id() const { return data_ ? data_->largest_id : -1; }

std::vector<std::int32_t> closing_tokens(const Tokenizer& tokenizer) {
  const auto empty = tokenizer.encode("");
  const auto text = tokenizer.encode("a");
  const auto front = std::mismatch(empty.begin(), empty.end(), text.begin(), text.end()).first;
  return {front, empty.end()};
}

}  // namespace mvn
