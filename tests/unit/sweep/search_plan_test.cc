// How a plan takes in `method: bayes`, `early_terminate` and `run_cap`.
#include <gtest/gtest.h>

#include <set>

#include "description.h"
#include "orchestrate/sweep/problems.h"

namespace mvn {
namespace {

const std::string kBase = R"(
model: {plugin: mamba, weights: models/mamba}
task: {plugin: classification, train: a.tsv, validation: b.tsv, text: sentence, label: label}
)";

// With these draws, of which a search takes no more than it has.
SweepPlan plan_of(const std::string& text, const std::vector<Point>& drawn = {}) {
  SweepPlan plan = sweep_test::plan_text(kBase + text);
  for (const Point& point : drawn) append_draw(plan, "", point);
  return plan;
}

std::string search(const std::string& method, int cap, const std::string& more = "") {
  return "method: " + method + "\nrun_cap: " + std::to_string(cap) + "\n" + more + R"(
parameters:
  optimizer.lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-1}
  training.batch_size: {values: [8, 16]}
)";
}

TEST(BayesPlan, BeginsAsARandomSearchOfTenDraws) {
  const auto random = plan_of(search("random", 12));
  const auto bayes = plan_of(search("bayes", 12));
  ASSERT_EQ(bayes.trials.size(), 10U);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(bayes.trials[i].id, random.trials[i].id);
    EXPECT_EQ(bayes.trials[i].draw, static_cast<std::int64_t>(i));
    EXPECT_EQ(random.trials[i].draw, -1);
  }
  const auto& planned = bayes.searches.at("");
  EXPECT_EQ(planned.draws, 12);
  EXPECT_EQ(planned.points.size(), 10U);
  EXPECT_EQ(planned.random(3), planned.points[3]);
}

TEST(BayesPlan, DrawsNoCombinationTwice) {
  const auto plan = plan_of(R"(method: bayes
run_cap: 30
parameters:
  training.batch_size: {values: [8, 16, 32]}
  optimizer.beta2: {distribution: q_uniform, min: 0.2, max: 0.8, q: 0.2}
)");
  EXPECT_EQ(plan.searches.at("").draws, 12);  // 3 times 0.2, 0.4, 0.6 and 0.8
  std::set<std::string> ids;
  for (const auto& trial : plan.trials) ids.insert(trial.id);
  EXPECT_EQ(ids.size(), 10U);
  EXPECT_EQ(plan.trials.size(), 10U);
  EXPECT_EQ(plan.warnings,
            (std::vector<std::string>{"method: bayes: 30 draws are asked for, and its axes have 12 "
                                      "combinations: each is drawn once"}));
}

TEST(BayesPlan, TakesWhatIsDrawnWithEverySeed) {
  const auto plan =
      plan_of(search("bayes", 24, "repeats: {seeds: [0, 1]}\n"), {{0.25, 1}, {0.5, 0}});
  ASSERT_EQ(plan.trials.size(), 24U);
  const auto& last = plan.trials[21];
  EXPECT_EQ(last.parameters, (Json{{"optimizer.lr", 0.25}, {"training.batch_size", 16}}));
  EXPECT_EQ(last.draw, 10);
  EXPECT_EQ(last.seed, 1);
  EXPECT_EQ(plan.searches.at("").trials[10], (std::vector{plan.trials[20].id, last.id}));
  EXPECT_EQ(plan.searches.at("").seeds, 2);
}

TEST(BayesPlan, TakesNoMoreThanItsDraws) {
  EXPECT_EQ(plan_of(search("bayes", 11), {{0.25, 1}, {0.5, 0}}).trials.size(), 11U);
  EXPECT_EQ(plan_of(search("bayes", 30, "search: {draws: 4}\n")).trials.size(), 4U);
  EXPECT_EQ(plan_of(search("bayes", 3, "search: {draws: 9}\n")).searches.at("").draws, 3);
}

