#include "mvn/parallel.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace mvn::test {
namespace {

using Range = std::pair<std::int64_t, std::int64_t>;

class ParallelFor : public testing::Test {
 protected:
  ~ParallelFor() override { at::set_num_threads(before_); }

  // The ranges, in order, and the threads that had one.
  void run(std::int64_t count, std::int64_t grain) {
    parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
      const std::scoped_lock lock(mutex_);
      ranges_.emplace_back(begin, end);
      threads_.insert(std::this_thread::get_id());
    });
    std::ranges::sort(ranges_);
  }

  std::vector<Range> ranges_;
  std::set<std::thread::id> threads_;

 private:
  int before_ = at::get_num_threads();
  std::mutex mutex_;
};

TEST_F(ParallelFor, RunsOnAsManyThreadsAsLibTorch) {
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    threads_.clear();
    run(30, 1);
    EXPECT_EQ(threads, static_cast<int>(threads_.size()));
  }
}

TEST_F(ParallelFor, RangesBeginAtMultiplesOfTheGrain) {
  at::set_num_threads(3);
  run(100, 16);
  std::int64_t at = 0;
  for (const auto& [begin, end] : ranges_) {
    EXPECT_EQ(at, begin);
    EXPECT_EQ(0, begin % 16);
    at = end;
  }
  EXPECT_EQ(100, at);
}

TEST_F(ParallelFor, WhatIsNotWorthAThreadStaysWithTheCaller) {
  at::set_num_threads(3);
  run(16, 16);
  EXPECT_EQ((std::vector<Range>{{0, 16}}), ranges_);
  EXPECT_EQ(std::set{std::this_thread::get_id()}, threads_);
}

TEST_F(ParallelFor, OfNothingDoesNothing) {
  run(0, 16);
  EXPECT_TRUE(ranges_.empty());
}

TEST_F(ParallelFor, InsideAnotherIsOneRange) {
  at::set_num_threads(2);
  std::vector<int> inner(2);
  parallel_for(2, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) {
      parallel_for(100, 1,
                   [&, i](std::int64_t, std::int64_t) { ++inner[static_cast<std::size_t>(i)]; });
    }
  });
  EXPECT_EQ((std::vector<int>{1, 1}), inner);
}

TEST_F(ParallelFor, ThrowsWhatARangeThrew) {
  at::set_num_threads(2);
  const auto fail = [](std::int64_t begin, std::int64_t) {
    if (begin > 0) throw std::runtime_error("of the second range");
  };
  EXPECT_THROW(parallel_for(2, 1, fail), std::runtime_error);
}

}  // namespace
}  // namespace mvn::test
