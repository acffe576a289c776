// Beside scikit-learn 1.9.1, numpy and Python for the same vectors and seeds.
#include "clustering.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "evaluation.h"
#include "made_vectors.h"
#include "peer_random.h"

namespace mvn::test {
namespace {

std::vector<std::int64_t> repeated(std::int64_t rows, std::int64_t classes) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < rows; ++i) labels.push_back(i % classes);
  return labels;
}

TEST(PeerRandom, IsNumpys) {
  NumpyRandom random(42);
  for (const int expected : {102, 435, 860, 270}) EXPECT_EQ(expected, random.below(1000));
  EXPECT_EQ(0.7319939418114051, random.uniform());
  EXPECT_EQ(0.5986584841970366, random.uniform());
  std::vector<std::int64_t> items = {0, 1, 2, 3, 4, 5, 6, 7};
  random.shuffle(items);
  EXPECT_EQ((std::vector<std::int64_t>{3, 7, 0, 4, 5, 2, 1, 6}), items);
  EXPECT_EQ(0, random.below(1));
}

TEST(PeerRandom, IsPythons) {
  PythonRandom random(42);
  EXPECT_EQ((std::vector<std::int64_t>{639, 25, 275, 223, 736}), random.choices(1000, 5));
  EXPECT_EQ((std::vector<std::int64_t>{692, 758, 913, 558}), random.sample(1000, 4));
  EXPECT_EQ((std::vector<std::int64_t>{2, 18, 13, 1, 0, 29}), random.sample(30, 6));
  EXPECT_EQ((std::vector<std::int64_t>{1, 4, 2, 0, 3}), random.sample(5, 5));
}

TEST(VMeasure, IsScikitLearns) {
  const std::vector<std::int64_t> labels = {0, 0, 1, 1, 2};
  EXPECT_NEAR(0.737175493807016, v_measure(labels, std::vector<std::int64_t>{1, 1, 0, 2, 2}),
              1e-15);
  EXPECT_DOUBLE_EQ(1, v_measure(labels, std::vector<std::int64_t>{7, 7, 3, 3, 5}));
  EXPECT_DOUBLE_EQ(1, v_measure(std::vector<std::int64_t>{4, 4}, std::vector<std::int64_t>{1, 1}));
  EXPECT_DOUBLE_EQ(0, v_measure(std::vector<std::int64_t>{0, 0}, std::vector<std::int64_t>{0, 1}));
  EXPECT_DOUBLE_EQ(0, v_measure(std::vector<std::int64_t>{0, 1}, std::vector<std::int64_t>{0, 0}));
}

struct Clustering {
  std::int64_t rows, classes, batch;
  double v_measure;
  std::vector<std::int64_t> first;  // clusters of the first rows
};

TEST(MiniBatchKMeans, IsScikitLearns) {
  const std::vector<Clustering> cases = {
      {240, 3, 32, 0.0733085661745559, {2, 2, 1, 2, 2, 2, 2, 0, 1, 0, 1, 1}},
      {240, 12, 64, 0.09218090769717675, {11, 3, 5, 5, 5, 5, 5, 4, 4, 4, 4, 4}},
      {2000, 40, 512, 0.1362765766772282, {21, 7, 7, 7, 7, 7, 7, 5, 10, 10, 10, 10}},
      {100, 20, 30, 0.45132011552828977, {3, 3, 3, 3, 3, 3, 3, 9, 9, 9, 9, 9}},
      {90, 9, 16, 0.12169384733591024, {8, 8, 8, 8, 8, 8, 8, 5, 5, 5, 5, 5}}};
  for (const auto& [rows, classes, batch, expected, first] : cases) {
    SCOPED_TRACE(classes);
    const auto labels = repeated(rows, classes);
    const auto found = mini_batch_kmeans(made_vectors(rows, labels), classes, batch, 42);
    ASSERT_EQ(rows, std::ssize(found));
    EXPECT_EQ(first, (std::vector<std::int64_t>{found.begin(), found.begin() + 12}));
    EXPECT_NEAR(expected, v_measure(labels, found), 1e-12);
  }
}

TEST(MiniBatchKMeans, OfEqualRowsPutsAllIntoOne) {
  const auto found = mini_batch_kmeans(torch::ones({20, 4}), 3, 8, 42);
  EXPECT_EQ(std::ranges::count(found, found.front()), 20);
}

// As mteb draws documents, and from them each clustering's.
TEST(Evaluation, ClustersAreDrawnAsMtebDrawsThem) {
  EvaluationSets sets;
  auto& clusters = sets.clusters.emplace();
  clusters.labels = repeated(240, 3);
  clusters.classes = 3;
  for (int i = 0; i < 240; ++i) clusters.texts.push_back("text " + std::to_string(i));
  TextList texts;
  const auto what = measurements_of(std::move(sets), Prompts{},
                                    {.clusters_documents = 200,
                                     .clusters_sample = 150,
                                     .clusters_draws = 4,
                                     .clusters_batch = 32},
                                    texts);
  ASSERT_EQ(200, std::ssize(texts.texts()));
  const auto all = made_vectors(240, repeated(240, 3));
  auto vectors = torch::empty({200, 8});
  for (std::int64_t i = 0; i < 200; ++i) {
    const auto& text = texts.texts()[static_cast<std::size_t>(i)];
    vectors[i] = all[std::stoi(text.substr(5))];
  }
  const auto metrics = measure(what, vectors);
  ASSERT_EQ(3, std::ssize(metrics));
  EXPECT_EQ("v_measure", metrics[0].name);
  EXPECT_NEAR(0.08711764611739584, metrics[0].value, 1e-12);
  EXPECT_NEAR(0.00885487074391455, metrics[1].value, 1e-12);
  EXPECT_EQ("main_score", metrics[2].name);
  EXPECT_EQ(metrics[0].value, metrics[2].value);
}

}  // namespace
}  // namespace mvn::test
