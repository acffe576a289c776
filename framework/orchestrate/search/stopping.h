// `early_terminate`: whether a trial is worth finishing, by the values of its metric so far and
// those of its peers. Pure: the same values give the same answer.
//
// A new way to stop is a file beside asha.cc that defines one StopMethod, and its row in
// stop_methods(): the sweep file's keys, their schema and their help come from there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "common/key_spec.h"

namespace mvn {

struct Curve {
  std::vector<double> values;  // of each iteration; NaN counts as worse than everything
  bool done = false;           // the trial is done
};

// Why a trial is stopped.
struct StopDecision {
  std::int64_t iteration = 0;  // the rung
  double value = 0;            // what was judged there
  double threshold = 0;        // the worst value that would have gone on
  std::size_t peers = 0;       // trials that the threshold is made of
  std::string reason;
};

// A trial among all others, with the sign that makes lower better. An iteration is a recorded value
// of the metric: iteration n is the n-th, in the order of steps.
class Peers {
 public:
  Peers(bool maximize, const std::vector<Curve>& curves, std::size_t own)
      : sign_(maximize ? -1 : 1), curves_(curves), own_(own) {}

  [[nodiscard]] std::int64_t reached() const { return length(curves_[own_]); }
  [[nodiscard]] double value_at(std::int64_t iteration) const {
    return value_at(curves_[own_], iteration);
  }
  // The best of its first values.
  [[nodiscard]] double best(std::int64_t until) const;
  // The values at an iteration of all that reached it, the best first.
  [[nodiscard]] std::vector<double> at(std::int64_t iteration) const;
  // The means of the first values of all others that are done, the best first.
  [[nodiscard]] std::vector<double> means_of_done(std::int64_t until) const;
  [[nodiscard]] StopDecision decision(std::int64_t iteration, double value, double threshold,
                                      std::size_t peers, const std::string& why) const;

 private:
  static std::int64_t length(const Curve& curve) {
    return static_cast<std::int64_t>(curve.values.size());
  }
  [[nodiscard]] double value_at(const Curve& curve, std::int64_t iteration) const;

  double sign_;
  const std::vector<Curve>& curves_;
  std::size_t own_;
};

struct StoppingRule;

struct StopMethod {
  std::string name;           // `type: NAME`
  std::string help;           // a sentence
  std::vector<KeySpec> keys;  // that it takes besides `type`
  // The iterations at which it judges, ascending; throws Error where the keys do not say.
  std::vector<std::int64_t> (*rungs)(const Json& keys);
  // Judges a trial at the rungs above `seen` (iterations that were judged before) that it has
  // reached; the first that stops it counts.
  std::optional<StopDecision> (*judge)(const StoppingRule& rule, const Peers& peers,
                                       std::int64_t seen);
};

const std::vector<StopMethod>& stop_methods();
// nullptr where there is none.
const StopMethod* stop_method(std::string_view name);

struct StoppingRule {
  const StopMethod* method = nullptr;
  std::vector<std::int64_t> rungs;
  Json written;  // the rule as the sweep file has it, `type` and defaults included
};

// `keys` as given; throws Error as StopMethod::rungs does.
StoppingRule stopping_rule(const StopMethod& method, Json keys);

// Whether the trial `own` of `curves` is to be stopped, which was judged up to iteration `seen`.
std::optional<StopDecision> judge(const StoppingRule& rule, bool maximize,
                                  const std::vector<Curve>& curves, std::size_t own,
                                  std::int64_t seen);

// What the methods share: min_iter, min_iter * eta, ...; rounded down, each once.
std::vector<std::int64_t> rungs_from(std::int64_t min_iter, double eta);
KeySpec first_rung_key();
KeySpec eta_key();
// "3 trials", "0.25".
std::string trials_text(std::size_t number);
std::string stop_number(double number);

// max_iter / eta, max_iter / eta^2, ... down to s of them, none below 1; ascending.
std::vector<std::int64_t> rungs_below(std::int64_t max_iter, double eta, std::int64_t s);

}  // namespace mvn
