// results.db for reading: what earlier runs did, and what that cost. It takes no lock and writes
// nothing, so it may be open while a runner works.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
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
  [[nodiscard]] std::vector<std::string> finished_with_prefix(const std::string& prefix) const;
  [[nodiscard]] std::filesystem::path folder_of(const std::string& id) const;

  [[nodiscard]] std::vector<TrialHistory> histories(const std::string& sweep) const;
  // The draws of a search from number `first` on, without a gap.
  [[nodiscard]] std::vector<Point> draws(const std::string& sweep, const std::string& stage,
                                         const std::string& search, std::size_t first) const;

  // Of every sweep.
  [[nodiscard]] std::vector<PastTrial> history() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mvn
