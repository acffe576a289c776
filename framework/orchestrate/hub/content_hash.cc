#include "orchestrate/hub/content_hash.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "common/disk_full.h"
#include "mvn/error.h"

namespace mvn {
namespace {

constexpr std::size_t kBlock = 256UL << 10;  // stays in the processor's cache
constexpr std::size_t kStride = 4UL << 20;
constexpr std::size_t kSha256Name = 64;

}  // namespace

struct ContentHash::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free};
};

ContentHash::ContentHash(const std::string& name, std::uint64_t size)
    : state_(std::make_unique<State>()) {
  const bool large = name.size() == kSha256Name;
  const auto* method = large ? EVP_sha256() : EVP_sha1();
  if (state_->context == nullptr ||
      EVP_DigestInit_ex(state_->context.get(), method, nullptr) != 1) {
    throw Error("OpenSSL cannot compute hashes here");
  }
  if (!large) add("blob " + std::to_string(size) + std::string(1, '\0'));
}

ContentHash::~ContentHash() = default;

void ContentHash::add(std::string_view bytes) {
  EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
}

std::string ContentHash::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(state_->context.get(), digest.data(), &size);
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

HashBehind::HashBehind(std::filesystem::path file, int descriptor, const HubFile& wanted)
    : file_(std::move(file)),
      descriptor_(descriptor),
      content_(wanted.hash, wanted.size),
      thread_([this] { run(); }) {}

HashBehind::~HashBehind() {
  {
    const std::scoped_lock lock(mutex_);
    given_up_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void HashBehind::advance(std::uint64_t written) {
  {
    const std::scoped_lock lock(mutex_);
    written_ = written;
    // Bytes come in small pieces: the thread is not woken for each.
    if (written_ < wanted_) return;
  }
  changed_.notify_all();
}

void HashBehind::end() {
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
}

bool HashBehind::ready() const {
  const std::scoped_lock lock(mutex_);
  return ready_;
}

std::string HashBehind::hash() const {
  const std::scoped_lock lock(mutex_);
  if (error_) std::rethrow_exception(error_);
  return hash_;
}

void HashBehind::run() {
  std::exception_ptr error;
  try {
    hash_file();
  } catch (...) {
    error = std::current_exception();
  }
  const std::scoped_lock lock(mutex_);
  error_ = error;
  ready_ = true;
}

std::uint64_t HashBehind::wait_for_more(std::uint64_t done) {
  std::unique_lock lock(mutex_);
  // A few blocks at a time, and the rest at the end.
  wanted_ = done + kStride;
  changed_.wait(lock, [this] { return given_up_ || ended_ || written_ >= wanted_; });
  return given_up_ ? done : written_;
}

void HashBehind::hash_file() {
  std::vector<char> block(kBlock);
  std::uint64_t done = 0;
  for (;;) {
    const auto there = wait_for_more(done);
    if (there == done) break;
    const auto begin = done;
    while (done < there) {
      const auto wanted = std::min<std::uint64_t>(block.size(), there - done);
      const auto taken = ::pread(descriptor_, block.data(), wanted, static_cast<off_t>(done));
      if (taken < 0 && errno == EINTR) continue;
      if (taken < 0) throw_file_error(file_, "read", errno);
      if (taken == 0) throw Error(file_.string() + ": became shorter while it was written");
      content_.add({block.data(), static_cast<std::size_t>(taken)});
      done += static_cast<std::uint64_t>(taken);
    }
    // The disk begins to write it, and nobody waits for that.
    ::sync_file_range(descriptor_, static_cast<off_t>(begin), static_cast<off_t>(done - begin),
                      SYNC_FILE_RANGE_WRITE);
  }
  const std::string hash = content_.finish();
  if (::fdatasync(descriptor_) != 0) throw_file_error(file_, "write", errno);
  const std::scoped_lock lock(mutex_);
  hash_ = hash;
}

}  // namespace mvn
