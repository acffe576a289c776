#include "orchestrate/slurm/request.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

BatchJob job() {
  return {.name = "mvn-demo",
          .command = {"/opt/mvn-runner", "--results", "/data/my results", "/data/sweep.yaml"},
          .folder = "/data",
          .log = "/data/my results/demo/slurm/job-%j.log",
          .script = "/data/my results/demo/slurm/submit.sh",
          .grace = 60};
}

TEST(SlurmRequest, IsPassedOnAsSbatchNamesIt) {
  const SlurmRequest request{.partition = "gpu",
                             .account = "me",
                             .qos = "low",
                             .time = "2:00:00",
                             .gpus = "a100:2",
                             .cpus_per_task = 8,
                             .mem = "64G",
                             .constraint = "nvme",
                             .extra = {"--reservation=course"}};
  EXPECT_EQ(sbatch_arguments(request, job()),
            (std::vector<std::string>{
                "--requeue", "--open-mode=append", "--signal=B:HUP@120", "--job-name=mvn-demo",
                "--output=/data/my results/demo/slurm/job-%j.log", "--chdir=/data", "--nodes=1",
                "--ntasks=1", "--partition=gpu", "--account=me", "--qos=low", "--time=2:00:00",
                "--gpus=a100:2", "--cpus-per-task=8", "--mem=64G", "--constraint=nvme",
                "--reservation=course", "/data/my results/demo/slurm/submit.sh"}));
}

TEST(SlurmRequest, WhatIsNotGivenIsSlurmsToDecide) {
  EXPECT_EQ(sbatch_arguments({}, job()).size(), 9U);
}

TEST(SlurmRequest, AShortJobIsNotWarnedAtOnce) {
  EXPECT_EQ(warning_time({}, 60), 120);
  EXPECT_EQ(warning_time({.time = "1"}, 60), 20);
  EXPECT_EQ(warning_time({.time = "10"}, 600), 200);
}

TEST(SlurmRequest, TheScriptIsTheRunnerAndNothingAround) {
  const auto script = batch_script({.extra = {"--comment=a\nrm b"}}, job());
  EXPECT_TRUE(
      script.starts_with("#!/bin/bash\n# By mvn-runner submit, which gave it to:\n# sbatch "));
  EXPECT_TRUE(
      script.ends_with("\nexport MVN_SLURM_SUBMITTED=\"$SLURM_JOB_ID\"\n"
                       "exec /opt/mvn-runner --results '/data/my results' "
                       "/data/sweep.yaml\n"));
  EXPECT_EQ(script.find("\nrm b"), std::string::npos);
}

}  // namespace
}  // namespace mvn
