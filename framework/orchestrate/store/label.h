// What people call a configuration: its swept parameters, as short as they stay telling.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/json.h"
#include "orchestrate/sweep/plan.h"

namespace mvn {

// One label for each of `parameters` (maps from dotted key to value, of the trials of one stage):
// "model=mamba lr=0.001". Only keys that vary are named, `seed` never, and of maps the keys within
// them; what follows from a text (the weights that go with a model) is left out where it is a text
// itself, or some trials do not have it (the model's own keys); of paths the part that differs is
// shown. A key that a trial does not have is "-". kNoLabel where nothing varies.
std::vector<std::string> labels(const std::vector<Json>& parameters);

inline constexpr const char* kNoLabel = "-";

// Labels of a plan's trials: those of a stage are made together, as they name what differs within
// it.
std::vector<std::string> label_trials(const SweepPlan& plan);

// The whole name of a trial, here and wherever trials are spoken of: "classify lr=0.001 seed=2".
// Its seed where trials of the sweep differ in it; the sweep's name where all of that is nothing.
struct TrialNames {
  std::string sweep;
  bool seeds = false;
  [[nodiscard]] std::string operator()(const std::string& stage, const std::string& label,
                                       std::int64_t seed) const;
};

}  // namespace mvn