// Nothing is read or planned again: each draw resolves its own model, whose weights are looked up
// once, however many draws there were before; the file may be gone.
TEST(BayesPlan, ADrawIsPlannedAlone) {
  const sweep_test::Folder folder;
  const auto file = folder.write("sweep.yaml", kBase + R"(method: bayes
run_cap: 60
repeats: {seeds: [0, 1]}
parameters:
  model.weights: {values: ["trial:ab", "trial:cd"]}
  model.scan: {value: fast}
  model.attention_dropout: {min: 0.0, max: 1.0}
)");
  std::size_t lookups = 0;
  PlanOptions options;
  options.find_trial = [&](const std::string& prefix) {
    ++lookups;
    return prefix + "00";
  };
  auto installed = sweep_test::installed();
  for (auto& each : installed.components) {
    if (each.name == "mamba") {
      each.params.push_back({.name = "attention_dropout", .type = ParamType::kReal});
    }
  }
  SweepPlan plan = plan_sweep(file, installed, options);
  ASSERT_EQ(plan.trials.size(), 20U);
  EXPECT_EQ(lookups, 10U);
  std::filesystem::remove_all(folder.path());
  for (std::size_t draw = 10; draw < 30; ++draw) {
    append_draw(plan, "", {static_cast<double>(draw % 2), static_cast<double>(draw) / 100});
    EXPECT_EQ(lookups, draw + 1);
    ASSERT_EQ(plan.trials.size(), 2 * (draw + 1));
    EXPECT_EQ(plan.trials.back().draw, static_cast<std::int64_t>(draw));
    EXPECT_EQ(plan.trials.back().seed, 1);
  }
  EXPECT_EQ(plan.trials.back().parameters,
            (Json{{"model.attention_dropout", 0.29}, {"model.weights", {{"trial", "cd00"}}}}));
  EXPECT_EQ(locate(plan, "", "model.attention_dropout").line, 10);
}

// What a drawn trial starts from is looked for among the trials of its stage, as ever.
TEST(BayesPlan, ADrawStartsFromATrialOfAnotherStage) {
  const std::string text = R"(stages:
  first: {parameters: {training.batch_size: {values: [8, 16]}}}
  second:
    method: bayes
    search: {draws: 12}
    model: {weights: {stage: first}}
    parameters:
      training.batch_size: {values: [8, 16]}
      optimizer.lr: {min: 0.1, max: 0.2}
)";
  SweepPlan plan = plan_of(text);
  append_draw(plan, "second", {1, 0.15});
  const auto& drawn = plan.trials.back();
  EXPECT_EQ(drawn.depends_on, (std::vector{plan.trials[1].id}));
  const Json config = drawn.config;
  EXPECT_EQ(config.at("model").at("weights"), (Json{{"trial", plan.trials[1].id}}));
}

TEST(BayesPlan, ADrawForWhichRunCapHasNoRoomEndsTheSearch) {
  SweepPlan plan = plan_of(R"(run_cap: 12
stages:
  tune: {method: bayes, parameters: {optimizer.lr: {min: 0.1, max: 0.2}}}
  other: {parameters: {training.batch_size: {values: [8, 16]}}}
)");
  ASSERT_EQ(plan.trials.size(), 12U);
  append_draw(plan, "tune", {0.15});
  EXPECT_EQ(plan.trials.size(), 12U);
  EXPECT_EQ(plan.searches.at("tune").draws, 10);
}

// A larger cap or more seeds go on with a search; what its results depend on begins another one.
TEST(BayesPlan, IsKnownByWhatItsDrawsDependOn) {
  const auto id = [](const std::string& text) { return plan_of(text).searches.at("").id; };
  const auto first = id(search("bayes", 12));
  EXPECT_EQ(id(search("bayes", 40)), first);
  EXPECT_EQ(id(search("bayes", 40, "repeats: {seeds: [0, 1]}\n")), first);
  EXPECT_EQ(id(search("bayes", 12, "early_terminate: {type: asha, min_iter: 1}\n")), first);
  const std::set<std::string> others = {
      first, id(search("bayes", 12, "search: {seed: 1}\n")),
      id(search("bayes", 12, "training: {epochs: 2}\n")),
      id(search("bayes", 12, "metric: {name: eval/accuracy, goal: maximize}\n")),
      id(search("bayes", 12) + "  optimizer.beta2: {min: 0.1, max: 0.9}\n")};
  EXPECT_EQ(others.size(), 5U);
}

TEST(BayesPlan, ADrawThatItsParameterDoesNotAllowIsAnError) {
  EXPECT_THROW(plan_of(search("bayes", 12), {{-1, 0}}), SweepErrors);
}

TEST(BayesPlan, KeepsCountOfDrawsThatMakeNoTrial) {
  const auto excluded =
      plan_of(search("bayes", 12, "exclude: training.batch_size == 16\n"), {{0.25, 1}, {0.5, 0}});
  EXPECT_EQ(excluded.searches.at("").trials[10], std::vector<std::string>());
  EXPECT_EQ(excluded.searches.at("").trials[11].size(), 1U);
  const auto repeated = plan_of(search("bayes", 12), {{0.25, 1}, {0.25, 1}});
  EXPECT_EQ(repeated.trials.size(), 11U);
  EXPECT_EQ(repeated.searches.at("").trials[10], repeated.searches.at("").trials[11]);
}

