#include "common/hashing.h"

#include <gtest/gtest.h>

#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

// FIPS 180-4's example message.
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Hashing, MatchesThePublishedExample) { EXPECT_EQ(sha256("abc"), kAbc); }

TEST(Hashing, AFileHashesLikeItsBytes) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(sha256_of_file(folder.write("f", "abc")), kAbc);
  const std::string big((3 << 20) + 1, 'x');
  EXPECT_EQ(sha256_of_file(folder.write("big", big)), sha256(big));
}

TEST(Hashing, AMissingFileIsNamed) {
  EXPECT_EQ(test::error_of([] { sha256_of_file("/no/such/file"); }),
            "/no/such/file: cannot read: No such file or directory");
}

}  // namespace
}  // namespace mvn
