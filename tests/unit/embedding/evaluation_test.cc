// The figures against those of scipy 1.17.1 (spearmanr), scikit-learn 1.9.1 (LogisticRegression,
// f1_score), numpy 2.4.6 (RandomState(42).shuffle) and pytrec_eval-terrier (ndcg_cut.10), which
// were computed once from the same vectors, each in the way of mteb's evaluators.
#include "evaluation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "made_vectors.h"
#include "probe.h"
#include "ranking.h"

namespace mvn::test {
namespace {

Indices counted(std::int64_t begin, std::int64_t end) {
  Indices all(static_cast<std::size_t>(end - begin));
  std::iota(all.begin(), all.end(), begin);
  return all;
}

double metric(const std::vector<Metric>& metrics, const std::string& name) {
  for (const auto& each : metrics) {
    if (each.name == name) return each.value;
  }
  ADD_FAILURE() << "no metric " << name;
  return -1;
}

TEST(Evaluation, SpearmanIsScipys) {
  Measurements what;
  auto& sts = what.sts.emplace();
  sts.first = counted(0, 40);
  sts.second = counted(40, 80);
  for (int i = 0; i < 40; ++i) sts.scores.push_back((i * 37 % 11) / 2.0);
  EXPECT_NEAR(-0.11896113392297776, metric(measure(what, made_vectors(80)), "sts_spearman"), 1e-12);
}

TEST(Evaluation, SpearmanTakesMeanRanksAndKnowsNoOrderOfEquals) {
  EXPECT_NEAR(1, spearman(std::vector<double>{1, 2, 2, 9}, std::vector<double>{-3, 0, 0, 1}),
              1e-15);
  EXPECT_NEAR(-1, spearman(std::vector<double>{1, 2, 3}, std::vector<double>{3, 2, 1}), 1e-15);
  EXPECT_TRUE(std::isnan(spearman(std::vector<double>{1, 1, 1}, std::vector<double>{3, 2, 1})));
}

// Of mteb 2.26.24 (AbsTaskPairClassification._compute_metrics_values); a third of the scores are
// tied.
TEST(Evaluation, PairsAreToldApartAsMtebDoes) {
  std::vector<double> scores;
  std::vector<std::int64_t> labels;
  for (int i = 0; i < 60; ++i) {
    scores.push_back((i * 37 % 17) / 17.0);
    labels.push_back(i * 7 % 5 < 2 || scores.back() > 0.8 ? 1 : 0);
  }
  const auto found = separation(scores, labels);
  EXPECT_NEAR(0.7419290802179279, found.average_precision, 1e-12);
  EXPECT_NEAR(0.6833333333333333, found.accuracy, 1e-12);
  EXPECT_NEAR(0.6666666666666666, found.f1, 1e-12);
}

TEST(Evaluation, APairIsJudgedByItsCosine) {
  Measurements what;
  what.pairs = {.first = {0, 0, 1}, .second = {0, 1, 1}, .scores = {1, 0, 1}};
  const auto metrics = measure(what, torch::tensor({{3.0F, 0.0F}, {0.0F, 0.1F}}));
  EXPECT_EQ(1, metric(metrics, "pair_ap"));
  EXPECT_EQ(1, metric(metrics, "pair_accuracy"));
  EXPECT_EQ(1, metric(metrics, "pair_f1"));
  EXPECT_EQ(1, metric(metrics, "main_score"));
  what.sts = {.first = {0, 0, 1}, .second = {0, 1, 1}, .scores = {0, 1, 0}};
  EXPECT_NEAR(0, metric(measure(what, torch::tensor({{3.0F, 0.0F}, {0.0F, 0.1F}})), "main_score"),
              1e-12);
}

// Queries 80 .. 84; sixty documents, of which ten are twins of others.
TEST(Evaluation, NdcgIsTrecEvals) {
  Measurements what;
  auto& search = what.search.emplace();
  search.queries = counted(80, 85);
  for (std::int64_t i = 0; i < 60; ++i) {
    search.documents.push_back(100 + i % 50);
    search.names.push_back("d" + std::to_string(i));
  }
  for (std::int64_t query = 0; query < 5; ++query) {
    auto& judged = search.judged.emplace_back();
    for (int k = 0; k < 6; ++k) judged.emplace_back((query * 13 + k * 7) % 60, 1 + k % 2);
  }
  EXPECT_NEAR(0.10093020587674979, metric(measure(what, made_vectors(150)), "ndcg_at_10"), 1e-12);
}

// trec_eval puts the greater name first where scores are equal: "b", then "a10", "a1".
TEST(Evaluation, NdcgBreaksTiesByTheNameBackwards) {
  const std::vector<std::string> names = {"a1", "b", "a10"};
  const std::vector<float> equal = {0.5F, 0.5F, 0.5F};
  EXPECT_DOUBLE_EQ(1, ndcg(equal, names, {{1, 1}}, 10));
  EXPECT_DOUBLE_EQ(1 / std::log2(3.0), ndcg(equal, names, {{2, 1}}, 10));
  EXPECT_DOUBLE_EQ(0.5, ndcg(equal, names, {{0, 2}}, 10));
  EXPECT_EQ(0, ndcg(equal, names, {{0, 2}}, 2));
  EXPECT_EQ(0, ndcg(equal, names, {{0, 0}}, 10));
}

TEST(Evaluation, DrawsAreMtebs) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < 120; ++i) labels.push_back(i % 3);
  const auto draws = probe_draws(labels, 8, 2);
  EXPECT_EQ((Indices{44, 47, 4,  55, 26,  64, 73,  10, 40, 107, 18, 62,
                     11, 36, 89, 91, 109, 0,  104, 45, 42, 12,  15, 114}),
            draws[0]);
  EXPECT_EQ((Indices{98, 90, 26, 113, 15, 100, 77,  18, 33, 108, 88, 19,
                     62, 30, 57, 32,  86, 44,  103, 85, 78, 91,  31, 37}),
            draws[1]);
}

