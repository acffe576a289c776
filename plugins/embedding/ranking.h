// How well an order fits: the figures of STS, of pairs and of retrieval.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mvn {

// Spearman's correlation, ties at their mean rank, as scipy.stats.spearmanr gives it; NaN where one
// side is all alike. Both of one length.
double spearman(std::span<const double> x, std::span<const double> y);

// How well scores tell texts of label 1 from texts of label 0; both labels occur.
struct Separation {
  double average_precision = 0;  // as scikit-learn gives it
  double accuracy = 0;           // with the threshold that does best, as mteb finds it
  double f1 = 0;                 // likewise
};
Separation separation(std::span<const double> scores, std::span<const std::int64_t> labels);

// scikit-learn's average precision: of each threshold the precision, weighted by how much of label
// 1 it adds. 0 without label 1.
double average_precision(std::span<const double> scores, std::span<const std::int64_t> labels);

// nDCG at `depth` as trec_eval gives it: documents by their score, of equal ones the greater name
// first; gain = grade, divided by log2(rank + 1). 0 where nothing relevant was judged. `judged` has
// document and grade.
double ndcg(std::span<const float> scores, const std::vector<std::string>& names,
            const std::vector<std::pair<std::int64_t, int>>& judged, std::size_t depth);

}  // namespace mvn
