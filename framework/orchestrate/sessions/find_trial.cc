#include "orchestrate/sessions/find_trial.h"

#include <algorithm>
#include <vector>

#include "common/printable.h"
#include "common/text.h"
#include "mvn/error.h"

namespace mvn {

TrialRecord find_trial(const ResultsReader& reader, const std::filesystem::path& results,
                       const std::string& prefix) {
  if (prefix.empty() || prefix.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw ConfigError("", "'" + printable(prefix) +
                              "' is no trial's id, which is made of 0-9 and a-f" + kWhereTrialsAre);
  }
  auto found = reader.with_prefix(prefix);
  if (found.empty()) {
    throw ConfigError("", "no trial of " + path_text(results) + " has an id that begins with '" +
                              prefix + "'" + kWhereTrialsAre);
  }
  if (found.front().trial.id != found.back().trial.id) {
    std::string list;
    for (const auto& each : found) {
      list += (list.empty() ? "" : ", ") + each.sweep + "/" + short_id(each.trial.id);
    }
    throw ConfigError("", "the ids of " + std::to_string(found.size()) + " trials begin with '" +
                              prefix + "': " + list);
  }
  std::ranges::stable_partition(
      found, [](const TrialRecord& each) { return each.state == TrialState::kDone; });
  return std::move(found.front());
}

}  // namespace mvn
