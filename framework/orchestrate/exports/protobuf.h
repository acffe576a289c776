// Writes Protocol Buffers: https://protobuf.dev/programming-guides/encoding
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mvn {

// A message, its fields in the order in which they are added; each is known by its number.
class ProtoMessage {
 public:
  ProtoMessage& integer(std::uint32_t field, std::int64_t value);  // int32, int64, bool, enum
  ProtoMessage& real(std::uint32_t field, double value);
  ProtoMessage& small_real(std::uint32_t field, float value);
  // `text` must be valid UTF-8; may be any bytes in a field of the type bytes.
  ProtoMessage& text(std::uint32_t field, std::string_view text);
  ProtoMessage& message(std::uint32_t field, const ProtoMessage& message) {
    return text(field, message.bytes());
  }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  void clear() { bytes_.clear(); }

 private:
  void key(std::uint32_t field, std::uint32_t wire_type);
  void varint(std::uint64_t value);

  std::string bytes_;
};

// The `size` lowest bytes of a number, the lowest first.
void append_little_endian(std::string& bytes, std::uint64_t number, int size);

}  // namespace mvn
