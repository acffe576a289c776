#include "mvn/token_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "common/atomic_file.h"
#include "common/file_hash.h"
#include "common/hashing.h"
#include "common/input_file.h"
#include "common/json.h"
#include "mvn/error.h"
#include "train/checkpoint/mapped_file.h"
#include "train/data/token_file.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// An exclusive lock on a file, waited for, until destroyed or the process ends.
class WaitingLock {
 public:
  explicit WaitingLock(const fs::path& path)
      // Neither through a link that somebody laid there nor waiting for a pipe's reader.
      : descriptor_(
            ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644)) {
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
  TokenFile tokens;  // in one of these

  static TokenFile view(const TokenWriter& writer);
  static std::shared_ptr<const Data> in_memory(TokenWriter writer);
  // Null where there is no such file, it is damaged or made up, or others may change it.
  static std::shared_ptr<const Data> on_disk(const fs::path& path);
  static void write(const fs::path& path, const TokenWriter& writer);
};

void TokenWriter::add(std::span<const std::int32_t> ids, std::int64_t bytes, bool cut) {
  if (ids.size() > std::numeric_limits<std::int32_t>::max()) {
    throw Error("a text of " + std::to_string(ids.size()) +
                " tokens is too long (at most 2147483647); split the file");
  }
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  lengths_.push_back(static_cast<std::int32_t>(ids.size()));
  starts_.push_back(static_cast<std::int64_t>(ids_.size()));
  bytes_ += bytes;
  cut_ += cut ? 1 : 0;
  for (const auto id : ids) largest_id_ = std::max(largest_id_, id);
}

TokenFile TokenStore::Data::view(const TokenWriter& writer) {
  return {writer.starts_, writer.lengths_, writer.ids_,
          writer.bytes_,  writer.cut_,     writer.largest_id_};
}

std::shared_ptr<const TokenStore::Data> TokenStore::Data::in_memory(TokenWriter writer) {
  auto data = std::make_shared<Data>();
  data->memory = std::move(writer);
  data->tokens = view(data->memory);
  return data;
}

std::shared_ptr<const TokenStore::Data> TokenStore::Data::on_disk(const fs::path& path) {
  try {
    if (!fs::exists(path)) return nullptr;
    const InputFile input(path);
    if (!input.is_own()) return nullptr;
    auto data = std::make_shared<Data>();
    data->file = std::make_unique<const MappedFile>(input);
    const auto tokens = read_token_file(data->file->view());
    if (!tokens) return nullptr;
    data->tokens = *tokens;
    return data;
  } catch (const Error&) {
    return nullptr;
  }
}

void TokenStore::Data::write(const fs::path& path, const TokenWriter& writer) {
  const TokenFile tokens = view(writer);
  AtomicFile file(path);
  file.write(token_file_header(tokens));
  file.write(bytes_of(tokens.starts));
  file.write(bytes_of(tokens.lengths));
  file.write(bytes_of(tokens.ids));
  file.commit();
}

TokenStore TokenStore::open(const fs::path& folder, const std::vector<fs::path>& sources,
                            const Value::Map& how, const std::function<void(TokenWriter&)>& fill) {
  TokenWriter writer;
  if (folder.empty()) {
    fill(writer);
    return TokenStore(Data::in_memory(std::move(writer)));
  }
  std::string made_from;
  for (const auto& source : sources) made_from += remembered_hash(source);
  const auto key = sha256(made_from + canonical_json(to_json(Value(how))));
  const fs::path path = folder / (key.substr(0, 32) + ".tokens");
  if (auto data = Data::on_disk(path)) return TokenStore(std::move(data));
  fs::create_directories(folder);
  const WaitingLock lock(fs::path(path) += ".lock");
  if (auto data = Data::on_disk(path)) return TokenStore(std::move(data));
  fill(writer);
  Data::write(path, writer);
  if (auto data = Data::on_disk(path)) return TokenStore(std::move(data));
  // Some network file systems give files to another user.
  return TokenStore(Data::in_memory(std::move(writer)));
}

std::int64_t TokenStore::size() const { return static_cast<std::int64_t>(lengths().size()); }

std::span<const std::int32_t> TokenStore::operator[](std::int64_t index) const {
  const auto at = static_cast<std::size_t>(index);
  return data_->tokens.ids.subspan(static_cast<std::size_t>(data_->tokens.starts[at]),
                                   static_cast<std::size_t>(data_->tokens.lengths[at]));
}

std::span<const std::int32_t> TokenStore::lengths() const {
  return data_ ? data_->tokens.lengths : std::span<const std::int32_t>();
}

std::int64_t TokenStore::bytes() const { return data_ ? data_->tokens.bytes : 0; }

std::int64_t TokenStore::cut() const { return data_ ? data_->tokens.cut : 0; }

std::int32_t TokenStore::largest_id() const { return data_ ? data_->tokens.largest_id : -1; }

std::vector<std::int32_t> closing_tokens(const Tokenizer& tokenizer) {
  const auto empty = tokenizer.encode("");
  const auto text = tokenizer.encode("a");
  const auto front = std::mismatch(empty.begin(), empty.end(), text.begin(), text.end()).first;
  return {front, empty.end()};
}

}  // namespace mvn
