#include "orchestrate/workers/results_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/files.h"
#include "orchestrate/process/pipe.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

using test::error_of;

std::string line_of(pid_t pid) {
  return std::to_string(pid) + " " + host_name() + " 2026-01-31 12:00:00\ndemo running 7\n";
}

TEST(ResultsLock, SaysWhoIsAtWorkAndAtWhat) {
  const test::TemporaryFolder results;
  EXPECT_FALSE(last_runner(results.path()));
  {
    const ResultsLock lock(results.path());
    lock.announce("demo", Course::kRunning, 7);
    const auto runner = last_runner(results.path());
    ASSERT_TRUE(runner);
    EXPECT_EQ(runner->pid, ::getpid());
    EXPECT_EQ(runner->sweep, "demo");
    EXPECT_EQ(runner->course, "running");
    EXPECT_EQ(runner->started, 7);
    EXPECT_TRUE(runner->alive);
    EXPECT_EQ(error_of([&] { ResultsLock{results.path()}; }),
              results.path().string() + " is in use by another mvn-runner, " + runner->text() +
                  ": wait for it to end, stop it, or choose another folder with --results");
  }
  EXPECT_FALSE(last_runner(results.path())->alive);
}

TEST(ResultsLock, AFileThatNamesAnotherProcessMakesItNoRunner) {
  const test::TemporaryFolder results;
  const auto file = results.write("runner.lock", line_of(::getpid()));
  EXPECT_FALSE(last_runner(results.path())->alive);
  // Nor does looking into the file, or a reader's lock.
  const Descriptor reader(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(last_runner(results.path())->alive);
  ASSERT_EQ(::flock(reader.get(), LOCK_SH), 0);
  EXPECT_FALSE(last_runner(results.path())->alive);
  for (const pid_t pid : {0, -1, 1}) {
    results.write("runner.lock", line_of(pid));
    EXPECT_FALSE(last_runner(results.path())->alive) << pid;
  }
}

TEST(ResultsLock, AProgramThatHoldsItIsNoRunner) {
  const test::TemporaryFolder results;
  const auto file = results.write("runner.lock", "");
  const Descriptor reader(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(reader.get(), LOCK_SH), 0);
  EXPECT_EQ(error_of([&] { ResultsLock{results.path()}; }),
            results.path().string() + " is in use by another program, which holds " +
                file.string() +
                " locked: wait for it to end, stop it, or choose another folder with --results");
}

TEST(ResultsLock, ALinkSpeaksOfAnotherFoldersRunner) {
  const test::TemporaryFolder results;
  const test::TemporaryFolder other;
  const ResultsLock lock(other.path());
  lock.announce("demo", Course::kRunning, 7);
  const auto file = results / "runner.lock";
  std::filesystem::create_symlink(other / "runner.lock", file);
  EXPECT_EQ(error_of([&] { last_runner(results.path()); }),
            file.string() + ": is a symbolic link; remove it");
}

TEST(ResultsLock, ARequestIsForTheRunnerThatItNames) {
  const test::TemporaryFolder results;
  {
    const ResultsLock before(results.path());
    leave_request(results.path(), *last_runner(results.path()), Course::kStopping);
  }
  auto runner = *last_runner(results.path());
  const ResultsLock lock(results.path());
  EXPECT_TRUE(has_request(results.path()));
  runner.since = "2026-01-31 12:00:00";  // of one that is no more
  leave_request(results.path(), runner, Course::kStopping);
  EXPECT_FALSE(lock.take_request());
  EXPECT_FALSE(has_request(results.path()));
  leave_request(results.path(), *last_runner(results.path()), Course::kDraining);
  EXPECT_EQ(lock.take_request(), Course::kDraining);
  EXPECT_FALSE(lock.take_request());
  EXPECT_FALSE(std::filesystem::exists(results / "runner.lock.taken"));
}

TEST(ResultsLock, ALinkIsNoRequest) {
  const test::TemporaryFolder results;
  const test::TemporaryFolder other;
  const ResultsLock lock(results.path());
  leave_request(other.path(), *last_runner(results.path()), Course::kStopping);
  std::filesystem::create_symlink(other / "runner.lock.request", results / "runner.lock.request");
  EXPECT_FALSE(lock.take_request());
}

}  // namespace
}  // namespace mvn
