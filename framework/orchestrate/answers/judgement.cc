#include "orchestrate/answers/judgement.h"

#include <algorithm>
#include <cmath>

#include "orchestrate/answers/ranks.h"

namespace mvn {
namespace {

bool varies(Sample values) {
  return std::ranges::any_of(values, [&](double value) { return value != values.front(); });
}

std::vector<double> pair_differences(const SetSamples& samples) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < samples.a.size(); ++i) {
    differences.push_back(samples.a[i] - samples.b[i]);
  }
  return differences;
}

bool seeds_matter(const SetSamples& samples) {
  if (samples.paired) return varies(pair_differences(samples));
  return varies(samples.a) || varies(samples.b);
}

Verdict verdict_of(const MeanDifference& difference, double p, const Terms& terms) {
  if (terms.region > 0 && difference.low >= -terms.region && difference.high <= terms.region) {
    return Verdict::kEquivalent;
  }
  if (!(p < kSignificance) || difference.estimate == 0) return Verdict::kCannotTell;
  return (difference.estimate > 0) == terms.maximize ? Verdict::kBetter : Verdict::kWorse;
}

SetJudgement measure(const SetSamples& samples, const Terms& terms) {
  SetJudgement set;
  set.n_a = samples.a.size();
  set.n_b = samples.b.size();
  set.mean_a = mean_of(samples.a);
  set.mean_b = mean_of(samples.b);
  set.paired = samples.paired;
  set.superiority =
      terms.maximize ? superiority(samples.a, samples.b) : superiority(samples.b, samples.a);
  set.difference =
      samples.paired ? paired_difference(samples.a, samples.b) : welch(samples.a, samples.b);
  set.g = hedges_g(samples.a, samples.b);
  set.seeds_matter = seeds_matter(samples);
  if (samples.paired) set.correlation = correlation_of(samples.a, samples.b);
  if (!set.answers()) return set;
  set.p = set.difference.p;
  if (samples.paired) return set;
  const auto permutation = permutation_test(samples.a, samples.b);
  if (permutation.can_answer()) {
    set.permutation = permutation;
    set.p = std::max(set.p, permutation.p);
  }
  return set;
}

// More than there are, as a test that did not tell with these will not with so many either.
std::optional<int> more(std::optional<int> needed, std::size_t there) {
  if (needed) *needed = std::max(*needed - static_cast<int>(there), 1);
  return needed;
}

// By what the difference would need if it is as large as it looks.
std::optional<int> more_seeds(const SetSamples& samples, const SetJudgement& set,
                              double significance) {
  const auto there = std::min(set.n_a, set.n_b);
  if (samples.paired) {
    const double effect = set.difference.estimate / deviation_of(pair_differences(samples));
    return more(needed_pairs(effect, significance), there);
  }
  const double pooled = std::hypot(deviation_of(samples.a), deviation_of(samples.b)) / M_SQRT2;
  return more(needed_each(set.difference.estimate / pooled, significance), there);
}

// Over data sets, of each of which the difference of the means is one value.
void measure_over_sets(PairJudgement& pair) {
  if (pair.sets.size() < 2) return;
  std::vector<double> differences;
  for (const auto& set : pair.sets) differences.push_back(set.difference.estimate);
  pair.mean_difference = mean_against_zero(differences);
  if (pair.sets.size() < kLeastSets) return;
  const auto test = signed_rank_test(differences);
  if (!test.can_answer()) return;
  pair.over_sets = test;
}

void settle_sets(std::span<PairJudgement> pairs, std::span<const std::vector<SetSamples>> samples,
                 const Terms& terms) {
  std::vector<SetJudgement*> asked;
  std::vector<double> p;
  for (auto& pair : pairs) {
    for (auto& set : pair.sets) {
      if (!set.answers()) continue;
      asked.push_back(&set);
      p.push_back(set.p);
    }
  }
  const auto adjusted = holm(p);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    asked[i]->adjusted = adjusted[i];
    asked[i]->verdict = verdict_of(asked[i]->difference, adjusted[i], terms);
  }
  const double significance =
      kSignificance / static_cast<double>(std::max(p.size(), std::size_t{1}));
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    for (std::size_t j = 0; j < pairs[i].sets.size(); ++j) {
      auto& set = pairs[i].sets[j];
      if (set.answers() && set.verdict == Verdict::kCannotTell) {
        set.more_seeds = more_seeds(samples[i][j], set, significance);
      }
    }
  }
}

Verdict verdict_of_few(const std::vector<SetJudgement>& sets) {
  const auto count = [&](Verdict verdict) {
    return std::ranges::count(sets, verdict, &SetJudgement::verdict);
  };
  if (count(Verdict::kEquivalent) == std::ssize(sets)) return Verdict::kEquivalent;
  const auto better = count(Verdict::kBetter);
  const auto worse = count(Verdict::kWorse);
  if ((better > 0) == (worse > 0)) return Verdict::kCannotTell;
  return better > 0 ? Verdict::kBetter : Verdict::kWorse;
}

void settle_over_sets(std::span<PairJudgement> pairs, const Terms& terms) {
  std::vector<PairJudgement*> asked;
  std::vector<double> p;
  for (auto& pair : pairs) {
    if (!pair.over_sets) {
      pair.verdict =
          pair.sets.size() < kLeastSets ? verdict_of_few(pair.sets) : Verdict::kCannotTell;
      continue;
    }
    asked.push_back(&pair);
    p.push_back(pair.over_sets->p);
  }
  const auto adjusted = holm(p);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    auto& pair = *asked[i];
    pair.adjusted = adjusted[i];
    pair.verdict = verdict_of(pair.mean_difference, adjusted[i], terms);
    // Ranks and mean may point either way, where one set is far off.
    const double middle = pair.over_sets->used * (pair.over_sets->used + 1) / 4.0;
    const bool agree = (pair.over_sets->sum > middle) == (pair.mean_difference.estimate > 0);
    if (pair.verdict != Verdict::kEquivalent && !agree) pair.verdict = Verdict::kCannotTell;
    if (pair.verdict != Verdict::kCannotTell) continue;
    std::vector<double> differences;
    for (const auto& set : pair.sets) differences.push_back(set.difference.estimate);
    pair.more_sets = more(needed_pairs(pair.mean_difference.estimate / deviation_of(differences),
                                       kSignificance / static_cast<double>(p.size())),
                          differences.size());
  }
}

}  // namespace

const char* verdict_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::kBetter:
      return "better";
    case Verdict::kWorse:
      return "worse";
    case Verdict::kEquivalent:
      return "equivalent";
    case Verdict::kCannotTell:
      break;
  }
  return "cannot tell";
}

double usual_region(std::string_view kind, Sample values) {
  constexpr double kPoint = 0.01;
  const auto fits = [](double value) { return value >= 0 && value <= 1; };
  return kind == "score" && std::ranges::all_of(values, fits) ? kPoint : 0;
}

SetJudgement judge_set(const SetSamples& samples, const Terms& terms) {
  const std::vector<SetSamples> one = {samples};
  return judge_pairs(std::span(&one, 1), terms).front().sets.front();
}

std::vector<PairJudgement> judge_pairs(std::span<const std::vector<SetSamples>> pairs,
                                       const Terms& terms) {
  std::vector<PairJudgement> judged;
  for (const auto& sets : pairs) {
    PairJudgement pair;
    for (const auto& samples : sets) pair.sets.push_back(measure(samples, terms));
    measure_over_sets(pair);
    judged.push_back(std::move(pair));
  }
  settle_sets(judged, pairs, terms);
  settle_over_sets(judged, terms);
  return judged;
}

}  // namespace mvn
