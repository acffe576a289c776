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

// With the names that the request was understood by.
struct Compared {
  CompareRequest request;
  std::vector<ArmComparison> parts;
};

Compared compare(const std::filesystem::path& database, const CompareRequest& request) {
  if (!std::filesystem::exists(database)) {
    throw Error(std::filesystem::absolute(database).lexically_normal().string() +
                ": no such database; run a sweep first ('mvn-runner SWEEP.yaml'), or name its "
                "folder with --results");
  }
  return translate_errors(database, [&] {
    Database db(database, Access::kRead);
    auto gathered = gather_evidence(db, request);
    Compared compared{request, {}};
    compared.request.sweep = gathered.sweep;
    compared.request.by = gathered.by;
    for (auto& part : gathered.parts) {
      compared.parts.push_back(compare_evidence(db, std::move(part), compared.request));
    }
    return compared;
  });
}

void print_json(const Compared& compared, std::ostream& out, bool terminal) {
  Json parts = Json::array();
  for (const auto& comparison : compared.parts) parts.push_back(json_of(comparison));
  const Json json = {
      {"sweep", compared.request.sweep}, {"by", compared.request.by}, {"comparisons", parts}};
  const auto text = json.dump(1, ' ', false, Json::error_handler_t::replace);
  out << (terminal ? printable_lines(text) : text) << '\n';
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
  const auto compared = compare(database, request);
  if (format == CompareFormat::kJson) {
    print_json(compared, out, width.has_value());
  } else {
    for (std::size_t i = 0; i < compared.parts.size(); ++i) {
      if (i > 0) out << '\n';
      print_page(page_of(compared.parts[i], compared.request), format, out, width);
    }
  }
  out.flush();
}

}  // namespace mvn
