// From the vectors of a split's texts to its figures.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mvn/task.h"
#include "prompts.h"
#include "sets.h"

namespace mvn {

// Texts, each once, by their order of arrival.
class TextList {
 public:
  // The index of `text`.
  std::int64_t add(const std::string& text);
  [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }
  [[nodiscard]] std::vector<std::string> take();

 private:
  std::vector<std::string> texts_;
  std::map<std::string, std::int64_t> indices_;
};

using Indices = std::vector<std::int64_t>;  // of texts

// Texts by their indices: scored pairs,
struct MeasuredPairs {
  Indices first;
  Indices second;
  std::vector<double> scores;
};
// a search,
struct MeasuredSearch {
  Indices queries;
  Indices documents;
  std::vector<std::string> names;
  std::vector<std::vector<std::pair<std::int64_t, int>>> judged;
};
// texts that chance chose, with their labels,
struct LabelledDraw {
  Indices texts;
  std::vector<std::int64_t> labels;
};
// a probe, whose draws are what it learns from,
struct MeasuredProbe {
  std::vector<LabelledDraw> draws;
  Indices test;
  std::vector<std::int64_t> labels;
  std::int64_t classes = 0;
};

// and clusters.
struct MeasuredClusters {
  std::vector<LabelledDraw> draws;
  std::int64_t classes = 0;
  std::int64_t batch = 0;
};

// How many texts are drawn, and how often.
struct DrawRules {
  std::int64_t probe_examples = 8;  // of each label
  std::int64_t probe_draws = 10;
  std::optional<std::int64_t> clusters_documents;  // default: all
  std::int64_t clusters_sample = 16384;
  std::int64_t clusters_draws = 10;
  std::int64_t clusters_batch = 512;
};
DrawRules draw_rules(const Params& params);

// What a split is measured on.
struct Measurements {
  std::optional<MeasuredPairs> sts;
  std::optional<MeasuredPairs> pairs;
  std::optional<MeasuredSearch> search;
  std::optional<MeasuredProbe> probe;
  std::optional<MeasuredClusters> clusters;
};

// Adds the texts of `sets`, in their prompts, to `texts`. Of a probe's training texts only those
// that a draw takes, of those to cluster only those that are looked at.
Measurements measurements_of(EvaluationSets sets, const Prompts& prompts, const DrawRules& rules,
                             TextList& texts);

// vectors_ND: of all texts, in fp32 on the CPU. "sts_spearman"; "pair_ap", "pair_accuracy" and
// "pair_f1"; "ndcg_at_10"; "probe_accuracy", "probe_f1", of two labels "probe_ap", and
// "probe_accuracy_sd" (over the draws); "v_measure" and "v_measure_sd": of what there is.
// "main_score" is that which MTEB judges by, of several their mean; at least one of `what` is
// there.
std::vector<Metric> measure(const Measurements& what, const torch::Tensor& vectors_ND);

}  // namespace mvn
