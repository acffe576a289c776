// Trained models on the same texts, by the predictions that their trials kept. Private to the
// answers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "orchestrate/answers/text_tests.h"
#include "orchestrate/store/database.h"

namespace mvn {

struct TextByText {
  std::int64_t texts = 0;
  // What all models say that kept their predictions, where both arms have two or more.
  struct Many {
    std::size_t models_a = 0;
    std::size_t models_b = 0;
    ExchangeTest test;
    TextInterval interval;
  };
  std::optional<Many> many;
  // What two models say: those of the first seed that both arms have.
  struct Two {
    std::int64_t seed = 0;
    std::int64_t only_a = 0;  // texts that one of them alone got right
    std::int64_t only_b = 0;
    McNemarTest test;
  };
  std::optional<Two> two;
};

using TrialsBySeed = std::map<std::int64_t, std::string>;  // ids

// Compares two arms by their trials of a sweep, on a split ("validation" or "test"). Returns
// nothing where either kept no predictions, or where they are of different texts.
std::optional<TextByText> compare_texts(Database& db, const std::string& sweep,
                                        const std::string& split, const TrialsBySeed& a,
                                        const TrialsBySeed& b);

}  // namespace mvn
