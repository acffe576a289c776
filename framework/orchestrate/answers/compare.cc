#include "orchestrate/answers/compare.h"

#include <algorithm>

#include "common/json.h"
#include "common/printable.h"
#include "mvn/error.h"
#include "mvn/nearest.h"
#include "orchestrate/answers/arm_comparison.h"
#include "orchestrate/store/database.h"

namespace mvn {
namespace {

void print_json(const GatheredEvidence& gathered, const std::vector<ArmComparison>& comparisons,
                std::ostream& out, bool terminal) {
  Json parts = Json::array();
  for (const auto& comparison : comparisons) parts.push_back(json_of(comparison));
  const Json json = {{"sweep", gathered.sweep}, {"by", gathered.by}, {"comparisons", parts}};
  const auto text = json.dump(1, ' ', false, Json::error_handler_t::replace);
  out << (terminal ? printable_lines(text) : text) << '\n';
}

GatheredEvidence gather(const std::filesystem::path& database, const CompareRequest& request) {
  if (!std::filesystem::exists(database)) {
    throw Error(std::filesystem::absolute(database).lexically_normal().string() +
                ": no such database; run a sweep first ('mvn-runner SWEEP.yaml'), or name its "
                "folder with --results");
  }
  return translate_errors(database, [&] {
    Database db(database, Access::kRead);
    return gather_evidence(db, request);
  });
}

}  // namespace

CompareFormat compare_format(std::string_view name) {
  static const std::vector<std::string> kNames = {"table", "json", "markdown", "latex"};
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) {
    throw ConfigError("", "unknown format '" + std::string(name) + "'" + suggest(name, kNames));
  }
  return static_cast<CompareFormat>(found - kNames.begin());
}

void compare_arms(const std::filesystem::path& database, const CompareRequest& request,
                  CompareFormat format, std::ostream& out, std::optional<std::size_t> width) {
  auto gathered = gather(database, request);
  std::vector<ArmComparison> comparisons;
  for (auto& part : gathered.parts) {
    comparisons.push_back(compare_evidence(std::move(part), gathered.by, request.baseline,
                                           {database.parent_path(), gathered.sweep}));
  }
  if (format == CompareFormat::kJson) {
    print_json(gathered, comparisons, out, width.has_value());
  } else {
    for (std::size_t i = 0; i < comparisons.size(); ++i) {
      if (i > 0) out << '\n';
      print_page(page_of(comparisons[i], gathered.sweep, gathered.by), format, out, width);
    }
  }
  out.flush();
}

}  // namespace mvn
