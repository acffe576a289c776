// Golovin et al. 2017, Google Vizier, section 3.2.1.
#include <algorithm>

#include "orchestrate/search/stop_methods.h"

namespace mvn {
namespace {

// From there on it judges at every iteration.
std::vector<std::int64_t> median_rungs(const Json& keys) { return {keys.at("min_iter")}; }

std::optional<StopDecision> median_at(std::int64_t iteration, std::size_t startup,
                                      const Peers& peers) {
  const auto means = peers.means_of_done(iteration);
  if (means.empty() || means.size() < startup) return std::nullopt;
  const std::size_t half = means.size() / 2;
  const double threshold =
      means.size() % 2 == 1 ? means[half] : (means[half - 1] + means[half]) / 2;
  const double value = peers.best(iteration);
  if (value <= threshold) return std::nullopt;
  return peers.decision(
      iteration, value, threshold, means.size(),
      "its best value is worse than the median of the means of " + trials_text(means.size()));
}

std::optional<StopDecision> judge_median(const StoppingRule& rule, const Peers& peers,
                                         std::int64_t seen) {
  const std::size_t startup = rule.written.at("startup_trials");
  for (std::int64_t n = std::max(seen + 1, rule.rungs.front()); n <= peers.reached(); ++n) {
    if (auto decision = median_at(n, startup, peers)) return decision;
  }
  return std::nullopt;
}

}  // namespace

StopMethod median() {
  return {
      "median",
      "the best value must not be worse than the median of the others' means",
      {with_default(whole_key("min_iter", "For median: judge from there on; 1 by default.", 1), 1),
       with_default(whole_key("startup_trials",
                              "median: judge once so many trials are done; 5 by default.", 1),
                    5)},
      median_rungs,
      judge_median};
}

}  // namespace mvn
