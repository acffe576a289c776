#include "train/trainer/checkpoints.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/temporary_folder.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

class CheckpointsTest : public testing::Test {
 protected:
  static Snapshot snapshot_at(std::int64_t step) {
    Snapshot snapshot;
    snapshot.step = step;
    snapshot.state = {{"sum", 0.1 + static_cast<double>(step)}};
    snapshot.tensors["weight"] = torch::full({2, 3}, static_cast<double>(step));
    return snapshot;
  }

  test::TemporaryFolder temporary_;
  fs::path folder_ = temporary_ / "checkpoints";
};

TEST_F(CheckpointsTest, GivesBackTheNewest) {
  const CheckpointStore store(folder_, 2);
  for (const std::int64_t step : {9, 10, 100}) store.save(snapshot_at(step));
  std::vector<std::string> problems;
  const auto loaded = store.load_newest(problems);
  EXPECT_EQ(loaded.step, 100);
  EXPECT_EQ(loaded.state.at("sum").get<double>(), 100.1);
  EXPECT_TRUE(torch::equal(loaded.tensors.at("weight"), torch::full({2, 3}, 100.0)));
  EXPECT_TRUE(problems.empty());
  EXPECT_FALSE(fs::exists(folder_ / "step-9"));
  EXPECT_TRUE(fs::exists(folder_ / "step-10"));
}

TEST_F(CheckpointsTest, ThoseOfEveryNthStepStay) {
  const CheckpointStore store(folder_, 1, 10);
  for (const std::int64_t step : {5, 10, 15, 20, 25}) store.save(snapshot_at(step));
  const std::map<std::int64_t, fs::path> kept = {{10, folder_ / "step-10"},
                                                 {20, folder_ / "step-20"}};
  EXPECT_EQ(store.kept(), kept);
  EXPECT_TRUE(fs::exists(folder_ / "step-25"));
  EXPECT_FALSE(fs::exists(folder_ / "step-15"));
  store.clear();
  EXPECT_EQ(store.kept(), kept);
  EXPECT_FALSE(fs::exists(folder_ / "step-25"));
  const CheckpointStore plain(folder_, 1);
  plain.clear();
  EXPECT_FALSE(fs::exists(folder_));
}

TEST_F(CheckpointsTest, WithoutAnyItIsStepZero) {
  std::vector<std::string> problems;
  EXPECT_EQ(CheckpointStore(folder_, 1).load_newest(problems).step, 0);
  EXPECT_TRUE(problems.empty());
}

TEST_F(CheckpointsTest, ADamagedOneFallsBackToTheOneBefore) {
  const CheckpointStore store(folder_, 3);
  for (const std::int64_t step : {1, 2, 3}) store.save(snapshot_at(step));
  {
    std::fstream file(folder_ / "step-3/tensors.safetensors", std::ios::in | std::ios::out);
    file.seekp(-1, std::ios::end);
    file.put('\x7f');
  }
  fs::remove(folder_ / "step-2/state.json");
  std::vector<std::string> problems;
  EXPECT_EQ(store.load_newest(problems).step, 1);
  ASSERT_EQ(problems.size(), 2U);
  const std::string tensors = (folder_ / "step-3/tensors.safetensors").string();
  EXPECT_EQ(problems[0], "checkpoint " + (folder_ / "step-3").string() +
                             " is damaged and skipped: " + tensors +
                             ": its bytes are not those that were written");
  EXPECT_EQ(problems[1],
            "checkpoint " + (folder_ / "step-2").string() +
                " is damaged and skipped: " + (folder_ / "step-2/state.json").string() +
                ": cannot read: No such file or directory");
}

TEST_F(CheckpointsTest, WhatAKilledProcessLeftIsNoCheckpointAndIsReplaced) {
  fs::create_directories(folder_ / "step-7.tmp");
  std::ofstream(folder_ / "step-7.tmp/tensors.safetensors") << "half of it";
  const CheckpointStore store(folder_, 1);
  std::vector<std::string> problems;
  EXPECT_EQ(store.load_newest(problems).step, 0);
  EXPECT_TRUE(problems.empty());
  store.save(snapshot_at(4));
  EXPECT_EQ(store.load_newest(problems).step, 4);
  EXPECT_FALSE(fs::exists(folder_ / "step-7.tmp"));
}

}  // namespace
}  // namespace mvn
