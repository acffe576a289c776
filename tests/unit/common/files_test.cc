#include "common/files.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "mvn/error.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

using test::error_of;

TEST(Files, AnAtomicWriteReplacesAndLeavesNothingBeside) {
  const test::TemporaryFolder folder;
  const auto file = folder / "a/b/state.json";
  write_file_atomically(file, "one");
  write_file_atomically(file, "two");
  EXPECT_EQ(read_file(file), "two");
  const std::filesystem::directory_iterator entries(file.parent_path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST(Files, AFailedReplacementLeavesTheOldFileAndNothingElse) {
  const test::TemporaryFolder folder;
  const auto file = folder / "a.txt";
  replace_file(file, "one");
  std::filesystem::create_directory(folder / "taken");
  folder.write("taken/x", "");
  EXPECT_THROW(replace_file(folder / "taken", "two"), Error);  // a folder is in the way
  EXPECT_EQ(read_file(file), "one");
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"a.txt", "taken"}));
}

TEST(Files, ReadNamesThePathAndTheReason) {
  EXPECT_EQ(error_of([] { read_file("/no/such"); }),
            "/no/such: cannot read: No such file or directory");
  EXPECT_EQ(error_of([] { read_file("/tmp"); }), "/tmp: is a folder, not a file");
}

TEST(Files, ALockIsExclusiveAndSaysWhoHoldsIt) {
  const test::TemporaryFolder folder;
  const auto path = folder / "runner.lock";
  {
    const auto lock = FileLock::try_lock(path);
    ASSERT_TRUE(lock.has_value());
    EXPECT_FALSE(FileLock::try_lock(path).has_value());
    EXPECT_EQ(FileLock::holder(path).rfind("process " + std::to_string(::getpid()) + " on ", 0),
              0U);
    EXPECT_NE(FileLock::holder(path).find(", since 20"), std::string::npos);
  }
  EXPECT_TRUE(FileLock::try_lock(path).has_value());
}

TEST(Files, ALockEndsWithItsProcess) {
  const test::TemporaryFolder folder;
  const auto path = folder / "runner.lock";
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FileLock::try_lock(path);
    ::_exit(lock.has_value() ? 0 : 1);  // without unlocking
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(FileLock::try_lock(path).has_value());
}

}  // namespace
}  // namespace mvn
