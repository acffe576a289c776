// The checksums that records in files of other programs carry.
#pragma once

#include <cstdint>
#include <string_view>

namespace mvn {

// Of Castagnoli (RFC 3720, appendix B.4), as iSCSI and TFRecord use it.
std::uint32_t crc32c(std::string_view bytes);
// Of IEEE 802.3, as zip uses it. Goes on from the checksum of what came before.
std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0);

// Turned and shifted, as TFRecord stores one: data that holds checksums then does not fool them.
std::uint32_t masked(std::uint32_t checksum);

}  // namespace mvn
