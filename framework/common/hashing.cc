#include "common/hashing.h"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <vector>

#include "common/input_file.h"
#include "mvn/error.h"

namespace mvn {
namespace {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    if (context_ == nullptr || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
      throw Error("OpenSSL cannot compute SHA-256 here");
    }
  }
  void add(const void* data, std::size_t size) { EVP_DigestUpdate(context_.get(), data, size); }
  std::string finish() {
    std::array<unsigned char, 32> digest{};
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex;
    for (const unsigned char byte : digest) {
      hex += kDigits[byte >> 4];
      hex += kDigits[byte & 15];
    }
    return hex;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes.data(), bytes.size());
  return hash.finish();
}

std::string sha256_of_file(const std::filesystem::path& path) {
  const InputFile in(path);
  Sha256 hash;
  std::vector<char> block(1 << 20);
  for (std::uint64_t offset = 0;;) {
    const std::size_t taken = in.read_at(offset, block.data(), block.size());
    hash.add(block.data(), taken);
    offset += taken;
    if (taken == block.size()) continue;
    if (offset < in.size()) throw Error(path.string() + ": became shorter while it was read");
    return hash.finish();
  }
}

}  // namespace mvn
