#include "orchestrate/workers/packer.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

PackingRules two_gpus(int most, std::int64_t per_trial = 0) {
  return {most, per_trial, {{"cuda:0", 24 * kGiB}, {"cuda:1", 24 * kGiB}}};
}

TEST(Packer, TheFirstOfAShapeRunsAlone) {
  Packer packer(two_gpus(4));
  EXPECT_TRUE(packer.fits("cuda:0", 0, "small"));
  packer.start("cuda:0", 0, "small");
  EXPECT_FALSE(packer.fits("cuda:0", 1, "small"));
  EXPECT_TRUE(packer.fits("cuda:1", 1, "small"));
  EXPECT_FALSE(packer.end("cuda:0", 0));
}

TEST(Packer, WhatWasMeasuredIsPacked) {
  Packer packer(two_gpus(4));
  packer.learn("small", 8 * kGiB);  // with its share 9.6 GiB
  packer.start("cuda:0", 0, "small");
  EXPECT_TRUE(packer.fits("cuda:0", 1, "small"));
  packer.start("cuda:0", 1, "small");
  EXPECT_FALSE(packer.fits("cuda:0", 2, "small"));
  EXPECT_TRUE(packer.end("cuda:0", 0));
  EXPECT_TRUE(packer.fits("cuda:0", 2, "small"));
  EXPECT_TRUE(packer.end("cuda:0", 1)) << "the one beside it has ended, but it was there";
}

TEST(Packer, NoMoreThanTheSweepAllows) {
  Packer packer(two_gpus(2));
  packer.learn("tiny", kGiB);
  packer.start("cuda:0", 0, "tiny");
  packer.start("cuda:0", 1, "tiny");
  EXPECT_FALSE(packer.fits("cuda:0", 2, "tiny"));
}

TEST(Packer, OneTrialPerGpuUnlessTheSweepSaysMore) {
  Packer packer(two_gpus(1));
  packer.learn("tiny", 1);
  packer.start("cuda:0", 0, "tiny");
  EXPECT_FALSE(packer.shares("cuda:0"));
  EXPECT_FALSE(packer.fits("cuda:0", 1, "tiny"));
}

TEST(Packer, AGpuOfUnknownMemoryIsNotShared) {
  Packer packer({4, kGiB, {}});
  EXPECT_FALSE(packer.shares("cuda:0"));
  packer.start("cuda:0", 0, "tiny");
  EXPECT_FALSE(packer.fits("cuda:0", 1, "tiny"));
}

TEST(Packer, NobodyJoinsAProbe) {
  Packer packer(two_gpus(4));
  packer.learn("small", kGiB);
  packer.start("cuda:0", 0, "unknown");
  EXPECT_FALSE(packer.fits("cuda:0", 1, "small"));
}

TEST(Packer, AProbeWaitsForAnEmptyGpu) {
  Packer packer(two_gpus(4));
  packer.learn("small", kGiB);
  packer.start("cuda:0", 0, "small");
  EXPECT_TRUE(packer.needs_it_alone(1, "unknown"));
  EXPECT_FALSE(packer.fits("cuda:0", 1, "unknown"));
  packer.end("cuda:0", 0);
  EXPECT_TRUE(packer.fits("cuda:0", 1, "unknown"));
}

TEST(Packer, WhatTheSweepSaysNeedsNoProbe) {
  Packer packer(two_gpus(4, 12 * kGiB));
  packer.start("cuda:0", 0, "unknown");
  EXPECT_TRUE(packer.fits("cuda:0", 1, "another"));
  packer.start("cuda:0", 1, "another");
  EXPECT_FALSE(packer.fits("cuda:0", 2, "unknown"));
}

TEST(Packer, AnOverflowDoublesTheEstimateAndItsTrialRunsAlone) {
  Packer packer(two_gpus(4));
  packer.learn("small", 2 * kGiB);
  const auto before = packer.estimate("small");
  packer.start("cuda:0", 0, "small");
  packer.start("cuda:0", 1, "small");
  EXPECT_TRUE(packer.end("cuda:0", 1));
  packer.learn_overflow(1, "small");
  EXPECT_EQ(packer.estimate("small"), 2 * before);
  EXPECT_FALSE(packer.fits("cuda:0", 1, "small"));
  EXPECT_TRUE(packer.fits("cuda:0", 2, "small"));
  EXPECT_TRUE(packer.fits("cuda:1", 1, "small"));
}

TEST(Packer, ATrialLargerThanTheGpuIsTriedAlone) {
  Packer packer(two_gpus(4));
  packer.learn("huge", 100 * kGiB);
  EXPECT_TRUE(packer.fits("cuda:0", 0, "huge"));
}

TEST(Packer, TheLargestPeakCounts) {
  Packer packer(two_gpus(4));
  packer.learn("small", 2 * kGiB);
  const auto first = packer.estimate("small");
  packer.learn("small", kGiB);
  EXPECT_EQ(packer.estimate("small"), first);
  packer.learn("small", 3 * kGiB);
  EXPECT_GT(packer.estimate("small"), first);
}

}  // namespace
}  // namespace mvn
