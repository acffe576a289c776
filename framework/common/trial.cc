#include "common/trial.h"

#include <algorithm>
#include <charconv>
#include <functional>

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

TrialPaths trial_paths(const std::filesystem::path& results, const std::string& sweep,
                       const std::string& id) {
  return {results / sweep / id.substr(0, 12)};
}

}  // namespace mvn
