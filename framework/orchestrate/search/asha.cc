// Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning; it stops at a rung what
// would not be promoted, as Ray Tune's scheduler does.
#include "mvn/error.h"
#include "orchestrate/search/stop_methods.h"

namespace mvn {
namespace {

std::vector<std::int64_t> asha_rungs(const Json& keys) {
  if (!keys.contains("min_iter")) throw Error("asha needs `min_iter`");
  return rungs_from(keys.at("min_iter"), keys.at("eta"));
}

std::optional<StopDecision> asha_at(std::int64_t rung, double eta, const Peers& peers) {
  const auto values = peers.at(rung);
  const auto kept = static_cast<std::size_t>(static_cast<double>(values.size()) / eta);
  if (kept == 0) return std::nullopt;  // not enough peers to tell
  const double value = peers.value_at(rung);
  const double threshold = values[kept - 1];
  if (value <= threshold) return std::nullopt;
  return peers.decision(
      rung, value, threshold, values.size(),
      "not among the best " + std::to_string(kept) + " of " + trials_text(values.size()));
}

std::optional<StopDecision> judge_asha(const StoppingRule& rule, const Peers& peers,
                                       std::int64_t seen) {
  for (const std::int64_t rung : rule.rungs) {
    if (rung <= seen) continue;
    if (rung > peers.reached()) break;
    if (auto decision = asha_at(rung, rule.written.at("eta"), peers)) return decision;
  }
  return std::nullopt;
}

}  // namespace

StopMethod asha() {
  return {"asha",
          "at each rung the best 1 in eta go on",
          {first_rung_key(), eta_key()},
          asha_rungs,
          judge_asha};
}

}  // namespace mvn
