#include "common/spool.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "common/disk_full.h"
#include "common/files.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

TEST(Spool, WhatIsWrittenIsRead) {
  const test::TemporaryFolder folder;
  const auto path = folder / "attempts/1/spool.jsonl";
  SpoolWriter writer(path);
  writer.write(MetricRecord{10, {{"train/loss", 0.5}, {"train/grad_norm", std::nan("")}}});
  writer.write(ProgressRecord{10, 200});
  writer.write(EndRecord{0, ""});

  const auto batch = read_spool(path, 0);
  ASSERT_EQ(batch.records.size(), 3U);
  EXPECT_EQ(batch.records[0]["values"]["train/loss"], 0.5);
  EXPECT_EQ(batch.records[0]["values"]["train/grad_norm"], "NaN");
  EXPECT_EQ(batch.records[1]["steps"], 200);
  EXPECT_TRUE(batch.records[2]["time"].is_number_integer());
  EXPECT_EQ(batch.end_offset, std::filesystem::file_size(path));
}

TEST(Spool, ReadingGoesOnWhereItStopped) {
  const test::TemporaryFolder folder;
  const auto path = folder / "spool.jsonl";
  SpoolWriter writer(path);
  writer.write(ProgressRecord{1, 3});
  const auto first = read_spool(path, 0);
  writer.write(ProgressRecord{2, 3});
  writer.write(ProgressRecord{3, 3});
  const auto second = read_spool(path, first.end_offset);
  ASSERT_EQ(second.records.size(), 2U);
  EXPECT_EQ(second.records[0]["step"], 2);
  EXPECT_TRUE(read_spool(path, second.end_offset).records.empty());
}