struct Case {
  std::int64_t classes;
  double accuracy;
  double f1;
  double sd;
  double ap = 0;  // of two classes
};

TEST(Evaluation, AProbeIsScikitLearnsAsMtebDrawsIt) {
  for (const auto& [classes, accuracy, f1, sd, ap] :
       {Case{2, 0.6758333333333334, 0.6746437451911022, 0.02187400791401115, 0.6186967286726546},
        Case{3, 0.5541666666666667, 0.553792538681595, 0.041708312520807325}}) {
    std::vector<std::int64_t> labels;
    for (std::int64_t i = 0; i < 240; ++i) labels.push_back(i % classes);
    Measurements what;
    auto& probe = what.probe.emplace();
    probe.classes = classes;
    for (const auto& rows : probe_draws({labels.begin(), labels.begin() + 120}, 8, 10)) {
      auto& draw = probe.draws.emplace_back();
      draw.texts = rows;
      for (const auto row : rows) draw.labels.push_back(row % classes);
    }
    probe.test = counted(120, 240);
    probe.labels.assign(labels.begin() + 120, labels.end());
    const auto metrics = measure(what, made_vectors(240, labels));
    EXPECT_NEAR(accuracy, metric(metrics, "probe_accuracy"), 1e-12) << classes;
    EXPECT_NEAR(f1, metric(metrics, "probe_f1"), 1e-12) << classes;
    EXPECT_NEAR(sd, metric(metrics, "probe_accuracy_sd"), 1e-12) << classes;
    EXPECT_EQ(classes == 2 ? 5U : 4U, metrics.size());
    EXPECT_EQ(metric(metrics, "probe_accuracy"), metric(metrics, "main_score"));
    if (classes == 2) {
      EXPECT_NEAR(ap, metric(metrics, "probe_ap"), 1e-12);
    }
  }
}

// A label of which no training text was drawn is never predicted.
TEST(Evaluation, AProbeKnowsOnlyTheLabelsItSaw) {
  const auto train = torch::tensor({{-1.0F}, {-2.0F}, {1.0F}, {2.0F}});
  const auto predicted =
      logistic_regression(train, {1, 1, 4, 4}, 6, torch::tensor({{-3.0F}, {3.0F}}));
  EXPECT_EQ((std::vector<std::int64_t>{1, 4}), predicted);
}

}  // namespace
}  // namespace mvn::test
