#include "orchestrate/workers/places.h"

#include <gtest/gtest.h>

#include "mvn/error.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

Resources resources(const std::string& device, int workers = 0, int threads = 0) {
  return {threads, workers, device};
}

const std::vector<std::string> kCpu = {"cpu"};
const std::vector<std::string> kTwoGpus = {"cpu", "cuda:0", "cuda:1"};

TEST(Places, TheCoresAreDividedAmongTheTrialsThatCanRun) {
  const auto places = make_places(resources("auto"), kCpu, 8, 3, "");
  ASSERT_EQ(places.size(), 3U);
  EXPECT_EQ(places[0].device, "cpu");
  EXPECT_EQ(places[0].threads, 2);
  EXPECT_EQ(places[0].environment.at("OMP_NUM_THREADS"), "2");
  EXPECT_EQ(places[0].environment.at("CUDA_VISIBLE_DEVICES"), "");
}

TEST(Places, AtMostOneTrialPerCore) {
  const auto places = make_places(resources("cpu"), kTwoGpus, 4, 100, "");
  ASSERT_EQ(places.size(), 4U);
  EXPECT_EQ(places[3].threads, 1);
}

TEST(Places, WhatIsGivenCounts) {
  const auto places = make_places(resources("cpu", 2, 3), kCpu, 2, 100, "");
  ASSERT_EQ(places.size(), 2U);
  EXPECT_EQ(places[0].threads, 3);
}

TEST(Places, MoreWorkersThanCoresGetOneThreadEach) {
  const auto places = make_places(resources("cpu", 6), kCpu, 2, 100, "");
  ASSERT_EQ(places.size(), 6U);
  EXPECT_EQ(places[0].threads, 1);
}

TEST(Places, OneTrialPerGpu) {
  const auto places = make_places(resources("auto"), kTwoGpus, 8, 100, "");
  ASSERT_EQ(places.size(), 2U);
  EXPECT_EQ(places[1].name, "cuda:1");
  EXPECT_EQ(places[1].device, "cuda:0");
  EXPECT_EQ(places[1].environment.at("CUDA_VISIBLE_DEVICES"), "1");
  EXPECT_EQ(places[1].threads, 4);
}

TEST(Places, MoreWorkersThanGpusShareThem) {
  const auto places = make_places(resources("cuda", 3), kTwoGpus, 8, 100, "");
  ASSERT_EQ(places.size(), 3U);
  EXPECT_EQ(places[2].name, "cuda:0");
}

TEST(Places, OneGpuByName) {
  const auto places = make_places(resources("cuda:1"), kTwoGpus, 8, 100, "");
  ASSERT_EQ(places.size(), 1U);
  EXPECT_EQ(places[0].environment.at("CUDA_VISIBLE_DEVICES"), "1");
}

TEST(Places, KeepToTheGpusTheRunnerWasGiven) {
  const auto places = make_places(resources("auto"), kTwoGpus, 8, 100, "4,GPU-8f3a");
  EXPECT_EQ(places[0].environment.at("CUDA_VISIBLE_DEVICES"), "4");
  EXPECT_EQ(places[1].environment.at("CUDA_VISIBLE_DEVICES"), "GPU-8f3a");
}

TEST(Places, AsManyPerGpuAsTheSweepSays) {
  auto wanted = resources("cuda");
  wanted.max_trials_per_gpu = 2;
  const auto places = make_places(wanted, kTwoGpus, 8, 100, "");
  ASSERT_EQ(places.size(), 4U);
  EXPECT_EQ(places[0].name, "cuda:0");
  EXPECT_EQ(places[1].name, "cuda:1");  // empty GPUs first
  EXPECT_EQ(places[2].name, "cuda:0");
  EXPECT_EQ(places[3].threads, 2);
  EXPECT_EQ(make_places(resources("cpu"), kTwoGpus, 2, 100, "").size(), 2U);
}

TEST(Places, ThreadsTogetherAreNoMoreThanTheCores) {
  for (int cores = 1; cores < 20; ++cores) {
    for (std::size_t width = 1; width < 20; ++width) {
      int sum = 0;
      for (const auto& place : make_places(resources("cpu"), kCpu, cores, width, "")) {
        sum += place.threads;
      }
      EXPECT_LE(sum, cores) << width;
    }
  }
}

TEST(Cores, AreNoMoreThanTheQuotasOfTheControlGroups) {
  const test::TemporaryFolder root;
  EXPECT_EQ(cores_within_quotas(8, root.path(), "/a/b"), 8);
  root.write("a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(cores_within_quotas(8, root.path(), "/a/b"), 8);
  root.write("a/cpu.max", "250000 100000\n");
  EXPECT_EQ(cores_within_quotas(8, root.path(), "/a/b"), 3);
  EXPECT_EQ(cores_within_quotas(2, root.path(), "/a/b"), 2);
  EXPECT_EQ(cores_within_quotas(8, root.path(), "/"), 8);
  root.write("cpu.max", "50000 100000\n");
  EXPECT_EQ(cores_within_quotas(8, root.path(), "/"), 1);
}

std::string error_of(const std::string& device, const std::vector<std::string>& devices) {
  try {
    make_places(resources(device), devices, 2, 1, "");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}

TEST(Places, RefuseADeviceThatIsNotThere) {
  EXPECT_EQ(error_of("cuda", kCpu),
            "resources.device: 'cuda' is asked for, but LibTorch finds no GPU here");
  EXPECT_EQ(error_of("cuda:3", kTwoGpus),
            "resources.device: unknown device 'cuda:3'; did you mean 'cuda:0'? (known: cpu, "
            "cuda:0, cuda:1, auto, cuda)");
  EXPECT_EQ(error_of("gpu", kCpu),
            "resources.device: unknown device 'gpu'; did you mean 'cpu'? (known: cpu, auto)");
}

}  // namespace
}  // namespace mvn
