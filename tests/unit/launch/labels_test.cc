#include "orchestrate/launch/labels.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

using Labels = std::vector<std::string>;

PlannedTrial trial(const std::string& stage, Json parameters, std::int64_t seed = 0) {
  PlannedTrial trial;
  trial.stage = stage;
  trial.parameters = std::move(parameters);
  trial.seed = seed;
  return trial;
}

Labels labels(std::vector<PlannedTrial> trials) {
  SweepPlan plan;
  plan.name = "my-sweep";
  plan.trials = std::move(trials);
  return trial_labels(plan);
}

TEST(Labels, NameWhatVariesByItsLastPart) {
  EXPECT_EQ(labels({trial("", {{"optimizer.lr", 0.001}, {"adapter.r", 4}}, 0),
                    trial("", {{"optimizer.lr", 1e-5}, {"adapter.r", 4}}, 0),
                    trial("", {{"optimizer.lr", 1e-5}, {"adapter.r", 4}}, 1)}),
            (Labels{"lr=0.001 seed=0", "lr=1e-05 seed=0", "lr=1e-05 seed=1"}));
}

TEST(Labels, StagesComeFirstAndAreLookedAtOneByOne) {
  EXPECT_EQ(labels({trial("pretrain", {{"model.plugin", "mamba"}}),
                    trial("pretrain", {{"model.plugin", "gptneo"}}),
                    trial("classify", {{"model.plugin", "mamba"}})}),
            (Labels{"pretrain plugin=mamba", "pretrain plugin=gptneo", "classify"}));
}

TEST(Labels, ASweepOfOneTrialIsCalledByItsName) {
  EXPECT_EQ(labels({trial("", {{"optimizer.lr", 0.1}})}), Labels{"my-sweep"});
}

TEST(Labels, KeysWithTheSameLastPartStayWhole) {
  EXPECT_EQ(labels({trial("", {{"model.plugin", "mamba"}, {"task.plugin", "a"}}),
                    trial("", {{"model.plugin", "mamba"}, {"task.plugin", "b"}}),
                    trial("", {{"model.plugin", "gptneo"}, {"task.plugin", "a"}})}),
            (Labels{"model.plugin=mamba task.plugin=a", "model.plugin=mamba task.plugin=b",
                    "model.plugin=gptneo task.plugin=a"}));
}

TEST(Labels, WhatMovesTogetherIsSaidOnceAndPathsLast) {
  EXPECT_EQ(
      labels(
          {trial("", {{"model.plugin", "mamba"}, {"model.weights", "../models/mamba-130m-hf"}}),
           trial("", {{"model.plugin", "gptneo"}, {"model.weights", "../models/gpt-neo-125m"}})}),
      (Labels{"plugin=mamba", "plugin=gptneo"}));
}

TEST(Labels, APathIsCalledByItsLastPart) {
  EXPECT_EQ(
      labels({trial("", {{"task.train", "data/sst2/"}}), trial("", {{"task.train", "data/trec"}})}),
      (Labels{"train=sst2", "train=trec"}));
}

TEST(Shortened, CutsWholeCharacters) {
  EXPECT_EQ(shortened("short", 10), "short");
  EXPECT_EQ(shortened("a long label", 8), "a lon...");
  EXPECT_EQ(shortened("\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc", 5), "\u00e4\u00f6...");
  EXPECT_EQ(columns("\u00e4b"), 2U);
}

}  // namespace
}  // namespace mvn
