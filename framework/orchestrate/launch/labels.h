// What people call a trial: its stage and what sets it apart, "classify lr=0.001 seed=2".
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "orchestrate/sweep/plan.h"

namespace mvn {

// One label per trial of the plan, unlike all others of its stage: the names that the results have
// (see labels() of the store) with the stage and, where seeds differ, the seed.
std::vector<std::string> trial_labels(const SweepPlan& plan);

// The path as a person finds it: relative to the working directory where it is below.
std::string path_text(const std::filesystem::path& path);

// At most `width` columns of UTF-8 text; what is cut ends in "...".
std::string shortened(const std::string& text, std::size_t width);
// The columns that UTF-8 text takes (one a character).
std::size_t columns(const std::string& text);

}  // namespace mvn
