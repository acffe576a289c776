#include "ranking.h"

#include <algorithm>
#include <cmath>
#include <functional>
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

std::vector<std::size_t> best_first(std::span<const double> scores) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, std::greater<>(), [&](std::size_t i) { return scores[i]; });
  return order;
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

double average_precision(std::span<const double> scores, std::span<const std::int64_t> labels) {
  const auto order = best_first(scores);
  const auto positives = static_cast<double>(std::ranges::count(labels, 1));
  if (positives == 0) return 0;
  double sum = 0;
  double found = 0;
  for (std::size_t begin = 0; begin < order.size();) {
    const double before = found;
    std::size_t end = begin;
    for (; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end) {
      found += static_cast<double>(labels[order[end]]);
    }
    sum += (found - before) / positives * found / static_cast<double>(end);
    begin = end;
  }
  return sum;
}

// A threshold is between two scores: as mteb has it, none lies below all of them.
Separation separation(std::span<const double> scores, std::span<const std::int64_t> labels) {
  const auto order = best_first(scores);
  const auto count = static_cast<double>(labels.size());
  const auto positives = static_cast<double>(std::ranges::count(labels, 1));
  Separation best{.average_precision = average_precision(scores, labels)};
  double found = 0;
  double negatives_below = count - positives;
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    const bool is_one = labels[order[i]] == 1;
    found += is_one ? 1 : 0;
    negatives_below -= is_one ? 0 : 1;
    if (scores[order[i]] == scores[order[i + 1]]) continue;
    best.accuracy = std::max(best.accuracy, (found + negatives_below) / count);
    best.f1 = std::max(best.f1, 2 * found / (static_cast<double>(i + 1) + positives));
  }
  return best;
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
