// Hyperband as W&B does it: sweeps/hyperband_stopping.py.
#include <algorithm>

#include "mvn/error.h"
#include "orchestrate/search/stop_methods.h"

namespace mvn {
namespace {

std::vector<std::int64_t> hyperband_rungs(const Json& keys) {
  if (keys.contains("min_iter")) return rungs_from(keys.at("min_iter"), keys.at("eta"));
  if (!keys.contains("max_iter") || !keys.contains("s")) {
    throw Error("hyperband needs `min_iter`, or `max_iter` and `s`");
  }
  auto rungs = rungs_below(keys.at("max_iter"), keys.at("eta"), keys.at("s"));
  if (rungs.empty()) throw Error("no rung is left: max_iter / eta is below 1");
  return rungs;
}

// As W&B, by the latest rung whenever there is a new value.
std::optional<StopDecision> judge_hyperband(const StoppingRule& rule, const Peers& peers,
                                            std::int64_t /*seen*/) {
  const auto above = std::upper_bound(rule.rungs.begin(), rule.rungs.end(), peers.reached());
  if (above == rule.rungs.begin()) return std::nullopt;
  const std::int64_t rung = *std::prev(above);
  const bool strict = rule.written.at("strict");
  const double eta = rule.written.at("eta");
  const auto values = peers.at(rung);
  const auto place = static_cast<std::size_t>(static_cast<double>(values.size()) / eta);
  const double threshold = values[std::min(place, values.size() - 1)];
  const double value = strict ? peers.value_at(rung) : peers.best(peers.reached());
  if (value <= threshold) return std::nullopt;
  return peers.decision(rung, value, threshold, values.size(),
                        std::string(strict ? "" : "its best value is ") +
                            "not among the best 1 in " + stop_number(eta) + " of " +
                            trials_text(values.size()));
}

KeySpec strict_key() {
  KeySpec key = text_key("strict",
                         "hyperband: judge the value at the rung, as W&B does by default; false: "
                         "the best one so far.");
  key.param.type = ParamType::kBool;
  return with_default(std::move(key), true);
}

}  // namespace

StopMethod hyperband() {
  return {
      "hyperband",
      "as W&B does it",
      {first_rung_key(),
       excluding(whole_key("max_iter",
                           "hyperband: the last iteration; rungs are at max_iter / eta, "
                           "max_iter / eta^2, and so on, s of them.",
                           1),
                 {"min_iter"}),
       excluding(whole_key("s", "hyperband, with max_iter: the number of rungs.", 1), {"min_iter"}),
       eta_key(), strict_key()},
      hyperband_rungs,
      judge_hyperband};
}

}  // namespace mvn
