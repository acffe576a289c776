#include "orchestrate/exports/names.h"

#include <gtest/gtest.h>

#include "orchestrate/exports/times.h"

namespace mvn {
namespace {

TEST(ExportNames, AFileNameLeadsNowhere) {
  EXPECT_EQ(file_name("lr=0.001 seed=2"), "lr=0.001_seed=2");
  EXPECT_EQ(file_name("../../etc/passwd"), "_._.._etc_passwd");
  EXPECT_EQ(file_name(".."), "_.");
  EXPECT_EQ(file_name("-rf"), "_rf");
  EXPECT_EQ(file_name("a\nb\x1b[31m\0c"), "a_b__31m");
  EXPECT_EQ(file_name("\xC3\xBC"), "__");
  EXPECT_EQ(file_name(""), "_");
  EXPECT_EQ(file_name(std::string(10'000, 'x')).size(), 100U);
}

TEST(ExportNames, FirstCharactersAreWhole) {
  const std::string text = "\xC3\xBC\xE2\x82\xAC!";  // of 2, 3 and 1 bytes
  EXPECT_EQ(first_characters(text, 0), "");
  EXPECT_EQ(first_characters(text, 1), "\xC3\xBC");
  EXPECT_EQ(first_characters(text, 2), "\xC3\xBC\xE2\x82\xAC");
  EXPECT_EQ(first_characters(text, 9), text);
}

TEST(ExportNames, NoTwoBecomeOne) {
  RenamedKeys key([](std::string_view name) { return file_name(name); });
  EXPECT_EQ(key("a b"), "a_b");
  EXPECT_EQ(key("a_b"), "a_b_2");
  EXPECT_EQ(key("a/b"), "a_b_3");
  EXPECT_EQ(key("a_b_2"), "a_b_2_2");
  EXPECT_EQ(key("a b"), "a_b");
  EXPECT_EQ(key("c"), "c");
  EXPECT_EQ(key.changed(), 4U);
}

TEST(ExportTimes, InUtc) {
  EXPECT_EQ(iso_time(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(iso_time(1'700'000'000'123), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(iso_time(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(utc_time(1'700'000'000'123, "%Y%m%d_%H%M%S"), "20231114_221320");
}

}  // namespace
}  // namespace mvn