TEST(Spool, ABoundedReadTakesWholeLines) {
  const test::TemporaryFolder folder;
  const auto path = folder / "spool.jsonl";
  SpoolWriter writer(path);
  for (int step = 0; step < 10; ++step) writer.write(ProgressRecord{step, 10});
  std::uint64_t offset = 0;
  std::vector<int> steps;
  while (true) {
    const auto batch = read_spool(path, offset, 1);
    if (batch.records.empty()) break;
    EXPECT_EQ(batch.records.size(), 1U);
    steps.push_back(batch.records[0]["step"]);
    offset = batch.end_offset;
  }
  EXPECT_EQ(steps, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(Spool, ATornLastLineIsIgnoredUntilItIsWhole) {
  const test::TemporaryFolder folder;
  const auto path = folder.write("spool.jsonl", "{\"type\":\"start\"}\n{\"type\":\"pro");
  const auto torn = read_spool(path, 0);
  EXPECT_EQ(torn.records.size(), 1U);
  EXPECT_TRUE(torn.damaged.empty());
  std::ofstream(path, std::ios::app) << "gress\",\"step\":1,\"steps\":2}\n";
  EXPECT_EQ(read_spool(path, torn.end_offset).records.at(0)["step"], 1);
}

TEST(Spool, AWriterAfterACrashDoesNotJoinTheTornLine) {
  const test::TemporaryFolder folder;
  const auto path = folder.write("spool.jsonl", "{\"type\":\"pro");
  SpoolWriter(path).write(ProgressRecord{1, 2});
  const auto batch = read_spool(path, 0);
  EXPECT_EQ(batch.records.size(), 1U);
  EXPECT_EQ(batch.damaged, std::vector<std::string>{"{\"type\":\"pro"});
}

// Limits the size of the files that this process writes, which a full disk does to all.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  SizeLimit(const SizeLimit&) = delete;
  SizeLimit& operator=(const SizeLimit&) = delete;
  ~SizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(Spool, ARecordThatDoesNotFitLeavesNothingBehind) {
  const test::TemporaryFolder folder;
  const auto path = folder / "spool.jsonl";
  SpoolWriter writer(path);
  writer.write(ProgressRecord{1, 3});
  const auto size = std::filesystem::file_size(path);
  {
    const SizeLimit limit(size + 10);
    EXPECT_THROW(writer.write(ProgressRecord{2, 3}), Error);
  }
  EXPECT_EQ(std::filesystem::file_size(path), size);
  writer.write(ProgressRecord{3, 3});
  const auto batch = read_spool(path, 0);
  EXPECT_TRUE(batch.damaged.empty());
  ASSERT_EQ(batch.records.size(), 2U);
  EXPECT_EQ(batch.records[1]["step"], 3);
}

TEST(Spool, NothingIsWrittenThroughALink) {
  const test::TemporaryFolder folder;
  const auto victim = folder.write("victim", "mine\n");
  std::filesystem::create_symlink(victim, folder / "spool.jsonl");
  EXPECT_EQ(test::error_of([&] {
              SpoolWriter(folder / "spool.jsonl").write(ProgressRecord{1, 2});
            }),
            (folder / "spool.jsonl").string() + ": cannot open: Too many levels of symbolic links");
  EXPECT_EQ(read_file(victim), "mine\n");
}

TEST(Spool, AFullDiskIsSaid) {
  EXPECT_EQ(test::error_of([] {
              SpoolWriter("/dev/full").write(ProgressRecord{1, 2});
            }),
            "/dev/full: cannot write: No space left on device");
  EXPECT_THROW(SpoolWriter("/dev/full").write(ProgressRecord{1, 2}), DiskFull);
}

TEST(Spool, ALineThatIsNoRecordIsReportedAndSkipped) {
  const test::TemporaryFolder folder;
  const auto path = folder.write("spool.jsonl", "hello\n[1]\n{\"type\":7}\n{\"type\":\"start\"}\n");
  const auto batch = read_spool(path, 0);
  EXPECT_EQ(batch.records.size(), 1U);
  EXPECT_EQ(batch.damaged, (std::vector<std::string>{"hello", "[1]", "{\"type\":7}"}));
}

TEST(Spool, ALineThatNestsTooDeeplyIsReportedAndSkipped) {
  const test::TemporaryFolder folder;
  const std::string deep = "{\"type\":\"event\",\"message\":" + std::string(100'000, '[') +
                           std::string(100'000, ']') + "}";
  const auto path = folder.write("spool.jsonl", deep + "\n{\"type\":\"start\"}\n");
  const auto batch = read_spool(path, 0);
  EXPECT_EQ(batch.records.size(), 1U);
  EXPECT_EQ(batch.damaged, std::vector<std::string>{deep.substr(0, 200)});
}

TEST(Spool, ALineThatIsTooLongIsReportedOnceAndSkipped) {
  const test::TemporaryFolder folder;
  const std::string start = "{\"type\":\"start\"}\n";
  const std::string most =
      R"({"type":"event","message":")" + std::string(kLongestRecord - 29, 'x') + "\"}";
  ASSERT_EQ(most.size(), kLongestRecord);
  const auto path = folder.write("spool.jsonl", start + most + "\n" + most + " \n" + start);
  const auto batch = read_spool(path, 0);
  EXPECT_EQ(batch.records.size(), 3U);
  EXPECT_EQ(batch.damaged, std::vector<std::string>{most.substr(0, 200)});
}

TEST(Spool, ALineThatIsTooLongIsNotReadAnewWhileItGrows) {
  const test::TemporaryFolder folder;
  const auto path = folder.write("spool.jsonl", std::string(kLongestRecord, 'x'));
  const auto grow = [&](const std::string& text) {
    std::ofstream(path, std::ios::app | std::ios::binary) << text;
  };
  EXPECT_EQ(read_spool(path, 0).end_offset, 0U);  // its end may come
  grow("x");
  auto batch = read_spool(path, 0);
  EXPECT_EQ(batch.end_offset, kLongestRecord + 1);
  EXPECT_EQ(batch.damaged, std::vector<std::string>{std::string(200, 'x')});
  // What is left of it is no line of its own, however it arrives.
  grow(std::string(2 * kLongestRecord, 'y'));
  batch = read_spool(path, batch.end_offset);
  EXPECT_EQ(batch.end_offset, 3 * kLongestRecord + 1);
  EXPECT_TRUE(batch.damaged.empty());
  grow("z\n{\"type\":\"start\"}\n");
  batch = read_spool(path, batch.end_offset);
  EXPECT_TRUE(batch.damaged.empty());
  EXPECT_EQ(batch.records.size(), 1U);
}

TEST(Spool, IsItsUsersAlone) {
  const test::TemporaryFolder folder;
  const auto path = folder / "spool.jsonl";
  SpoolWriter(path).write(ProgressRecord{1, 2});
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
}

TEST(Spool, AReadThatFailsIsNotItsEnd) {
  EXPECT_EQ(test::error_of([] { read_spool("/proc/self/mem", 0); }),
            "/proc/self/mem: cannot read: Input/output error");
}

TEST(Spool, AMissingFileHasNoRecords) {
  EXPECT_TRUE(read_spool("/no/such/spool.jsonl", 0).records.empty());
}

}  // namespace
}  // namespace mvn
