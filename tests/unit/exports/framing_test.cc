// Checksums and messages, against numbers that others published.
#include <gtest/gtest.h>

#include <limits>

#include "orchestrate/exports/checksum.h"
#include "orchestrate/exports/protobuf.h"

namespace mvn {
namespace {

// RFC 3720, appendix B.4, and the catalogue's check value of "123456789".
TEST(Checksum, Crc32cIsThatOfTheStandard) {
  std::string upwards;
  std::string downwards;
  for (int i = 0; i < 32; ++i) {
    upwards += static_cast<char>(i);
    downwards += static_cast<char>(31 - i);
  }
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(crc32c(upwards), 0x46DD794EU);
  EXPECT_EQ(crc32c(downwards), 0x113FDB5CU);
}

TEST(Checksum, Crc32IsThatOfZipAndGoesOn) {
  EXPECT_EQ(crc32(""), 0U);
  EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
  EXPECT_EQ(crc32("6789", crc32("12345")), 0xCBF43926U);
}

// A TFRecord's length of 24 (brain.Event:2 as TensorFlow itself begins a file): its masked
// checksum.
TEST(Checksum, MaskedAsTfRecordsAre) {
  std::string length;
  append_little_endian(length, 24, 8);
  EXPECT_EQ(masked(crc32c(length)), 0x224B7FA3U);
}

TEST(Protobuf, TheExamplesOfItsDocumentation) {
  EXPECT_EQ(ProtoMessage().integer(1, 150).bytes(), "\x08\x96\x01");
  EXPECT_EQ(ProtoMessage().text(2, "testing").bytes(), "\x12\x07testing");
  const auto inner = ProtoMessage().integer(1, 150);
  EXPECT_EQ(ProtoMessage().message(3, inner).bytes(), "\x1a\x03\x08\x96\x01");
}

TEST(Protobuf, NumbersOfEverySize) {
  using namespace std::string_literals;
  EXPECT_EQ(ProtoMessage().integer(1, 0).bytes(), "\x08\0"s);
  EXPECT_EQ(ProtoMessage().integer(16, -1).bytes(),
            "\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  EXPECT_EQ(ProtoMessage().integer(1, std::numeric_limits<std::int64_t>::max()).bytes(),
            "\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
  EXPECT_EQ(ProtoMessage().real(1, -2).bytes(), "\x09\0\0\0\0\0\0\0\xc0"s);
  EXPECT_EQ(ProtoMessage().small_real(2, 1.5F).bytes(), "\x15\0\0\xc0\x3f"s);
  EXPECT_EQ(ProtoMessage().text(1, std::string(300, 'x')).bytes().substr(0, 3), "\x0a\xac\x02");
}

}  // namespace
}  // namespace mvn
