// results.db for reading: what earlier runs did, and what that cost. It takes no lock and writes
// nothing, so it may be open while a runner works.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/json.h"
#include "orchestrate/store/store.h"

namespace mvn {

// Where nobody recorded a number it is 0.
struct PastAttempt {
  int number = 1;
  TrialState state = TrialState::kRunning;
  std::string device;  // of its place: "cpu", "cuda:1"
  std::string host;
  std::int64_t threads = 0;
  double seconds = 0;             // from its start to its end
  std::int64_t resumed_step = 0;  // it began after this step,
  std::int64_t step = 0;          // came to this one
  std::int64_t steps = 0;         // of so many
  double seconds_per_step = 0;    // between the first and the last record of its training loss
  double peak_host_bytes = 0;
  double peak_device_bytes = 0;
  double peak_checkpoint_bytes = 0;  // on disk
};

// A trial that was started at least once.
struct PastTrial {
  std::string sweep;
  std::string id;
  std::string group;
  std::string stage;
  TrialState state = TrialState::kPlanned;
  Json config;
  std::vector<PastAttempt> attempts;  // in their order
  double kept_bytes = 0;              // on disk: its model, the checkpoints kept, its predictions
};

// One thing that a trial was made from.
struct Fingerprint {
  std::string trial;  // id
  std::string name;   // "plugin.lora", "libmvn", "torch", "data./path/train.tsv", ...
  std::string value;  // SHA-256, or a version
};

// A trial with all that is needed to run it again without its sweep file.
struct TrialRecord {
  std::string sweep;
  std::filesystem::path file;  // the sweep file, where it was
  PlannedTrial trial;
  TrialState state = TrialState::kPlanned;
  std::string metric;  // what its stage is judged by
  bool maximize = false;
};

// A value of a metric by its name and step.
using MetricValues = std::map<std::pair<std::string, std::int64_t>, double>;

// Where the sweep file is from the results folder.
std::string place_of(const std::filesystem::path& file, const std::filesystem::path& results);

// The other sweep file that the sweep of this name in the results folder belongs to; empty where it
// belongs to `file`, which may have moved, also together with the results, or where there is none.
std::filesystem::path other_sweep_file(const std::filesystem::path& results,
                                       const std::string& sweep, const std::filesystem::path& file);

// Not thread-safe. Everything throws Error, which names the database.
class ResultsReader {
 public:
  // Throws where there is no database.
  explicit ResultsReader(const std::filesystem::path& database);
  ~ResultsReader();
  ResultsReader(const ResultsReader&) = delete;
  ResultsReader& operator=(const ResultsReader&) = delete;

  // As Store does.
  [[nodiscard]] std::vector<StoredTrial> trials(const std::string& sweep) const;
  // Ids of finished trials that begin with `prefix`, in any sweep.
  [[nodiscard]] std::vector<std::string> finished_with_prefix(const std::string& prefix) const;
  [[nodiscard]] std::filesystem::path folder_of(const std::string& id) const;

  [[nodiscard]] std::vector<TrialHistory> histories(const std::string& sweep) const;
  // The draws of a search from number `first` on, without a gap.
  [[nodiscard]] std::vector<Point> draws(const std::string& sweep, const std::string& stage,
                                         const std::string& search, std::size_t first) const;

  // What was run of every sweep.
  [[nodiscard]] std::vector<PastTrial> history() const;

  // What the last attempt of every trial of the sweep was made from.
  [[nodiscard]] std::vector<Fingerprint> fingerprints(const std::string& sweep) const;

  // Every trial whose id begins with `prefix`; once for each sweep that has it.
  [[nodiscard]] std::vector<TrialRecord> with_prefix(const std::string& prefix) const;
  // As the view `metrics` has them.
  [[nodiscard]] MetricValues metrics(const std::string& sweep, const std::string& id) const;
  // What the last attempt ran on, by name; as text.
  [[nodiscard]] std::map<std::string, std::string> environment(const std::string& sweep,
                                                               const std::string& id) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mvn