TEST(StoppingPlan, ReadsARuleForEachStage) {
  const auto plan = plan_of(R"(early_terminate: {type: hyperband, max_iter: 27, s: 2, strict: true}
stages:
  one: {}
  two: {early_terminate: {strict: false}}
  three: {early_terminate: null}
)");
  EXPECT_EQ(plan.stopping.at("one").rungs, (std::vector<std::int64_t>{3, 9}));
  EXPECT_EQ(plan.stopping.at("one").written.at("strict"), true);
  EXPECT_EQ(
      plan.stopping.at("one").written,
      (Json{{"type", "hyperband"}, {"eta", 3.0}, {"max_iter", 27}, {"s", 2}, {"strict", true}}));
  EXPECT_EQ(plan.stopping.at("two").rungs, plan.stopping.at("one").rungs);  // maps merge
  EXPECT_EQ(plan.stopping.at("two").written.at("strict"), false);
  EXPECT_FALSE(plan.stopping.contains("three"));
}

// Twelve trials one after the other, each judged at every value: how many are stopped.
std::size_t stopped_of_twelve(const std::string& rule) {
  static const std::vector<std::vector<double>> losses = {
      {1.24, 1.27, 1.29, 0.54, 0.98, 0.89, 0.83, 0.32},
      {0.44, 0.76, 1.06, 0.5, 0.72, 0.53, 1.0, 1.08},
      {1.04, 1.5, 0.33, 1.06, 1.08, 0.37, 0.87, 0.73},
      {1.93, 0.55, 0.84, 1.13, 0.85, 0.52, 0.3, 1.07},
      {1.16, 1.5, 0.42, 1.06, 1.02, 1.09, 0.24, 0.56},
      {0.48, 1.2, 0.64, 1.21, 0.6, 0.96, 1.02, 0.44},
      {1.29, 1.45, 0.83, 0.61, 0.5, 0.97, 0.4, 0.77},
      {1.29, 0.96, 0.4, 0.91, 1.12, 0.53, 0.53, 1.04},
      {1.33, 0.63, 0.28, 1.0, 0.57, 0.67, 0.48, 0.79},
      {1.57, 0.67, 0.35, 1.24, 1.11, 0.25, 0.74, 0.84},
      {1.04, 1.18, 1.29, 0.84, 0.62, 0.42, 0.46, 0.36},
      {0.58, 0.55, 1.16, 0.79, 1.01, 1.09, 0.97, 0.27}};
  const auto plan = plan_of("early_terminate: " + rule + "\n");
  std::vector<Curve> curves;
  std::size_t stopped = 0;
  for (const auto& values : losses) {
    curves.emplace_back();
    bool stop = false;
    for (std::size_t i = 0; i < values.size() && !stop; ++i) {
      curves.back().values.push_back(values[i]);
      stop = judge(plan.stopping.at(""), /*maximize=*/false, curves, curves.size() - 1,
                   static_cast<std::int64_t>(i))
                 .has_value();
    }
    curves.back().done = !stop;
    stopped += stop ? 1 : 0;
  }
  return stopped;
}

// The numbers are those of W&B's hyperband_stop_runs() on the same values; `strict` is true to it
// where a sweep does not say.
TEST(StoppingPlan, HyperbandStopsAsManyAsWandb) {
  EXPECT_EQ(stopped_of_twelve("{type: hyperband, min_iter: 2, eta: 2}"), 6U);
  EXPECT_EQ(stopped_of_twelve("{type: hyperband, min_iter: 2, eta: 2, strict: true}"), 6U);
  EXPECT_EQ(stopped_of_twelve("{type: hyperband, min_iter: 2, eta: 2, strict: false}"), 1U);
}

TEST(StoppingPlan, ReadsLimitsAndATarget) {
  const auto plan = plan_of(R"(run_cap: {trials: 2, hours: 8, gpu_hours: 0.5}
metric: {name: eval/accuracy, goal: maximize, target: 0.9}
parameters: {training.batch_size: {values: [8, 16, 32]}}
)");
  EXPECT_EQ(plan.trials.size(), 2U);
  EXPECT_EQ(plan.cap.hours, 8);
  EXPECT_EQ(plan.cap.gpu_hours, 0.5);
  EXPECT_EQ(plan.metrics.at("").target, 0.9);
}

}  // namespace
}  // namespace mvn
