#include "orchestrate/page/verdict.h"

#include "mvn/error.h"
#include "orchestrate/answers/arm_comparison.h"
#include "orchestrate/answers/report.h"

namespace mvn {
namespace {

constexpr const char* kModel = "model.plugin";

bool model_varies(Database& db, const std::string& sweep) {
  const auto models = db.integer(
      "SELECT count(DISTINCT p.value) FROM mvn_param p JOIN mvn_trial t ON t.id = p.trial"
      " JOIN mvn_sweep s ON s.id = t.sweep"
      " WHERE s.name = ? AND t.current = 1 AND p.name = 'model.plugin'",
      sweep);
  return models.value_or(0) > 1;
}

Json json_of(const PageTable& table) { return {{"columns", table.columns}, {"rows", table.rows}}; }

Json json_of(const Page& page) {
  Json tables = Json::array();
  for (const auto& table : page.tables) tables.push_back(json_of(table));
  return {{"heading", page.heading},
          {"sentences", page.sentences},
          {"diagram", page.diagram},
          {"notes", page.notes},
          {"tables", tables}};
}

PageVerdict compared(Database& db, const std::string& sweep, const std::string& by) {
  auto gathered = gather_evidence(db, {.sweep = sweep, .by = by});
  const CompareRequest request{.sweep = gathered.sweep, .by = gathered.by};
  PageVerdict result{{{"question", "Which " + gathered.by + " is better?"}, {"by", gathered.by}},
                     Json::array()};
  auto& parts = result.verdict["parts"] = Json::array();
  for (auto& part : gathered.parts) {
    const auto comparison = compare_evidence(db, std::move(part), request);
    parts.push_back(json_of(page_of(comparison, request)));
    result.comparisons.push_back(mvn::json_of(comparison));
  }
  return result;
}

PageVerdict best_two(Database& db, const std::string& sweep) {
  PageVerdict result{{{"question", "Which configuration is best?"}}, Json::array()};
  auto& parts = result.verdict["parts"] = Json::array();
  for (const auto& stage : stage_verdicts(db, sweep)) {
    parts.push_back({{"heading", (stage.stage.empty() ? "" : stage.stage + ": ") + stage.metric +
                                     (stage.maximize ? " (higher" : " (lower") + " is better)"},
                     {"sentences", stage.sentences},
                     {"diagram", Json::array()},
                     {"notes", Json::array()},
                     {"tables", Json::array()}});
  }
  return result;
}

}  // namespace

PageVerdict page_verdict(Database& db, const std::string& sweep, const std::string& by) {
  if (!by.empty()) return compared(db, sweep, by);
  if (!model_varies(db, sweep)) return best_two(db, sweep);
  try {
    return compared(db, sweep, kModel);
  } catch (const ConfigError& nothing_yet) {
    // A model without a result, for instance: the best two may still be told apart.
    auto result = best_two(db, sweep);
    result.verdict["question"] = std::string("Which ") + kModel + " is better?";
    for (auto& part : result.verdict["parts"]) {
      part["notes"].push_back(std::string("No comparison by ") + kModel + ": " +
                              nothing_yet.what() + ".");
      break;
    }
    return result;
  }
}

}  // namespace mvn
