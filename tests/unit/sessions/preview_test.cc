#include "orchestrate/sessions/preview.h"

#include <gtest/gtest.h>

#include <sstream>

#include "support/temporary_folder.h"

namespace mvn {
namespace {

constexpr double kGiB = 1024.0 * 1024 * 1024;

PreviewTrial trial(const std::string& label, const std::string& state, double seconds) {
  PreviewTrial trial;
  trial.id = std::string(64, 'a');
  trial.label = label;
  trial.state = state;
  trial.left = state != "done";
  trial.action = trial.left ? "train" : "-";
  if (seconds > 0) {
    auto& prediction = trial.prediction;
    prediction.basis = Basis::kSeeds;
    prediction.trials = 3;
    prediction.seconds = {seconds / 2, seconds, seconds * 2};
    prediction.host_bytes = 2 * kGiB;
    prediction.kept_bytes = kGiB;
    prediction.checkpoint_bytes = 3 * kGiB;
  }
  return trial;
}

Preview preview() {
  Preview preview;
  preview.sweep = "demo";
  preview.trials = {trial("lr=0.1 seed=0", "done", 0), trial("lr=0.1 seed=1", "new", 60),
                    trial("lr=0.1 seed=2", "new", 60)};
  preview.workers = 2;
  preview.threads = 4;
  preview.device = "cpu";
  preview.memory_bytes = 8 * kGiB;
  preview.free_disk_bytes = 100 * kGiB;
  return preview;
}

std::string printed(const Preview& preview, std::optional<std::size_t> width) {
  std::ostringstream out;
  print_preview(preview, width, out);
  return out.str();
}

TEST(Preview, TableAndTotals) {
  EXPECT_EQ(printed(preview(), 80),
            "trial          state  to do  time    by\n"
            "-------------  -----  -----  ------  -------\n"
            "lr=0.1 seed=0  done   -      -       -\n"
            "lr=0.1 seed=1  new    train  1m 00s  3 seeds\n"
            "lr=0.1 seed=2  new    train  1m 00s  3 seeds\n"
            "demo: 3 trials, 1 done, 2 to run\n"
            "time: 1m 00s (30.0 s to 2m 00s) with 2 workers of 4 threads on cpu\n"
            "memory: 2.0 GiB for the largest trial\n"
            "disk: 8.0 GiB to come, 100 GiB free\n");
}

TEST(Preview, FitsTheTerminal) {
  auto wide = preview();
  wide.trials[0].label = std::string(120, 'x');
  wide.trials[1].action = "go on from step 100000";
  std::istringstream lines(printed(wide, 60));
  for (std::string line; std::getline(lines, line) && !line.starts_with("demo:");) {
    EXPECT_LE(line.size(), 60U + 2) << line;  // "…" has three bytes
  }
}

TEST(Preview, SaysWhatItDoesNotKnow) {
  auto part = preview();
  part.trials.push_back(trial("lr=0.2", "failed", 0));
  const auto text = printed(part, {});
  EXPECT_NE(text.find("demo: 4 trials, 1 done, 3 to run (1 failed, 2 new)\n"), text.npos) << text;
  EXPECT_NE(text.find("time: more than 1m 00s (30.0 s to 2m 00s) with 2 workers of 4 threads on "
                      "cpu; 1 of 3 trials unknown\n"),
            text.npos)
      << text;
}

TEST(Preview, WarnsWhereTheMachineWillNotDo) {
  auto small = preview();
  small.memory_bytes = 3 * kGiB;
  small.free_disk_bytes = kGiB;
  EXPECT_EQ(shortages(small, total_of(small)),
            (std::vector<std::string>{
                "the disk will be full: 8.0 GiB to come, 1.0 GiB free; training.save_model: false "
                "or --results elsewhere helps",
                "memory may not do: 2 workers of up to 2.0 GiB each, and 3.0 GiB in all; fewer "
                "--workers help"}));
  EXPECT_TRUE(shortages(preview(), total_of(preview())).empty());
}

TEST(Preview, TheGpusTimeIsThatOfAllTrials) {
  auto gpu = preview();
  gpu.gpu = true;
  gpu.device = "cuda:0 to cuda:1";
  const auto total = total_of(gpu);
  EXPECT_DOUBLE_EQ(total.seconds.expected, 60);
  EXPECT_DOUBLE_EQ(total.device_seconds.expected, 120);
  EXPECT_NE(printed(gpu, {}).find("GPU time: 2m 00s (1m 00s to 4m 00s)\n"), std::string::npos);
}

TEST(Preview, WhatARunDoesAboutEachState) {
  const test::TemporaryFolder folder;
  SweepPlan plan;
  plan.name = "demo";
  std::map<std::string, TrialState> known;
  for (const auto state : {TrialState::kDone, TrialState::kInterrupted, TrialState::kFailed,
                           TrialState::kRunning, TrialState::kPlanned}) {
    PlannedTrial trial;
    trial.id = std::string(12, static_cast<char>('a' + static_cast<int>(plan.trials.size())));
    known[trial.id] = state;
    plan.trials.push_back(trial);
  }
  for (const auto* step : {"step-20", "step-100", "step-300.tmp"}) {
    folder.write("demo/bbbbbbbbbbbb/checkpoints/" + std::string(step) + "/state.json", "{}");
  }
  const auto actions = [&](bool running) {
    std::vector<std::string> found;
    for (const auto& each : preview_of(plan, known, folder.path(), running).trials) {
      found.push_back(each.state + ": " + each.action);
    }
    return found;
  };
  EXPECT_EQ(actions(false), (std::vector<std::string>{"done: -", "interrupted: go on from step 100",
                                                      "failed: train again", "running: train again",
                                                      "new: train"}));
  EXPECT_EQ(actions(true)[3], "running: runs now");
}

TEST(Preview, Bytes) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(12.4 * kGiB), "12 GiB");
}

}  // namespace
}  // namespace mvn
