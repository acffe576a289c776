// How well an order fits: the figures of STS and of retrieval.
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

// nDCG at `depth` as trec_eval gives it: documents by their score, of equal ones the greater name
// first; gain = grade, divided by log2(rank + 1). 0 where nothing relevant was judged. `judged` has
// document and grade.
double ndcg(std::span<const float> scores, const std::vector<std::string>& names,
            const std::vector<std::pair<std::int64_t, int>>& judged, std::size_t depth);

}  // namespace mvn
