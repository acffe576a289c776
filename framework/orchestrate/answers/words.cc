#include "orchestrate/answers/words.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "common/text.h"

namespace mvn {
namespace {

MeanDifference reversed(MeanDifference difference) {
  difference.estimate = -difference.estimate;
  difference.low = -std::exchange(difference.high, -difference.low);
  return difference;
}

Verdict reversed(Verdict verdict) {
  if (verdict == Verdict::kBetter) return Verdict::kWorse;
  return verdict == Verdict::kWorse ? Verdict::kBetter : verdict;
}

// Seen from the other arm; what a sentence does not speak of stays.
void reverse(SetJudgement& set) {
  std::swap(set.n_a, set.n_b);
  std::swap(set.mean_a, set.mean_b);
  set.difference = reversed(set.difference);
  set.verdict = reversed(set.verdict);
}

bool is_behind(double difference, const Terms& terms) {
  return terms.maximize ? difference < 0 : difference > 0;
}

std::string seeds_text(const SetJudgement& set) {
  if (set.paired) {
    return std::to_string(set.n_a) + " pairs of seeds" +
           (std::isnan(set.correlation) ? "" : ", correlation " + fixed(set.correlation, 2));
  }
  if (set.n_a != set.n_b) {
    return std::to_string(set.n_a) + " and " + plural(set.n_b, "seed");
  }
  return plural(set.n_a, "seed") + " each";
}

std::string means_text(const SetJudgement& set, const Sides& sides) {
  const int decimals = decimals_apart(set.mean_a, set.mean_b, sides.decimals);
  return sides.metric + " " + fixed(set.mean_a, decimals) + " against " +
         fixed(set.mean_b, decimals);
}

std::string difference_text(const SetJudgement& set, const Sides& sides) {
  const int decimals = decimals_apart(set.mean_a, set.mean_b, sides.decimals);
  return means_text(set, sides) + ", a difference of " + fixed(set.difference.estimate, decimals) +
         " (95 % interval " + interval_text(set.difference.low, set.difference.high, decimals) +
         ", " + seeds_text(set) + ")";
}

std::string few_texts(const SetJudgement& set, const Sides& sides) {
  if (!sides.texts) return "";
  const double differ = std::abs(set.difference.estimate) * *sides.texts;
  if (differ >= kLeastDiscordant) return "";
  return " On " + fixed(*sides.texts, 0) + " texts this is a difference of " + fixed(differ, 1) +
         (differ == 1 ? " text" : " texts") + ": ";
}

// What keeps it from telling, and what would help.
std::string what_would_tell(const SetJudgement& set, const Sides& sides) {
  std::string text;
  if (set.permutation && set.difference.p < kSignificance && set.permutation->p >= kSignificance) {
    text += " The interval is on one side of 0, but the exact permutation test is not sure (p = " +
            p_text(set.permutation->p) + ").";
  } else if (set.p < kSignificance) {
    text += " Alone it would tell (p = " + p_text(set.p) + "), but not as one of " +
            std::to_string(sides.asked) + " questions asked together.";
  }
  if (const auto few = few_texts(set, sides); !few.empty()) {
    return text + few + "with fewer than " + std::to_string(kLeastDiscordant) +
           " no number of seeds would tell.";
  }
  if (!set.more_seeds) {
    return text + " Not even " + std::to_string(kMostSeeds) +
           " seeds each would tell so small a difference.";
  }
  return text + " About " + std::to_string(*set.more_seeds) + " more " +
         (*set.more_seeds == 1 ? "seed" : "seeds") +
         " each would tell a difference of this size with 80 % power.";
}

std::string untold(const SetJudgement& set, const Sides& sides) {
  const auto start = "Cannot tell " + sides.a + " from " + sides.b + ": ";
  if (set.n_a < 2 || set.n_b < 2) {
    return start + means_text(set, sides) +
           ". With one seed this may be chance: there is no interval to judge it by.";
  }
  if (!set.seeds_matter) {
    return start + means_text(set, sides) + ", " +
           (set.paired ? "the same difference with each seed" : "the same with each seed") +
           ". Runs that repeat each other are no evidence: does the seed change anything?";
  }
  return start + difference_text(set, sides) + "." + what_would_tell(set, sides);
}

std::vector<std::string> where(const PairJudgement& pair, Verdict verdict,
                               const std::vector<std::string>& sets) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < pair.sets.size(); ++i) {
    if (pair.sets[i].verdict == verdict) names.push_back(sets[i]);
  }
  return names;
}

std::string closest_text(const PairJudgement& pair, const std::vector<std::string>& sets) {
  std::optional<std::size_t> closest;
  for (std::size_t i = 0; i < pair.sets.size(); ++i) {
    const auto& more = pair.sets[i].more_seeds;
    if (more && (!closest || *more < *pair.sets[*closest].more_seeds)) closest = i;
  }
  if (!closest) return "";
  return " Closest is " + sets[*closest] + ", where about " +
         std::to_string(*pair.sets[*closest].more_seeds) +
         " more seeds each would tell a difference of this size with 80 % power.";
}

