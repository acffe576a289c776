// Several trials on one GPU, which the fake worker claims to have.
#include <gtest/gtest.h>

#include <cstdlib>

#include "common/files.h"
#include "common/json.h"
#include "e2e/harness.h"

namespace mvn::test {
namespace {

using Rows = std::vector<std::string>;

// Pairs of attempts that ran on one device at the same time, of which the second began later.
constexpr auto* kOverlaps =
    "SELECT count(*) FROM mvn_attempt a JOIN mvn_attempt b ON a.device = b.device"
    " WHERE (a.trial, a.attempt) <> (b.trial, b.attempt)"
    " AND a.started <= b.started AND b.started < a.ended";

class Gpus : public testing::Test {
 protected:
  Gpus() { ::setenv("FAKE_GPUS", R"({"cuda:0": 25769803776})", 1); }
  ~Gpus() override { ::unsetenv("FAKE_GPUS"); }

  void write(const std::string& task, const std::string& resources) {
    place_.write("sweep.yaml", sweep_text(task, "1.0, 2.0, 3.0",
                                          "resources: {device: cuda, " + resources + "}\n"));
  }
  Finished run() {
    auto finished = place_.run({"sweep.yaml"});
    EXPECT_EQ(finished.end.exit_code, 0) << finished.out << finished.err;
    return finished;
  }

  Workplace place_;
  Fifo holding_{place_ / "holding"};
  Fifo proceed_{place_ / "proceed"};
  const std::string hold_ = "hold_at: 2, holding: holding, proceed: proceed";
};

TEST_F(Gpus, OneTrialAtATimeUnlessTheSweepSaysMore) {
  write("peak: 1000", "threads: 1");
  run();
  EXPECT_EQ(place_.rows(kOverlaps), Rows{"0"});
  EXPECT_EQ(place_.rows("SELECT DISTINCT device FROM mvn_attempt"), Rows{"cuda:0"});
}

TEST_F(Gpus, ProbesThenPacks) {
  write("peak: 1073741824, " + hold_, "max_trials_per_gpu: 2");
  auto run = place_.start({"sweep.yaml"});
  holding_.line();
  proceed_.release(1);
  holding_.line();
  holding_.line();  // the other two hold at the same time
  EXPECT_EQ(place_.rows("SELECT state, count(*) FROM mvn_attempt GROUP BY state"),
            (Rows{"done|1", "running|2"}));
  EXPECT_EQ(place_.rows("SELECT count(*) FROM mvn_attempt a, mvn_attempt b WHERE a.state = 'done' "
                        "AND b.state = 'running' AND a.ended <= b.started"),
            Rows{"2"});
  proceed_.release(2);
  EXPECT_EQ(run.finish().end.exit_code, 0);
}

TEST_F(Gpus, EarlierRunsAreAProbe) {
  write("peak: 1073741824, " + hold_, "max_trials_per_gpu: 2");
  proceed_.release(3);
  run();
  for (int i = 0; i < 3; ++i) holding_.line();
  place_.write("sweep.yaml", sweep_text("peak: 1073741824, " + hold_, "4.0, 5.0",
                                        "resources: {device: cuda, max_trials_per_gpu: 2}\n"));
  auto more = place_.start({"sweep.yaml"});
  holding_.line();
  holding_.line();
  proceed_.release(2);
  EXPECT_EQ(more.finish().end.exit_code, 0);
}

TEST_F(Gpus, WhatDoesNotFitWaits) {
  write("", "max_trials_per_gpu: 3, gpu_memory: 13GiB");
  run();
  EXPECT_EQ(place_.rows(kOverlaps), Rows{"0"});
}

TEST_F(Gpus, AnOverflowBesideOthersIsTriedAloneWithTheSameMicroBatch) {
  place_.write("sweep.yaml",
               "name: demo\nmethod: list\nmodel: {plugin: toy}\ntask: {plugin: play}\n"
               "trials:\n"
               "  - {task.hold_at: 2, task.holding: holding, task.proceed: proceed}\n"
               "  - {task.oom_until: alone}\n"
               "resources: {device: cuda, max_trials_per_gpu: 2, gpu_memory: 1GiB}\n");
  auto run = place_.start({"sweep.yaml"});
  holding_.line();
  const auto retry = run.wait_for("RETRY");
  EXPECT_TRUE(retry.ends_with(" alone on its GPU: out of memory: no room")) << retry;
  place_.write("alone", "");
  proceed_.release(1);
  EXPECT_EQ(run.finish().end.exit_code, 0);
  EXPECT_EQ(place_.rows("SELECT count(*) FROM mvn_attempt a, mvn_attempt b WHERE a.attempt = 2 "
                        "AND b.trial <> a.trial AND a.started >= b.ended"),
            Rows{"1"});
  const auto folder = place_.rows("SELECT t.folder FROM trials t WHERE attempts = 2").front();
  const auto again = read_file(place_ / ("results/" + folder + "/attempts/2/trial.json"));
  EXPECT_EQ(again.find("micro_batch_size"), std::string::npos) << again;
}

}  // namespace
}  // namespace mvn::test
