#include "orchestrate/exports/checksum.h"

#include <array>

namespace mvn {
namespace {

using CrcTable = std::array<std::uint32_t, 256>;

// What each byte does to a checksum; the polynomial has its lowest power first.
constexpr CrcTable crc_table(std::uint32_t polynomial) {
  CrcTable table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value >> 1U) ^ ((value & 1U) != 0 ? polynomial : 0U);
    }
    table[byte] = value;
  }
  return table;
}

std::uint32_t crc(const CrcTable& table, std::string_view bytes, std::uint32_t before) {
  std::uint32_t value = ~before;
  for (const char byte : bytes) {
    value = (value >> 8U) ^ table[(value ^ static_cast<unsigned char>(byte)) & 0xFFU];
  }
  return ~value;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr CrcTable kTable = crc_table(0x82F63B78U);
  return crc(kTable, bytes, 0);
}

std::uint32_t crc32(std::string_view bytes, std::uint32_t before) {
  static constexpr CrcTable kTable = crc_table(0xEDB88320U);
  return crc(kTable, bytes, before);
}

std::uint32_t masked(std::uint32_t checksum) {
  return ((checksum >> 15U) | (checksum << 17U)) + 0xA282EAD8U;
}

}  // namespace mvn
