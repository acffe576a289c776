// The comparison as programs read it.
#include <cmath>

#include "orchestrate/answers/arm_comparison.h"

namespace mvn {
namespace {

Json number_or_null(double number) { return std::isfinite(number) ? Json(number) : Json(); }

template <typename T>
Json value_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json json_of(const MeanDifference& difference) {
  return {{"estimate", number_or_null(difference.estimate)},
          {"low", number_or_null(difference.low)},
          {"high", number_or_null(difference.high)},
          {"p", number_or_null(difference.p)},
          {"degrees_of_freedom", number_or_null(difference.freedom)}};
}

Json json_of(const ArmResults& arm, const std::string& name) {
  Json values = Json::array();
  std::vector<double> numbers;
  for (const auto& [seed, value] : arm.values) {
    values.push_back({{"seed", seed}, {"value", value}});
    numbers.push_back(value);
  }
  return {{"arm", name},
          {"configuration", arm.configuration},
          {"draws", arm.draws},
          {"n", arm.values.size()},
          {"trials", arm.trials},
          {"failed", arm.failed},
          {"stopped", arm.stopped},
          {"numberless", arm.numberless},
          {"waiting", arm.waiting},
          {"mean", numbers.empty() ? Json() : Json(mean_of(numbers))},
          {"sd", numbers.size() < 2 ? Json() : Json(deviation_of(numbers))},
          {"values", values}};
}

Json json_of(const SetJudgement& set, const std::string& name) {
  Json json = {{"set", name},
               {"verdict", verdict_word(set.verdict)},
               {"difference", json_of(set.difference)},
               {"paired", set.paired},
               {"p", set.answers() ? Json(set.p) : Json()},
               {"holm_p", set.answers() ? Json(set.adjusted) : Json()},
               {"hedges_g", number_or_null(set.g)},
               {"probability_better",
                {{"estimate", set.superiority.probability},
                 {"low", set.superiority.low},
                 {"high", set.superiority.high}}},
               {"more_seeds", value_or_null(set.more_seeds)}};
  if (set.paired) json["correlation"] = number_or_null(set.correlation);
  if (set.permutation) {
    json["permutation"] = {{"p", set.permutation->p}, {"sampled", set.permutation->sampled}};
  }
  return json;
}

void add_texts(const TextByText& texts, Json& set) {
  if (const auto& many = texts.many) {
    set["text_by_text"] = {{"texts", texts.texts},       {"models_a", many->models_a},
                           {"models_b", many->models_b}, {"difference", many->test.difference},
                           {"p", many->test.p},          {"low", many->interval.low},
                           {"high", many->interval.high}};
  }
  if (const auto& two = texts.two) {
    set["mcnemar"] = {{"seed", two->seed},     {"texts", texts.texts}, {"only_a", two->only_a},
                      {"only_b", two->only_b}, {"p", two->test.p},     {"mid_p", two->test.mid_p}};
  }
}

Json json_of(const ComparedPair& pair, const Evidence& evidence) {
  Json sets = Json::array();
  for (std::size_t i = 0; i < pair.sets.size(); ++i) {
    sets.push_back(json_of(pair.judgement.sets[i], evidence.sets[pair.sets[i]].name));
    if (const auto& texts = pair.texts[i]) add_texts(*texts, sets.back());
  }
  Json json = {{"a", evidence.arms[pair.a]},
               {"b", evidence.arms[pair.b]},
               {"verdict", verdict_word(pair.judgement.verdict)},
               {"sentence", pair.sentence},
               {"sets", sets}};
  if (pair.sets.size() > 1) {
    json["mean_difference"] = json_of(pair.judgement.mean_difference);
    json["more_sets"] = value_or_null(pair.judgement.more_sets);
  }
  if (const auto& test = pair.judgement.over_sets) {
    json["wilcoxon"] = {{"p", test->p},
                        {"rank_sum", test->sum},
                        {"n", test->used},
                        {"holm_p", pair.judgement.adjusted}};
  }
  return json;
}

}  // namespace

Json json_of(const ArmComparison& comparison) {
  const auto& evidence = comparison.evidence;
  Json sets = Json::array();
  for (const auto& set : evidence.sets) {
    Json arms = Json::array();
    for (std::size_t i = 0; i < set.arms.size(); ++i) {
      arms.push_back(json_of(set.arms[i], evidence.arms[i]));
    }
    sets.push_back({{"set", set.name}, {"texts", value_or_null(set.texts)}, {"arms", arms}});
  }
  Json pairs = Json::array();
  for (const auto& pair : comparison.pairs) pairs.push_back(json_of(pair, evidence));
  Json json = {{"metric", evidence.metric},
               {"goal", evidence.maximize ? "maximize" : "minimize"},
               {"chosen_by", evidence.chosen_by.empty() ? Json() : Json(evidence.chosen_by)},
               {"region", evidence.region},
               {"sets", sets},
               {"pairs", pairs},
               {"notes", comparison.notes}};
  if (const auto& test = comparison.friedman) {
    json["friedman"] = {
        {"statistic", test->statistic},
        {"p", test->p},
        {"mean_ranks", test->mean_ranks},
        {"critical_difference", nemenyi_difference(evidence.arms.size(), evidence.sets.size())}};
  }
  return json;
}

}  // namespace mvn
