// Evidence and what the tests make of it. Private to the answers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/json.h"
#include "orchestrate/answers/evidence.h"
#include "orchestrate/answers/judgement.h"
#include "orchestrate/answers/page.h"
#include "orchestrate/answers/ranks.h"
#include "orchestrate/answers/text_by_text.h"

namespace mvn {

struct ComparedPair {
  std::size_t a = 0;
  std::size_t b = 0;              // indices into Evidence::arms
  std::vector<std::size_t> sets;  // those that both have results on
  PairJudgement judgement;
  std::vector<std::optional<TextByText>> texts;  // by set
  std::string sentence;
};

struct ArmComparison {
  Evidence evidence;
  std::vector<ComparedPair> pairs;
  std::optional<FriedmanTest> friedman;  // of three arms and more, where it can answer
  std::size_t asked = 0;                 // questions that Holm's correction is over
  std::vector<std::string> notes;
};

std::vector<double> values_of(const ArmResults& arm);
// That the results are shown with.
int decimals_of(const Evidence& evidence);

// A part of what was gathered for the request, which has the names that gathering found.
ArmComparison compare_evidence(Database& db, Evidence evidence, const CompareRequest& request);

// For people.
Page page_of(const ArmComparison& comparison, const CompareRequest& request);
// For programs: all numbers in full.
Json json_of(const ArmComparison& comparison);

}  // namespace mvn
