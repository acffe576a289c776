#include "common/trial.h"

#include <algorithm>
#include <charconv>
#include <functional>

#include "common/printable.h"
#include "common/text.h"
#include "mvn/error.h"

namespace mvn {

Json to_json(const TrialFile& trial) {
  return Json{{"format", 1},
              {"sweep", trial.sweep},
              {"stage", trial.stage},
              {"id", trial.id},
              {"attempt", trial.attempt},
              {"config", trial.config},
              {"folder", trial.folder.string()},
              {"spool", trial.spool.string()},
              {"threads", trial.threads},
              {"device", trial.device}};
}

TrialFile read_trial_file(const std::filesystem::path& path) {
  const Json json = read_json(path);
  try {
    TrialFile trial;
    if (json.at("format") != 1) {
      throw DataError(path.string() + ": trial format " + json.at("format").dump() +
                      ", this worker reads format 1");
    }
    json.at("sweep").get_to(trial.sweep);
    json.at("stage").get_to(trial.stage);
    json.at("id").get_to(trial.id);
    json.at("attempt").get_to(trial.attempt);
    trial.config = json.at("config");
    trial.folder = json.at("folder").get<std::string>();
    trial.spool = json.at("spool").get<std::string>();
    json.at("threads").get_to(trial.threads);
    json.at("device").get_to(trial.device);
    return trial;
  } catch (const Json::exception& e) {
    throw DataError(path.string() + ": not a trial file: " + e.what());
  }
}

TrialPaths TrialPaths::of_spool(const std::filesystem::path& spool) {
  return {spool.parent_path().parent_path().parent_path()};
}
std::filesystem::path TrialPaths::attempt(int number) const {
  return folder / "attempts" / std::to_string(number);
}
std::filesystem::path TrialPaths::trial_file(int number) const {
  return attempt(number) / "trial.json";
}
std::filesystem::path TrialPaths::spool(int number) const {
  return attempt(number) / "spool.jsonl";
}
std::filesystem::path TrialPaths::log(int number) const { return attempt(number) / "log.txt"; }
std::filesystem::path TrialPaths::checkpoints() const { return folder / "checkpoints"; }
std::filesystem::path TrialPaths::model() const { return folder / "model"; }
std::filesystem::path TrialPaths::predictions() const { return folder / "predictions.jsonl"; }
std::filesystem::path TrialPaths::test_predictions() const {
  return folder / "test-predictions.jsonl";
}
std::filesystem::path TrialPaths::done() const { return folder / "done.json"; }

std::vector<std::int64_t> checkpoint_steps(const std::filesystem::path& checkpoints) {
  constexpr std::string_view kPrefix = "step-";
  std::vector<std::int64_t> steps;
  if (!std::filesystem::is_directory(checkpoints)) return steps;
  for (const auto& entry : std::filesystem::directory_iterator(checkpoints)) {
    const std::string name = entry.path().filename().string();
    std::int64_t step = 0;
    if (!name.starts_with(kPrefix)) continue;
    const char* end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data() + kPrefix.size(), end, step);
    if (error == std::errc() && rest == end) steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end(), std::greater<>());
  return steps;
}

bool is_sweep_name(std::string_view name) {
  const bool taken = name.starts_with("results.db") || name.starts_with("runner.lock");
  return !name.empty() && !taken && name.front() != '.' &&
         name.find('/') == std::string_view::npos && printable(name) == name;
}

bool is_trial_id(std::string_view id) {
  return id.size() >= kShortId &&
         id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void require_below(const std::filesystem::path& folder, const std::filesystem::path& path) {
  const auto real = std::filesystem::weakly_canonical(path);
  const auto inside = real.lexically_relative(std::filesystem::weakly_canonical(folder));
  if (!inside.empty() && *inside.begin() != "..") return;
  throw DataError(path.string() + ": leads out of " + folder.string() + ", to " + real.string() +
                  "; nothing is written through such a link");
}

TrialPaths trial_paths(const std::filesystem::path& results, const std::string& sweep,
                       const std::string& id) {
  if (!is_sweep_name(sweep)) {
    throw DataError("'" + printable(sweep) + "' cannot be a sweep's name: it is no folder's");
  }
  if (!is_trial_id(id)) {
    throw DataError("'" + printable(id) + "' is no trial's id, which is made of 0-9 and a-f");
  }
  TrialPaths paths{results / sweep / short_id(id)};
  if (!results.empty()) require_below(results, paths.folder);
  return paths;
}

}  // namespace mvn
