#include "ranking.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace mvn {
namespace {

std::vector<double> mean_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double rank = static_cast<double>(begin + end + 1) / 2;
    for (; begin < end; ++begin) ranks[order[begin]] = rank;
  }
  return ranks;
}

double discounted(std::size_t rank, int grade) {
  return grade > 0 ? grade / std::log2(static_cast<double>(rank) + 2) : 0.0;
}

}  // namespace

double spearman(std::span<const double> x, std::span<const double> y) {
  const auto ranks_x = mean_ranks(x);
  const auto ranks_y = mean_ranks(y);
  const double mean = static_cast<double>(x.size() + 1) / 2;
  double xy = 0;
  double xx = 0;
  double yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (ranks_x[i] - mean) * (ranks_y[i] - mean);
    xx += (ranks_x[i] - mean) * (ranks_x[i] - mean);
    yy += (ranks_y[i] - mean) * (ranks_y[i] - mean);
  }
  return xy / std::sqrt(xx * yy);
}

double ndcg(std::span<const float> scores, const std::vector<std::string>& names,
            const std::vector<std::pair<std::int64_t, int>>& judged, std::size_t depth) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto seen = static_cast<std::ptrdiff_t>(std::min(depth, order.size()));
  std::partial_sort(order.begin(), order.begin() + seen, order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return scores[a] != scores[b] ? scores[a] > scores[b] : names[a] > names[b];
                    });
  std::map<std::size_t, int> grades;
  std::vector<int> ideal;
  for (const auto& [document, grade] : judged) {
    grades[static_cast<std::size_t>(document)] = grade;
    ideal.push_back(grade);
  }
  std::ranges::sort(ideal, std::greater<>());
  double best = 0;
  for (std::size_t rank = 0; rank < std::min(depth, ideal.size()); ++rank) {
    best += discounted(rank, ideal[rank]);
  }
  double found = 0;
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(seen); ++rank) {
    const auto grade = grades.find(order[rank]);
    if (grade != grades.end()) found += discounted(rank, grade->second);
  }
  return best > 0 ? found / best : 0;
}

}  // namespace mvn
