// Judgements as sentences, the same in the report at a sweep's end and in `compare`. Private to the
// answers.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrate/answers/judgement.h"

namespace mvn {

std::string fixed(double number, int decimals);
// Decimals, `decimals` or more, with which two numbers that differ look different.
int decimals_apart(double one, double two, int decimals);
// Decimals that show two digits of the smallest spread, and of the means at least three digits.
int decimals_for(std::span<const double> means, std::span<const double> spreads);
// "0.032", "< 0.001".
std::string p_text(double p);
std::string interval_text(double low, double high, int decimals);
// "a, b, c and 4 more"
std::string listed(const std::vector<std::string>& names, std::size_t most);

struct Sides {
  std::string a;
  std::string b;
  std::string metric;
  int decimals = 3;
  std::optional<double> texts = {};  // that an accuracy is of
  std::size_t asked = 1;             // questions that are asked together
  bool keep_order = false;           // b is the baseline; otherwise the better mean is named first
};

// What is known of two arms on one data set: the verdict, the difference, and what would tell.
std::string set_sentence(const SetJudgement& set, const Terms& terms, const Sides& sides);

// The verdict on two arms over several sets, whose names are given.
std::string pair_sentence(const PairJudgement& pair, const Terms& terms, const Sides& sides,
                          const std::vector<std::string>& sets);

}  // namespace mvn
