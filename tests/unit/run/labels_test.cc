#include "orchestrate/run/labels.h"

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
            (Labels{"pretrain model=mamba", "pretrain model=gptneo", "classify"}));
}

TEST(Labels, ASweepOfOneTrialIsCalledByItsName) {
  EXPECT_EQ(labels({trial("", {{"optimizer.lr", 0.1}})}), Labels{"my-sweep"});
}

TEST(Labels, KeysWithTheSameLastPartStayWhole) {
  EXPECT_EQ(labels({trial("", {{"model.plugin", "mamba"}, {"task.plugin", "a"}}),
                    trial("", {{"model.plugin", "mamba"}, {"task.plugin", "b"}}),
                    trial("", {{"model.plugin", "gptneo"}, {"task.plugin", "a"}})}),
            (Labels{"model=mamba task=a", "model=mamba task=b", "model=gptneo task=a"}));
  EXPECT_EQ(labels({trial("", {{"a.x", 1}, {"b.x", 1}}), trial("", {{"a.x", 2}, {"b.x", 3}})}),
            (Labels{"a.x=1 b.x=1", "a.x=2 b.x=3"}));
}

TEST(Labels, WhatMovesTogetherIsSaidOnceAndPathsLast) {
  EXPECT_EQ(
      labels(
          {trial("", {{"model.plugin", "mamba"}, {"model.weights", "../models/mamba-130m-hf"}}),
           trial("", {{"model.plugin", "gptneo"}, {"model.weights", "../models/gpt-neo-125m"}})}),
      (Labels{"model=mamba", "model=gptneo"}));
}

TEST(Labels, AreTheNamesThatTheResultsHave) {
  // Each number is named, though one alone would tell the trials apart.
  EXPECT_EQ(labels({trial("", {{"args.lr", 0.1}, {"args.weight_decay", 2.8e-06}}, 0),
                    trial("", {{"args.lr", 0.2}, {"args.weight_decay", 0.5}}, 1)}),
            (Labels{"lr=0.1 weight_decay=2.8e-06 seed=0", "lr=0.2 weight_decay=0.5 seed=1"}));
  EXPECT_EQ(labels({trial("", {{"args.flag", true}, {"args.foo", "bar"}, {"args.n", nullptr}}),
                    trial("", {{"args.flag", false}, {"args.foo", "baz"}, {"args.n", 3}})}),
            (Labels{"flag=true foo=bar n=null", "flag=false foo=baz n=3"}));
  EXPECT_EQ(labels({trial("", {{"task.train", "data/sst2/a.tsv"}}),
                    trial("", {{"task.train", "data/trec/a.tsv"}})}),
            (Labels{"train=sst2", "train=trec"}));
}

}  // namespace
}  // namespace mvn
