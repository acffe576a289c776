#include "check_numbers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "orchestrate/answers/exact_tests.h"
#include "orchestrate/answers/importance.h"
#include "orchestrate/answers/judgement.h"
#include "orchestrate/answers/ranks.h"
#include "orchestrate/answers/text_tests.h"
#include "orchestrate/answers/two_samples.h"

namespace mvn::test {
namespace {

using Numbers = std::vector<double>;
using Answers = std::map<std::string, double>;

Numbers numbers(const Json& json, const char* name) { return json.value(name, Numbers()); }

Answers answers_of(const MeanDifference& difference) {
  return {{"estimate", difference.estimate},
          {"p", difference.p},
          {"freedom", difference.freedom},
          {"low", difference.low},
          {"high", difference.high}};
}

Answers of_several(const std::string& of, const Numbers& a) {
  if (of == "holm") {
    const auto adjusted = holm(a);
    Answers answers;
    for (std::size_t i = 0; i < a.size(); ++i) answers[std::to_string(i)] = adjusted[i];
    return answers;
  }
  if (of == "wilcoxon") {
    const auto test = signed_rank_test(a);
    return {{"p", test.p}, {"sum", test.sum}};
  }
  if (of == "mcnemar") {
    const auto test = mcnemar_test(std::lround(a[0]), std::lround(a[1]));
    return {{"p", test.p}, {"mid_p", test.mid_p}};
  }
  if (of == "nemenyi") {
    return {{"difference",
             nemenyi_difference(static_cast<std::size_t>(a[0]), static_cast<std::size_t>(a[1]))}};
  }
  if (of == "power") {
    const int n = static_cast<int>(a[1]);
    return {{"two_samples", power_of_two_samples(a[0], n)}, {"pairs", power_of_pairs(a[0], n)}};
  }
  if (of == "needed") {
    return {{"each", needed_each(a[0]).value_or(0)}, {"pairs", needed_pairs(a[0]).value_or(0)}};
  }
  return {};
}

Answers importances(const Json& json) {
  std::vector<ImportanceAxis> axes;
  for (const auto& each : json.at("axes")) {
    ImportanceAxis axis{.name = each.at("name").get<std::string>(),
                        .choices = each.value("choices", std::size_t{0}),
                        .low = each.value("low", 0.0),
                        .high = each.value("high", 0.0),
                        .log = each.value("log", false),
                        .values = {}};
    for (const auto& value : each.at("values")) {
      axis.values.push_back(value.is_null() ? std::optional<double>() : value.get<double>());
    }
    axes.push_back(std::move(axis));
  }
  const auto shares = importance_of(axes, numbers(json, "losses"));
  Answers answers;
  for (std::size_t i = 0; i < shares.size(); ++i) answers[axes[i].name] = shares[i];
  return answers;
}

Answers judged(const Json& json) {
  std::vector<std::vector<SetSamples>> pairs(1);
  for (const auto& each : json.at("sets")) {
    pairs[0].push_back({.a = numbers(each, "a"), .b = numbers(each, "b")});
  }
  const auto pair = judge_pairs(pairs, Terms{}).front();
  Answers answers = {{"wilcoxon", pair.over_sets.value().p},
                     {"mean", pair.mean_difference.estimate},
                     {"low", pair.mean_difference.low},
                     {"high", pair.mean_difference.high}};
  for (std::size_t i = 0; i < pair.sets.size(); ++i) {
    const auto& set = pair.sets[i];
    const auto number = std::to_string(i);
    answers["p" + number] = set.difference.p;
    answers["low" + number] = set.difference.low;
    answers["high" + number] = set.difference.high;
    answers["holm" + number] = set.adjusted;
  }
  return answers;
}

Answers answers(const Json& json) {
  const auto of = json.at("of").get<std::string>();
  const auto a = numbers(json, "a");
  const auto b = numbers(json, "b");
  if (of == "welch") return answers_of(welch(a, b));
  if (of == "paired") return answers_of(paired_difference(a, b));
  if (of == "correlation") return {{"r", correlation_of(a, b)}};
  if (of == "hedges_g") return {{"g", hedges_g(a, b)}};
  if (of == "permutation") return {{"p", permutation_test(a, b).p}};
  if (of == "superiority") {
    const auto chance = superiority(a, b);
    return {{"probability", chance.probability}, {"low", chance.low}, {"high", chance.high}};
  }
  if (of == "friedman") {
    const auto test = friedman_test(json.at("sets").get<std::vector<Numbers>>());
    return {{"statistic", test.statistic}, {"p", test.p}, {"rank", test.mean_ranks.front()}};
  }
  if (of == "exchange") {
    const auto rights_a = json.at("rights_a").get<Rights>();
    const auto rights_b = json.at("rights_b").get<Rights>();
    const auto test = exchange_test(rights_a, rights_b);
    const auto interval = bootstrap_interval(rights_a, rights_b);
    return {{"difference", test.difference},
            {"p", test.p},
            {"low", interval.low},
            {"high", interval.high}};
  }
  if (of == "importance") return importances(json);
  if (of == "eight_sets") return judged(json);
  return of_several(of, a);
}

}  // namespace

void check_numbers(const Json& cases) {
  ASSERT_GT(cases.size(), 100U);
  for (const auto& each : cases) {
    const auto ours = answers(each);
    const double bound = each.value("exact", false) ? 1e-15 : 1e-10;
    for (const auto& [name, theirs] : each.at("answers").items()) {
      ASSERT_TRUE(ours.contains(name)) << each.dump();
      const double expected = theirs.get<double>();
      EXPECT_NEAR(ours.at(name), expected, bound * std::max(1.0, std::abs(expected)))
          << name << " of " << each.dump();
    }
  }
}

}  // namespace mvn::test