std::string few_sets_sentence(const PairJudgement& pair, const Sides& sides,
                              const std::vector<std::string>& sets) {
  const auto better = where(pair, Verdict::kBetter, sets);
  const auto worse = where(pair, Verdict::kWorse, sets);
  const auto same = where(pair, Verdict::kEquivalent, sets);
  const auto all = " of " + plural(sets.size(), "data set");
  const auto counted = [&](const std::vector<std::string>& names) {
    return std::to_string(names.size()) + all + " (" + listed(names, 6) + ")";
  };
  if (pair.verdict == Verdict::kEquivalent) {
    return sides.a + " and " + sides.b + " are equivalent on all " +
           plural(sets.size(), "data set") + ".";
  }
  std::string text;
  if (pair.verdict == Verdict::kBetter) {
    text = sides.a + " is better than " + sides.b + " on " + counted(better) + ", worse on none";
  } else if (pair.verdict == Verdict::kWorse) {
    text = sides.a + " is worse than " + sides.b + " on " + counted(worse) + ", better on none";
  } else if (!better.empty()) {
    text = "Which is better depends on the data set: " + sides.a + " on " + counted(better) + ", " +
           sides.b + " on " + counted(worse);
  } else {
    text = "Cannot tell " + sides.a + " from " + sides.b + " on any of " +
           plural(sets.size(), "data set");
    if (!same.empty()) {
      text = "Cannot tell which of " + sides.a + " and " + sides.b + " is better: equivalent on " +
             counted(same);
    }
    return text + "." + closest_text(pair, sets);
  }
  return text + (same.empty() ? "" : ", equivalent on " + counted(same)) + ".";
}

std::string many_sets_sentence(const PairJudgement& pair, const Terms& terms, const Sides& sides) {
  const auto& mean = pair.mean_difference;
  const auto found = "over " + std::to_string(pair.sets.size()) + " data sets: " + sides.metric +
                     " differs by " + fixed(mean.estimate, sides.decimals) +
                     " on average (95 % interval " +
                     interval_text(mean.low, mean.high, sides.decimals) + ")" +
                     (pair.over_sets ? ", Wilcoxon's p = " + p_text(pair.over_sets->p) : "");
  switch (pair.verdict) {
    case Verdict::kBetter:
    case Verdict::kWorse:
      return sides.a + " is " + verdict_word(pair.verdict) + " than " + sides.b + " " + found + ".";
    case Verdict::kEquivalent:
      return sides.a + " and " + sides.b + " are equivalent " + found + "; within the region of " +
             short_number(terms.region) + " on either side of 0.";
    case Verdict::kCannotTell:
      break;
  }
  return "Cannot tell " + sides.a + " from " + sides.b + " " + found + "." +
         (pair.more_sets ? " About " + std::to_string(*pair.more_sets) +
                               " more such data sets would tell with 80 % power."
                         : " More seeds on these data sets would not change that.");
}

}  // namespace

std::string fixed(double number, int decimals) {
  std::array<char, 400> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, number);
  // Not "-0.00".
  const bool zero = std::string_view(text.data()).find_first_of("123456789") == std::string::npos;
  return text[0] == '-' && zero && !std::isnan(number) && !std::isinf(number) ? text.data() + 1
                                                                              : text.data();
}

int decimals_apart(double one, double two, int decimals) {
  constexpr int kMost = 17;
  while (one != two && decimals < kMost && fixed(one, decimals) == fixed(two, decimals)) ++decimals;
  return decimals;
}

int decimals_for(std::span<const double> means, std::span<const double> spreads) {
  int decimals = 0;
  const auto show = [&](double number, int digits) {
    if (number == 0 || !std::isfinite(number)) return;
    const int leading = static_cast<int>(std::floor(std::log10(std::abs(number))));
    decimals = std::max(decimals, digits - 1 - leading);
  };
  for (const double mean : means) show(mean, 3);
  for (const double spread : spreads) show(spread, 2);
  return std::min(decimals, 6);
}

std::string p_text(double p) {
  constexpr double kLeast = 0.001;
  if (p < kLeast) return "< 0.001";
  return fixed(p, p < 0.1 ? 3 : 2);
}

std::string interval_text(double low, double high, int decimals) {
  return fixed(low, decimals) + " .. " + fixed(high, decimals);
}

std::string listed(const std::vector<std::string>& names, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < most; ++i) text += (i > 0 ? ", " : "") + names[i];
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
  return text;
}

std::string set_sentence(const SetJudgement& judged, const Terms& terms, const Sides& given) {
  SetJudgement set = judged;
  Sides sides = given;
  if (!sides.keep_order && is_behind(set.difference.estimate, terms)) {
    reverse(set);
    std::swap(sides.a, sides.b);
  }
  switch (set.verdict) {
    case Verdict::kCannotTell:
      return untold(set, sides);
    case Verdict::kEquivalent:
      return sides.a + " and " + sides.b + " are equivalent: " + difference_text(set, sides) +
             ", within the region of " + short_number(terms.region) + " on either side of 0.";
    default:
      break;
  }
  const auto few = few_texts(set, sides);
  return sides.a + " is " + verdict_word(set.verdict) + " than " + sides.b + ": " +
         difference_text(set, sides) + "." +
         (few.empty() ? "" : few + "of other texts it says nothing.");
}

std::string pair_sentence(const PairJudgement& judged, const Terms& terms, const Sides& given,
                          const std::vector<std::string>& sets) {
  if (judged.sets.size() == 1) return set_sentence(judged.sets.front(), terms, given);
  PairJudgement pair = judged;
  Sides sides = given;
  const bool behind = pair.verdict == Verdict::kCannotTell || pair.verdict == Verdict::kEquivalent
                          ? is_behind(pair.mean_difference.estimate, terms)
                          : pair.verdict == Verdict::kWorse;
  if (!sides.keep_order && behind) {
    for (auto& set : pair.sets) reverse(set);
    pair.mean_difference = reversed(pair.mean_difference);
    pair.verdict = reversed(pair.verdict);
    std::swap(sides.a, sides.b);
  }
  return pair.sets.size() < kLeastSets ? few_sets_sentence(pair, sides, sets)
                                       : many_sets_sentence(pair, terms, sides);
}

}  // namespace mvn
