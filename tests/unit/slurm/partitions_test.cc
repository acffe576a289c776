#include "orchestrate/slurm/partitions.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

const std::vector<Partition>& cluster() {
  static const auto partitions = read_partitions(
      "main*|1:00:00|16|64000|(null)|up\n"
      "gpu|2-00:00:00|32|256000|gpu:a100:4(S:0-1),gpu:t4:1(S:0,1)|up\n"
      "gpu|2-00:00:00|64|512000|gpu:a100:8(S:0-1)|up\n"
      "long|infinite|16|64000|(null)|up\n");
  return partitions;
}

std::vector<std::string> messages(const SlurmRequest& request) {
  std::vector<std::string> texts;
  for (const auto& each : what_is_too_much(request, cluster())) texts.push_back(each.message);
  return texts;
}

using Messages = std::vector<std::string>;

TEST(Partitions, AreReadAsSinfoPrintsThem) {
  ASSERT_EQ(cluster().size(), 4U);
  EXPECT_EQ(cluster()[0].name, "main");
  EXPECT_TRUE(cluster()[0].is_default);
  EXPECT_EQ(cluster()[0].longest, 3600);
  EXPECT_EQ(cluster()[1].longest, 2 * 86400);
  EXPECT_EQ(cluster()[1].cores, 32);
  EXPECT_EQ(cluster()[2].megabytes, 512000);
  EXPECT_FALSE(cluster()[3].longest);
}

TEST(Partitions, TimesAreSpelledAsSbatchTakesThem) {
  EXPECT_EQ(slurm_seconds("90"), 90 * 60);
  EXPECT_EQ(slurm_seconds("90:30"), 90 * 60 + 30);
  EXPECT_EQ(slurm_seconds("2:00:30"), 7230);
  EXPECT_EQ(slurm_seconds("1-12"), 129600);
  EXPECT_EQ(slurm_seconds("1-12:30"), 131400);
  EXPECT_EQ(slurm_seconds("1-00:00:01"), 86401);
  EXPECT_FALSE(slurm_seconds("infinite"));
  EXPECT_FALSE(slurm_seconds(""));
}

TEST(Partitions, MemoryIsInMegabytesUnlessItSays) {
  EXPECT_EQ(slurm_megabytes("4000"), 4000);
  EXPECT_EQ(slurm_megabytes("4000M"), 4000);
  EXPECT_EQ(slurm_megabytes("2048K"), 2);
  EXPECT_EQ(slurm_megabytes("16G"), 16384);
  EXPECT_EQ(slurm_megabytes("1T"), 1048576);
}

TEST(Partitions, GpusAreCountedByTheirType) {
  const std::string gres = "gpu:a100:4(S:0,1),gpu:t4:1,gpu:2,shard:8";
  EXPECT_EQ(gpus_of(gres, "a100"), 4);
  EXPECT_EQ(gpus_of(gres, "t4"), 1);
  EXPECT_EQ(gpus_of(gres, ""), 7);
  EXPECT_EQ(gpus_of(gres, "h200"), 0);
  EXPECT_EQ(gpus_of("(null)", ""), 0);
}

TEST(Partitions, WhatFitsSomewhereIsAskedFor) {
  EXPECT_EQ(messages({}), Messages());
  EXPECT_EQ(messages({.time = "1:00:00", .cpus_per_task = 16, .mem = "62G"}), Messages());
  EXPECT_EQ(messages({.partition = "gpu", .time = "2-0", .gpus = "a100:8"}), Messages());
  EXPECT_EQ(messages({.partition = "main,long", .time = "30-0"}), Messages());
}

TEST(Partitions, WhatFitsNowhereIsSaidWithWhatThereIs) {
  EXPECT_EQ(messages({.time = "61", .cpus_per_task = 17}),
            Messages({"launch.slurm.time: 61 is more than the cluster gives: main 1 h",
                      "launch.slurm.cpus-per-task: 17 cores of a node is more than the cluster "
                      "gives: main 16"}));
  EXPECT_EQ(messages({.partition = "gpu", .gpus = "t4:2", .mem = "600G"}),
            Messages({"launch.slurm.mem: 600G is more than the cluster gives: gpu 256000M, gpu "
                      "512000M",
                      "launch.slurm.gpus: t4:2 of a node is more than the cluster gives: gpu 1, "
                      "gpu 0"}));
  EXPECT_EQ(messages({.partition = "lang"}),
            Messages({"launch.slurm.partition: the cluster has no partition 'lang'; did you mean "
                      "'long'? (known: main, gpu, long)"}));
}

}  // namespace
}  // namespace mvn
