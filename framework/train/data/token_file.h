// The file in which a TokenStore keeps its sequences.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mvn {

// What a file holds: after the header these three, in the machine's byte order (a cache is not
// moved to another machine).
struct TokenFile {
  std::span<const std::int64_t> starts;  // of each sequence in `ids`, and the last one's end
  std::span<const std::int32_t> lengths;
  std::span<const std::int32_t> ids;
  std::int64_t bytes = 0;        // of the text
  std::int64_t cut = 0;          // sequences that lost some of their tokens
  std::int32_t largest_id = -1;  // -1: no ids
};

// The bytes to write, one after the other.
std::string token_file_header(const TokenFile& file);
template <typename T>
std::string_view bytes_of(std::span<const T> items) {
  return {reinterpret_cast<const char*>(items.data()), items.size_bytes()};
}

// The parts of a file whose `bytes` begin at a multiple of 8. Nothing for bytes that are not what
// was written: cut short, changed (by its checksum), or made up: sequences lie side by side in
// `ids`, and no id is outside of 0 ... largest_id.
std::optional<TokenFile> read_token_file(std::string_view bytes);

}  // namespace mvn
