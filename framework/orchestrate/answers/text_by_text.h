// Two trained models on the same texts, by the predictions that their trials kept. Private to the
// answers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "orchestrate/answers/exact_tests.h"

namespace mvn {

struct TextByText {
  std::int64_t seed = 0;
  std::int64_t texts = 0;
  std::int64_t only_a = 0;  // that one of the two alone got right
  std::int64_t only_b = 0;
  McNemarTest test;
};

// Of two files of predictions (an example a line); nothing where one is not there, damaged, or of
// other texts than the other.
std::optional<TextByText> compare_predictions(const std::filesystem::path& a,
                                              const std::filesystem::path& b);

}  // namespace mvn
