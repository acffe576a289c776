#include "orchestrate/search/tpe.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "common/hashing.h"
#include "orchestrate/search/parzen.h"

namespace mvn {
namespace {

constexpr int kCandidates = 24;
constexpr std::size_t kMostGood = 25;

using State = Observation::State;

// Good draws and others, each in the order of the draws.
struct Split {
  std::vector<Point> good;
  std::vector<Point> others;
};

// What finished before what was stopped, the further the better, before what failed.
std::tuple<int, std::int64_t, double> rank_of(const Observation& observation) {
  const bool valued = !std::isnan(observation.value);
  if (observation.state == State::kFinished && valued) return {0, 0, observation.value};
  if (observation.state == State::kStopped && valued) {
    return {1, -observation.iterations, observation.value};
  }
  return {2, 0, 0};
}

Split split(const std::vector<Observation>& observations) {
  std::vector<std::size_t> ended;
  for (std::size_t i = 0; i < observations.size(); ++i) {
    if (observations[i].state != State::kRunning) ended.push_back(i);
  }
  const std::size_t good = std::min((ended.size() + 9) / 10, kMostGood);
  std::stable_sort(ended.begin(), ended.end(), [&](std::size_t a, std::size_t b) {
    return rank_of(observations[a]) < rank_of(observations[b]);
  });
  std::vector<bool> is_good(observations.size(), false);
  for (std::size_t i = 0; i < good; ++i) is_good[ended[i]] = true;
  Split result;
  for (std::size_t i = 0; i < observations.size(); ++i) {
    (is_good[i] ? result.good : result.others).push_back(observations[i].point);
  }
  return result;
}

}  // namespace

std::string draw_seed(std::int64_t search_seed, std::int64_t draw) {
  return std::to_string(search_seed) + "/tpe/" + std::to_string(draw);
}

std::optional<Point> draw_by_tpe(const std::vector<Dimension>& space,
                                 const std::vector<Observation>& observations,
                                 const std::string& seed) {
  const auto ended = std::count_if(observations.begin(), observations.end(),
                                   [](const auto& each) { return each.state != State::kRunning; });
  if (static_cast<std::size_t>(ended) < kStartupDraws) return std::nullopt;
  const Split parts = split(observations);
  const ParzenEstimator good(space, parts.good);
  const ParzenEstimator others(space, parts.others);
  std::mt19937_64 random(std::stoull(sha256(seed).substr(0, 16), nullptr, 16));
  std::optional<Point> best;
  auto best_worth = std::pair(false, -std::numeric_limits<double>::infinity());
  for (int i = 0; i < kCandidates; ++i) {
    Point point = good.sample(random);
    const bool fresh =
        std::none_of(observations.begin(), observations.end(),
                     [&](const auto& each) { return alike(space, each.point, point); });
    const auto worth = std::pair(fresh, good.log_density(point) - others.log_density(point));
    if (best && !(worth > best_worth)) continue;
    best = std::move(point);
    best_worth = worth;
  }
  return best;
}

}  // namespace mvn
