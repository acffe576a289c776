#include "evaluation.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <span>

#include "clustering.h"
#include "confusion.h"
#include "peer_random.h"
#include "probe.h"
#include "ranking.h"

namespace mvn {
namespace {

constexpr std::size_t kDepth = 10;           // of nDCG
constexpr std::int64_t kQueriesAtOnce = 64;  // against all documents

torch::Tensor rows_at(const torch::Tensor& vectors_ND, const Indices& rows) {
  return vectors_ND.index_select(0, torch::tensor(rows, torch::kLong));
}

// In float64, as a cosine needs it: a zero vector stays one.
torch::Tensor units_at(const torch::Tensor& vectors_ND, const Indices& rows) {
  const auto x = rows_at(vectors_ND, rows).to(torch::kDouble);
  return x / x.norm(2, 1, true).clamp_min(1e-300);
}

// Of each pair.
std::vector<double> cosines(const MeasuredPairs& pairs, const torch::Tensor& vectors_ND) {
  const auto cosine_N =
      (units_at(vectors_ND, pairs.first) * units_at(vectors_ND, pairs.second)).sum(1).contiguous();
  return {cosine_N.data_ptr<double>(), cosine_N.data_ptr<double>() + cosine_N.numel()};
}

// The mean over the queries. Scores are rounded to float32, as trec_eval holds them: documents of
// one text are equal.
double ndcg_of(const MeasuredSearch& search, const torch::Tensor& vectors_ND) {
  const auto documents = units_at(vectors_ND, search.documents).t();
  const auto queries = units_at(vectors_ND, search.queries);
  double sum = 0;
  for (std::int64_t begin = 0; begin < queries.size(0); begin += kQueriesAtOnce) {
    const auto rows = std::min(kQueriesAtOnce, queries.size(0) - begin);
    const auto scores =
        torch::mm(queries.narrow(0, begin, rows), documents).to(torch::kFloat32).contiguous();
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::span one(scores.data_ptr<float>() + row * scores.size(1), search.names.size());
      sum += ndcg(one, search.names, search.judged[static_cast<std::size_t>(begin + row)], kDepth);
    }
  }
  return sum / static_cast<double>(search.queries.size());
}

std::vector<Metric> pair_figures(const MeasuredPairs& pairs, const torch::Tensor& vectors_ND) {
  const std::vector<std::int64_t> labels(pairs.scores.begin(), pairs.scores.end());
  // Rounded to float32: of two texts that are equal the cosine is 1, whatever the last bits say.
  auto scores = cosines(pairs, vectors_ND);
  for (double& score : scores) score = static_cast<float>(score);
  const auto found = separation(scores, labels);
  return {{"pair_ap", found.average_precision},
          {"pair_accuracy", found.accuracy},
          {"pair_f1", found.f1}};
}

double deviation(const std::vector<double>& values, double mean) {
  double sum = 0;
  for (const double each : values) sum += (each - mean) * (each - mean);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

std::vector<Metric> probe_figures(const MeasuredProbe& probe, const torch::Tensor& vectors_ND) {
  std::vector<double> accuracies;
  double accuracy = 0;
  double f1 = 0;
  double ap = 0;
  const auto count = static_cast<double>(probe.draws.size());
  const auto test = rows_at(vectors_ND, probe.test);
  for (const auto& draw : probe.draws) {
    const auto predicted =
        logistic_regression(rows_at(vectors_ND, draw.texts), draw.labels, probe.classes, test);
    Confusion confusion(probe.classes);
    for (std::size_t i = 0; i < predicted.size(); ++i) confusion.add(probe.labels[i], predicted[i]);
    accuracies.push_back(confusion.accuracy());
    accuracy += accuracies.back() / count;
    f1 += confusion.macro_f1() / count;
    if (probe.classes == 2) {
      const std::vector<double> scores(predicted.begin(), predicted.end());
      ap += average_precision(scores, probe.labels) / count;
    }
  }
  std::vector<Metric> metrics = {{"probe_accuracy", accuracy},
                                 {"probe_f1", f1},
                                 {"probe_accuracy_sd", deviation(accuracies, accuracy)}};
  if (probe.classes == 2) metrics.push_back({"probe_ap", ap});
  return metrics;
}

std::vector<Metric> cluster_figures(const MeasuredClusters& clusters,
                                    const torch::Tensor& vectors_ND) {
  std::vector<double> values;
  for (const auto& draw : clusters.draws) {
    const auto found = mini_batch_kmeans(rows_at(vectors_ND, draw.texts), clusters.classes,
                                         clusters.batch, kMtebSeed);
    values.push_back(v_measure(draw.labels, found));
  }
  const double mean =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  return {{"v_measure", mean}, {"v_measure_sd", deviation(values, mean)}};
}

// The rows that MTEB would look at, and of these each draw's, by Python's random numbers; `add`
// gives the index of a row's text.
template <typename Add>
MeasuredClusters cluster_draws(const ClusterTexts& texts, const DrawRules& rules, const Add& add) {
  PythonRandom random(kMtebSeed);
  const auto all = std::ssize(texts.texts);
  Indices rows(static_cast<std::size_t>(all));
  std::iota(rows.begin(), rows.end(), 0);
  if (rules.clusters_documents) rows = random.sample(all, std::min(*rules.clusters_documents, all));
  Indices indices;
  std::set<std::int64_t> classes;
  for (const auto row : rows) {
    indices.push_back(add(texts.texts[static_cast<std::size_t>(row)]));
    classes.insert(texts.labels[static_cast<std::size_t>(row)]);
  }
  MeasuredClusters clusters{
      .draws = {}, .classes = std::ssize(classes), .batch = rules.clusters_batch};
  for (std::int64_t i = 0; i < rules.clusters_draws; ++i) {
    auto& draw = clusters.draws.emplace_back();
    for (const auto place : random.choices(std::ssize(rows), rules.clusters_sample)) {
      const auto at = static_cast<std::size_t>(place);
      draw.texts.push_back(indices[at]);
      draw.labels.push_back(texts.labels[static_cast<std::size_t>(rows[at])]);
    }
  }
  return clusters;
}

}  // namespace

DrawRules draw_rules(const Params& params) {
  return {.probe_examples = params.get_int("probe_examples"),
          .probe_draws = params.get_int("probe_draws"),
          .clusters_documents = params.has("clusters_documents")
                                    ? std::optional(params.get_int("clusters_documents"))
                                    : std::nullopt,
          .clusters_sample = params.get_int("clusters_sample"),
          .clusters_draws = params.get_int("clusters_draws"),
          .clusters_batch = params.get_int("clusters_batch")};
}

std::int64_t TextList::add(const std::string& text) {
  const auto [place, is_new] = indices_.emplace(text, static_cast<std::int64_t>(texts_.size()));
  if (is_new) texts_.push_back(text);
  return place->second;
}

std::vector<std::string> TextList::take() {
  indices_.clear();
  return std::move(texts_);
}

Measurements measurements_of(EvaluationSets sets, const Prompts& prompts, const DrawRules& rules,
                             TextList& texts) {
  const auto add_all = [&](const std::vector<std::string>& some, const Prompt& prompt) {
    Indices indices;
    for (const auto& text : some) indices.push_back(texts.add(prompt(text)));
    return indices;
  };
  const auto measured = [&](ScoredPairs& pairs) {
    return MeasuredPairs{.first = add_all(pairs.first, prompts.sts),
                         .second = add_all(pairs.second, prompts.sts),
                         .scores = std::move(pairs.scores)};
  };
  Measurements all;
  if (sets.sts) all.sts = measured(*sets.sts);
  if (sets.pairs) all.pairs = measured(*sets.pairs);
  if (sets.retrieval) {
    all.search = {.queries = add_all(sets.retrieval->queries, prompts.query),
                  .documents = add_all(sets.retrieval->documents, prompts.document),
                  .names = std::move(sets.retrieval->document_names),
                  .judged = std::move(sets.retrieval->judged)};
  }
  if (sets.probe) {
    auto& probe = all.probe.emplace();
    probe.classes = sets.probe->classes;
    for (const auto& rows :
         probe_draws(sets.probe->train_labels, rules.probe_examples, rules.probe_draws)) {
      auto& draw = probe.draws.emplace_back();
      for (const auto row : rows) {
        const auto i = static_cast<std::size_t>(row);
        draw.texts.push_back(texts.add(prompts.probe(sets.probe->train[i])));
        draw.labels.push_back(sets.probe->train_labels[i]);
      }
    }
    probe.test = add_all(sets.probe->test, prompts.probe);
    probe.labels = std::move(sets.probe->test_labels);
  }
  if (sets.clusters) {
    all.clusters = cluster_draws(*sets.clusters, rules, [&](const std::string& text) {
      return texts.add(prompts.probe(text));
    });
  }
  return all;
}

std::vector<Metric> measure(const Measurements& what, const torch::Tensor& vectors_ND) {
  std::vector<Metric> metrics;
  std::vector<double> main;
  // The first of `figures` is the one that MTEB judges by.
  const auto add = [&](std::vector<Metric> figures) {
    main.push_back(figures.front().value);
    metrics.insert(metrics.end(), figures.begin(), figures.end());
  };
  if (what.sts) {
    add({{"sts_spearman", spearman(cosines(*what.sts, vectors_ND), what.sts->scores)}});
  }
  if (what.pairs) add(pair_figures(*what.pairs, vectors_ND));
  if (what.search) add({{"ndcg_at_10", ndcg_of(*what.search, vectors_ND)}});
  if (what.probe) add(probe_figures(*what.probe, vectors_ND));
  if (what.clusters) add(cluster_figures(*what.clusters, vectors_ND));
  metrics.push_back({"main_score", std::accumulate(main.begin(), main.end(), 0.0) /
                                       static_cast<double>(main.size())});
  return metrics;
}

}  // namespace mvn
