// The tree-structured Parzen estimator: what to try next, given how the earlier draws went.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "orchestrate/search/space.h"

namespace mvn {

// An earlier draw.
struct Observation {
  enum class State {
    kFinished,
    kStopped,  // by early_terminate: worse than what finished, better the further it came
    kFailed,   // diverged, failed or gave no value: the worst
    kRunning,  // or waits to run: counted with the bad ones, so that nobody draws beside it
  };
  Point point;
  State state = State::kRunning;
  double value = 0;             // the lower the better
  std::int64_t iterations = 0;  // of a stopped one: values of the metric
};

// Draws that come before the estimator has anything to go by: random ones.
inline constexpr std::size_t kStartupDraws = 10;

// What draw_by_tpe() takes as the seed of a draw.
std::string draw_seed(std::int64_t search_seed, std::int64_t draw);

// The next point, a function of its arguments alone. `observations` are in the order of the draws,
// `seed` is unlike that of any other draw. Of 24 points that the good draws' estimator gives, the
// one whose density among the good draws is largest in proportion to that among the others, and
// which was not drawn before. Nothing where fewer than kStartupDraws have ended.
std::optional<Point> draw_by_tpe(const std::vector<Dimension>& space,
                                 const std::vector<Observation>& observations,
                                 const std::string& seed);

}  // namespace mvn
