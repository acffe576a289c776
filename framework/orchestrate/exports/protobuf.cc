#include "orchestrate/exports/protobuf.h"

#include <bit>

namespace mvn {
namespace {

constexpr std::uint32_t kVarint = 0;
constexpr std::uint32_t kEightBytes = 1;
constexpr std::uint32_t kLengthAndBytes = 2;
constexpr std::uint32_t kFourBytes = 5;

}  // namespace

void append_little_endian(std::string& bytes, std::uint64_t number, int size) {
  for (int i = 0; i < size; ++i) {
    bytes += static_cast<char>(number & 0xFFU);
    number >>= 8U;
  }
}

void ProtoMessage::varint(std::uint64_t value) {
  while (value >= 0x80) {
    bytes_ += static_cast<char>((value & 0x7FU) | 0x80U);
    value >>= 7U;
  }
  bytes_ += static_cast<char>(value);
}

void ProtoMessage::key(std::uint32_t field, std::uint32_t wire_type) {
  varint(std::uint64_t{field} << 3U | wire_type);
}

ProtoMessage& ProtoMessage::integer(std::uint32_t field, std::int64_t value) {
  key(field, kVarint);
  varint(static_cast<std::uint64_t>(value));
  return *this;
}

ProtoMessage& ProtoMessage::real(std::uint32_t field, double value) {
  key(field, kEightBytes);
  append_little_endian(bytes_, std::bit_cast<std::uint64_t>(value), 8);
  return *this;
}

ProtoMessage& ProtoMessage::small_real(std::uint32_t field, float value) {
  key(field, kFourBytes);
  append_little_endian(bytes_, std::bit_cast<std::uint32_t>(value), 4);
  return *this;
}

ProtoMessage& ProtoMessage::text(std::uint32_t field, std::string_view text) {
  key(field, kLengthAndBytes);
  varint(text.size());
  bytes_ += text;
  return *this;
}

}  // namespace mvn
