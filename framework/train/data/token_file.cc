#include "train/data/token_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "common/hashing.h"

namespace mvn {
namespace {

struct Numbers {
  std::array<char, 8> magic;
  std::int64_t sequences;
  std::int64_t ids;
  std::int64_t bytes;
  std::int64_t cut;
  std::int64_t largest_id;
};
constexpr std::array<char, 8> kMagic = {'m', 'v', 'n', 't', 'o', 'k', '0', '3'};
constexpr std::size_t kChecksum = 64;  // SHA-256 in hexadecimal
constexpr std::size_t kHeader = sizeof(Numbers) + kChecksum;

std::string_view bytes_of_numbers(const Numbers& numbers) {
  return {reinterpret_cast<const char*>(&numbers), sizeof numbers};
}

std::string checksum(const Numbers& numbers, const TokenFile& file) {
  return sha256(std::string(bytes_of_numbers(numbers)) + sha256(bytes_of(file.starts)) +
                sha256(bytes_of(file.lengths)) + sha256(bytes_of(file.ids)));
}

bool lie_side_by_side(const TokenFile& file) {
  std::int64_t end = 0;
  for (std::size_t i = 0; i < file.lengths.size(); ++i) {
    if (file.lengths[i] < 0 || file.starts[i] != end) return false;
    end += file.lengths[i];
    if (static_cast<std::size_t>(end) > file.ids.size()) return false;
  }
  return file.starts.back() == end && static_cast<std::size_t>(end) == file.ids.size();
}

bool are_in_range(const TokenFile& file) {
  std::int32_t smallest = 0;
  std::int32_t largest = -1;
  for (const auto id : file.ids) {
    smallest = std::min(smallest, id);
    largest = std::max(largest, id);
  }
  return smallest == 0 && largest == file.largest_id;
}

}  // namespace

std::string token_file_header(const TokenFile& file) {
  const Numbers numbers = {.magic = kMagic,
                           .sequences = static_cast<std::int64_t>(file.lengths.size()),
                           .ids = static_cast<std::int64_t>(file.ids.size()),
                           .bytes = file.bytes,
                           .cut = file.cut,
                           .largest_id = file.largest_id};
  return std::string(bytes_of_numbers(numbers)) + checksum(numbers, file);
}

std::optional<TokenFile> read_token_file(std::string_view bytes) {
  Numbers numbers{};
  if (bytes.size() < kHeader) return std::nullopt;
  std::memcpy(&numbers, bytes.data(), sizeof numbers);
  const auto limit = static_cast<std::int64_t>(bytes.size());
  if (numbers.magic != kMagic || numbers.sequences < 0 || numbers.sequences > limit ||
      numbers.ids < 0 || numbers.ids > limit || numbers.bytes < 0 || numbers.cut < 0 ||
      numbers.cut > numbers.sequences || numbers.largest_id < -1 ||
      numbers.largest_id > std::numeric_limits<std::int32_t>::max()) {
    return std::nullopt;
  }
  const auto sequences = static_cast<std::size_t>(numbers.sequences);
  const auto ids = static_cast<std::size_t>(numbers.ids);
  if (bytes.size() != kHeader + (sequences + 1) * 8 + sequences * 4 + ids * 4) return std::nullopt;
  const auto* starts = reinterpret_cast<const std::int64_t*>(bytes.data() + kHeader);
  const auto* lengths = reinterpret_cast<const std::int32_t*>(starts + sequences + 1);
  const TokenFile file = {.starts = {starts, sequences + 1},
                          .lengths = {lengths, sequences},
                          .ids = {lengths + sequences, ids},
                          .bytes = numbers.bytes,
                          .cut = numbers.cut,
                          .largest_id = static_cast<std::int32_t>(numbers.largest_id)};
  if (bytes.substr(sizeof numbers, kChecksum) != checksum(numbers, file)) return std::nullopt;
  if (!lie_side_by_side(file) || !are_in_range(file)) return std::nullopt;
  return file;
}

}  // namespace mvn
