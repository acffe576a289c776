#include "common/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "common/atomic_file.h"
#include "common/file_hash.h"
#include "common/hashing.h"
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

// Each is a failure or an end that never comes, and none is an empty file.
TEST(Files, OnlyRegularFilesAreRead) {
  const test::TemporaryFolder folder;
  const auto pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(error_of([&] { read_file(pipe); }), pipe.string() + ": is not a regular file");
  EXPECT_EQ(error_of([&] { sha256_of_file(pipe); }), pipe.string() + ": is not a regular file");
  EXPECT_EQ(error_of([&] { remembered_hash(pipe); }), pipe.string() + ": is not a regular file");
  EXPECT_EQ(error_of([] { read_file("/dev/zero"); }), "/dev/zero: is not a regular file");
}

TEST(Files, AReadThatFailsIsNotTheEnd) {
  EXPECT_EQ(error_of([] { read_file("/proc/self/mem"); }),
            "/proc/self/mem: cannot read: Input/output error");
  EXPECT_EQ(error_of([] { sha256_of_file("/proc/self/mem"); }),
            "/proc/self/mem: cannot read: Input/output error");
}

TEST(Files, AFileThatTheMemoryCannotHoldIsSaid) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer ends a program that asks for so much";
#endif
  const test::TemporaryFolder folder;
  const auto file = folder.write("large.tsv", "a\tb\n");
  std::filesystem::resize_file(file, std::uintmax_t{1} << 42);  // of which nothing is stored
  rlimit before{};
  ::getrlimit(RLIMIT_AS, &before);
  const rlimit little = {rlim_t{1} << 41, before.rlim_max};
  ::setrlimit(RLIMIT_AS, &little);
  EXPECT_EQ(error_of([&] { read_file(file); }),
            file.string() + ": cannot read: out of memory for its 4398046511104 bytes");
  ::setrlimit(RLIMIT_AS, &before);
}

TEST(Files, WhatTheSystemMakesUpIsReadWhole) {
  EXPECT_TRUE(read_file("/proc/self/status").starts_with("Name:"));
  EXPECT_EQ(read_file("/proc/self/comm").back(), '\n');
}

// A temporary file's name cannot be guessed; a folder for what is half written is made anew.
TEST(Files, NothingIsWrittenThroughALink) {
  const test::TemporaryFolder folder;
  const auto victim = folder.write("victim/precious", "mine");
  const std::string guessed = "state.json.tmp" + std::to_string(::getpid());
  std::filesystem::create_symlink(victim, folder / guessed);
  std::filesystem::create_symlink(victim, folder / "state.json");
  write_file_atomically(folder / "state.json", "new");
  EXPECT_EQ(read_file(folder / "state.json"), "new");
  std::filesystem::create_directory_symlink(victim.parent_path(), folder / "model.tmp");
  write_folder(folder / "model", Existing::kRefuse, [](const std::filesystem::path& temporary) {
    EXPECT_FALSE(std::filesystem::is_symlink(temporary));
    EXPECT_TRUE(std::filesystem::is_empty(temporary));
    write_file_atomically(temporary / "precious", "theirs");
  });
  EXPECT_EQ(read_file(folder / "model/precious"), "theirs");
  EXPECT_EQ(read_file(victim), "mine");
}

TEST(Files, AFolderIsWrittenWholeOrNotAtAll) {
  const test::TemporaryFolder folder;
  const auto write = [](const std::filesystem::path& temporary) {
    write_file_atomically(temporary / "one", "1");
  };
  const auto fail = [](const std::filesystem::path& temporary) {
    write_file_atomically(temporary / "two", "2");
    throw Error("no more");
  };
  write_folder(folder / "deep/model", Existing::kReplace, write);
  EXPECT_THROW(write_folder(folder / "deep/model", Existing::kReplace, fail), Error);
  EXPECT_FALSE(std::filesystem::exists(folder / "deep/model.tmp"));
  EXPECT_EQ(read_file(folder / "deep/model/one"), "1");
  EXPECT_THROW(write_folder(folder / "deep/model", Existing::kRefuse, write),
               std::filesystem::filesystem_error);
  EXPECT_EQ(read_file(folder / "deep/model/one"), "1");
}

TEST(Files, ALockIsExclusiveAndSaysWhoHoldsIt) {
  const test::TemporaryFolder folder;
  const auto path = folder / "runner.lock";
  {
    const auto lock = FileLock::try_lock(path);
    ASSERT_TRUE(lock.has_value());
    EXPECT_FALSE(FileLock::try_lock(path).has_value());
    EXPECT_TRUE(lock->owner().starts_with(std::to_string(::getpid()) + " " + host_name() + " 20"));
    EXPECT_EQ(read_file(path), lock->owner() + "\n");
    lock->say("demo running 12\n");
    lock->say("demo 3\n");
    EXPECT_EQ(read_file(path), lock->owner() + "\ndemo 3\n");
  }
  EXPECT_TRUE(FileLock::try_lock(path).has_value());
}

TEST(Files, NothingIsWrittenThroughALinkOrToWhatIsNoFile) {
  const test::TemporaryFolder folder;
  const auto victim = folder.write("victim", "precious");
  const auto link = folder / "link";
  const auto hard = folder / "hard";
  const auto pipe = folder / "pipe";
  std::filesystem::create_symlink(victim, link);
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(error_of([&] { open_own_file(link, O_RDWR); }),
            link.string() + ": is a symbolic link, which is not written through; remove it");
  EXPECT_EQ(error_of([&] { open_own_file(pipe, O_RDWR); }),
            pipe.string() + ": is no regular file; remove it");
  EXPECT_THROW(FileLock::try_lock(link), Error);
  std::filesystem::create_hard_link(victim, hard);
  EXPECT_EQ(error_of([&] { open_own_file(hard, O_RDWR); }),
            hard.string() + ": has another name, too (a hard link); remove it");
  EXPECT_EQ(read_file(victim), "precious");
}

TEST(Files, ALockCanBeOpenedByItsOwnerAlone) {
  const test::TemporaryFolder folder;
  const auto path = folder.write("runner.lock", "of an earlier version");
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  const auto lock = FileLock::try_lock(path);
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
}

TEST(Files, ACacheFolderIsAbsoluteOrNone) {
  const std::string home = std::getenv("HOME") == nullptr ? "" : std::getenv("HOME");
  ::setenv("XDG_CACHE_HOME", "relative", 1);
  ::setenv("HOME", "relhome", 1);
  EXPECT_EQ(cache_folder(), "");
  ::setenv("HOME", "/elsewhere", 1);
  EXPECT_EQ(cache_folder(), "/elsewhere/.cache/mvn-runner");
  ::setenv("XDG_CACHE_HOME", "/cache", 1);
  EXPECT_EQ(cache_folder(), "/cache/mvn-runner");
  ::unsetenv("XDG_CACHE_HOME");
  ::setenv("HOME", home.c_str(), 1);
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
