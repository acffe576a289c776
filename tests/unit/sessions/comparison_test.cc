#include "orchestrate/sessions/comparison.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/temporary_folder.h"

namespace mvn {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The speed is another one each time.
MetricValues values(double loss_at_2, double accuracy = 0.5) {
  static double speed = 100;
  ++speed;
  return {{{"train/loss", 1}, 1.0},
          {{"train/loss", 2}, loss_at_2},
          {{"eval/accuracy", 2}, accuracy},
          {{"train/tokens_per_second", 2}, speed}};
}

TEST(Comparison, TimingsAreKnownByTheirNames) {
  for (const auto* name : {"train/tokens_per_second", "eval_runtime", "time/forward", "step_ms",
                           "train/peak_share", "train_samples_per_second", "seconds"}) {
    EXPECT_TRUE(is_timing(name)) << name;
  }
  for (const auto* name : {"train/loss", "train/lr", "learning_rate", "eval/timeliness",
                           "data/padding_share", "sentiment", "", "/"}) {
    EXPECT_FALSE(is_timing(name)) << name;
  }
}

TEST(Comparison, TheSameValuesAreBitEqualWhateverTheSpeed) {
  const auto result = compare_metrics(values(0.25), values(0.25), 0);
  EXPECT_EQ(result.values, 3U);
  EXPECT_EQ(result.metrics, 2U);
  EXPECT_FALSE(result.largest);
  EXPECT_EQ(verdict_of(result, {}), Verdict::kBitEqual);
  EXPECT_EQ(verdict_text(result, {}, 0), "bit-equal: 3 values of 2 metrics; no model to compare");
  EXPECT_EQ(verdict_text(result, ModelComparison{2, {}}, 0),
            "bit-equal: 3 values of 2 metrics and the model (2 files)");
}

TEST(Comparison, TheLastBitCounts) {
  const auto result = compare_metrics(values(0.25), values(std::nextafter(0.25, 1)), 1e-5);
  EXPECT_EQ(verdict_of(result, {}), Verdict::kWithinTolerance);
  ASSERT_TRUE(result.largest);
  EXPECT_EQ(result.largest->metric, "train/loss");
  EXPECT_EQ(verdict_text(result, {}, 1e-5),
            "within tolerance (1e-05): the largest relative difference is 2.22044605e-16, at step "
            "2 in train/loss; no model to compare");
}

TEST(Comparison, OtherBytesOfTheModelAreNotBitEqual) {
  const auto result = compare_metrics(values(0.25), values(0.25), 1e-5);
  const ModelComparison models{2, {"adapter_model.safetensors"}};
  EXPECT_EQ(verdict_of(result, models), Verdict::kWithinTolerance);
  EXPECT_EQ(verdict_text(result, models, 1e-5),
            "within tolerance (1e-05): the metrics are bit-equal; the model's bytes differ in "
            "adapter_model.safetensors");
}

TEST(Comparison, SaysWhereItDiffersFirst) {
  auto before = values(0.25);
  auto now = values(0.26);
  before[{"eval/loss", 1}] = 3;
  now[{"eval/loss", 1}] = 3.0001;  // the earlier step, though a smaller difference
  const auto result = compare_metrics(before, now, 1e-5);
  EXPECT_EQ(verdict_of(result, {}), Verdict::kDifferent);
  EXPECT_EQ(verdict_text(result, {}, 1e-5),
            "different: first at step 1, eval/loss: 3 against 3.0001");
  EXPECT_EQ(result.largest->metric, "train/loss");
}

TEST(Comparison, AValueThatIsMissingIsADifference) {
  auto now = values(0.25);
  now.erase({"eval/accuracy", 2});
  EXPECT_EQ(verdict_text(compare_metrics(values(0.25), now, 1), {}, 1),
            "different: first at step 2, eval/accuracy: 0.5 against nothing");
  EXPECT_EQ(verdict_text(compare_metrics(now, values(0.25), 1), {}, 1),
            "different: first at step 2, eval/accuracy: nothing against 0.5");
}

TEST(Comparison, NaNAndInfinitiesAreEqualToThemselvesAlone) {
  EXPECT_FALSE(compare_metrics(values(kNaN), values(kNaN), 0).largest);
  EXPECT_FALSE(compare_metrics(values(kInfinity), values(kInfinity), 0).largest);
  EXPECT_TRUE(compare_metrics(values(kInfinity), values(-kInfinity), 1).first);
  EXPECT_TRUE(compare_metrics(values(kNaN), values(1), 1).first);
  EXPECT_TRUE(compare_metrics(values(0.0), values(-0.0), 0).largest);
  EXPECT_FALSE(compare_metrics(values(0.0), values(-0.0), 0).first);
}

TEST(Comparison, WhatCameLaterCanBeLeftOut) {
  EXPECT_FALSE(compare_metrics(values(0.25), values(0.5), 0, 1).largest);
}

TEST(Comparison, ATrialThatWasStoppedIsComparedAsFarAsItCame) {
  auto whole = values(0.25);
  whole[{"train/loss", 9}] = 0.1;
  EXPECT_EQ(last_step(values(0.25)), 2);
  EXPECT_EQ(last_step({}), std::nullopt);
  EXPECT_EQ(compare_metrics(values(0.25), whole, 0, last_step(values(0.25))).values, 3U);
}

TEST(Comparison, NothingToCompareIsNoProof) {
  const MetricValues speed = {{{"train/tokens_per_second", 1}, 3}};
  EXPECT_EQ(verdict_of(compare_metrics(speed, speed, 0), {}), Verdict::kDifferent);
}

TEST(Comparison, ModelsByTheBytesOfTheirWeights) {
  const test::TemporaryFolder folder;
  EXPECT_FALSE(compare_models(folder / "a", folder / "b"));
  folder.write("a/model.safetensors", "same");
  folder.write("a/config.json", "{}");
  EXPECT_FALSE(compare_models(folder / "a", folder / "b"));
  folder.write("b/model.safetensors", "same");
  EXPECT_TRUE(compare_models(folder / "a", folder / "b")->different.empty());
  folder.write("b/base/model.safetensors", "more");
  EXPECT_EQ(compare_models(folder / "a", folder / "b")->different,
            std::vector<std::string>{"base/model.safetensors"});
  folder.write("b/model.safetensors", "else");
  EXPECT_EQ(compare_models(folder / "a", folder / "b")->different.size(), 2U);
}

TEST(Comparison, OnlyWhatMattersOfTheEnvironmentIsNamed) {
  const std::string one(64, 'a');
  const std::string two(64, 'b');
  EXPECT_EQ(environment_differences(
                {{"threads", "2"},
                 {"git_commit", "x"},
                 {"plugin.lora", one},
                 {"host", "alpha"},
                 {"gpu", "H100"}},
                {{"threads", "4"}, {"git_commit", "y"}, {"plugin.lora", two}, {"host", "alpha"}}),
            (std::vector<std::string>{"plugin.lora: aaaaaaaaaaaa, now bbbbbbbbbbbb",
                                      "threads: 2, now 4"}));
}

}  // namespace
}  // namespace mvn
