// What a shell can complete from a results folder. Never an error: where there is nothing to read,
// there is nothing to choose from.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace mvn {

// A word and what it stands for.
using Choice = std::pair<std::string, std::string>;

// The sweeps' names, with how many of their trials are done.
std::vector<Choice> sweep_choices(const std::filesystem::path& results);
// The first digits of the trials whose ids begin with `start`, with what they are called and their
// state; at most `limit`.
std::vector<Choice> trial_choices(const std::filesystem::path& results, const std::string& start,
                                  std::size_t limit);
// The parameters that sweeps vary.
std::vector<Choice> parameter_choices(const std::filesystem::path& results);
std::vector<Choice> metric_choices(const std::filesystem::path& results);
// Ready queries and views.
std::vector<Choice> query_choices(const std::filesystem::path& results);

}  // namespace mvn
