// trial.json: one resolved trial, as the runner hands it to a worker. Any program that reads this
// file and appends to the spool it names can be a trial.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"

namespace mvn {

struct TrialFile {
  std::string sweep;  // name of the sweep
  std::string stage;  // name of the stage, "" in a sweep without stages
  std::string id;     // identity: SHA-256 of the canonical configuration
  int attempt = 1;    // 1, 2, ... of this trial
  // The resolved configuration: sections model, adapter, task, optimizer, schedule, training, and
  // "seed". Paths are absolute; model.weights is a path here even where the sweep named a trial.
  Json config;
  std::filesystem::path folder;  // the trial's own: checkpoints and the trained model
  std::filesystem::path spool;   // append records here
  int threads = 1;               // CPU threads to use
  std::string device = "cpu";    // "cpu" or "cuda:0"
};

Json to_json(const TrialFile& trial);
// Throws DataError naming `path` when a field is missing or of the wrong type.
TrialFile read_trial_file(const std::filesystem::path& path);

// Whether a sweep can be called so: its name is that of a folder of the results, beside other
// files.
bool is_sweep_name(std::string_view name);

// Whether it can be a trial's identity: at least twelve digits 0-9 a-f.
bool is_trial_id(std::string_view id);

// Throws DataError where `path` does not lie below `folder` once symbolic links are followed.
void require_below(const std::filesystem::path& folder, const std::filesystem::path& path);

// Where everything of a trial lives; the one place that makes these paths.
struct TrialPaths {
  std::filesystem::path folder;
  // The paths of the trial that an attempt with this spool belongs to.
  static TrialPaths of_spool(const std::filesystem::path& spool);
  [[nodiscard]] std::filesystem::path attempt(int number) const;     // attempts/3
  [[nodiscard]] std::filesystem::path trial_file(int number) const;  // attempts/3/trial.json
  [[nodiscard]] std::filesystem::path spool(int number) const;       // attempts/3/spool.jsonl
  [[nodiscard]] std::filesystem::path log(int number) const;         // attempts/3/log.txt
  [[nodiscard]] std::filesystem::path checkpoints() const;           // checkpoints/
  [[nodiscard]] std::filesystem::path model() const;                 // model/ (final result)
  [[nodiscard]] std::filesystem::path predictions() const;       // predictions.jsonl (validation)
  [[nodiscard]] std::filesystem::path test_predictions() const;  // test-predictions.jsonl
  [[nodiscard]] std::filesystem::path done() const;              // done.json: nothing is left to do
};

// The steps of the whole checkpoints ("step-120") in a trial's folder of them, newest first.
std::vector<std::int64_t> checkpoint_steps(const std::filesystem::path& checkpoints);

// <results>/<sweep>/<first 12 digits of the id>. Names and ids come from databases and files of
// anywhere: throws DataError where they would lead out of the results, or symbolic links do. (Of an
// empty `results`, only names and ids are looked at.)
TrialPaths trial_paths(const std::filesystem::path& results, const std::string& sweep,
                       const std::string& id);

}  // namespace mvn
