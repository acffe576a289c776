#include "orchestrate/sessions/find_trial.h"

#include <algorithm>
#include <vector>

#include "common/printable.h"
#include "common/text.h"
#include "common/trial.h"
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

std::filesystem::path saved_model(const std::filesystem::path& results, const TrialRecord& record,
                                  const std::string& used) {
  auto folder = trial_paths(results, record.sweep, record.trial.id).model();
  const auto name = "trial " + short_id(record.trial.id);
  if (record.state != TrialState::kDone) {
    throw ConfigError("", name + " is " + std::string(to_string(record.state)) +
                              ": only what a finished trial saved is " + used);
  }
  if (std::filesystem::exists(folder)) return folder;
  throw ConfigError("",
                    name + " saved no model (training.save_model): there is no " + folder.string());
}

}  // namespace mvn
