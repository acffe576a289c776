// A sweep of results.db as the exports read it: its trials one at a time, and of each its values as
// they come, so that a large sweep takes no more memory than a small one. All texts are valid
// UTF-8.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/json.h"

namespace mvn {

struct ExportedStage {
  std::string name;    // "" in a sweep without stages
  std::string metric;  // what it is judged by
  bool maximize = true;
};

struct ExportedSweep {
  std::string name;
  std::string file;          // the sweep file, where it was
  Json resolved;             // what it says
  std::int64_t created = 0;  // milliseconds since 1970 UTC, as all times here
  std::vector<ExportedStage> stages;
  std::vector<std::string> metrics;  // that its trials reported: those of the stages first
};

// As the view `trials` has it.
struct ExportedTrial {
  std::int64_t row = 0;
  std::string id;     // SHA-256 of its configuration: 64 digits
  std::string trial;  // the first 12
  std::string name;   // "classify lr=0.001 seed=2"
  std::string label;  // "lr=0.001"
  std::string stage;
  std::string group;  // shared by the trials that differ in their seed alone
  std::string state;
  std::string metric;  // of its stage
  std::string message;
  std::string folder;  // from the results folder
  std::int64_t seed = 0;
  bool current = true;
  Json parameters;                  // the swept keys and its values
  Json config;                      // all of it
  std::optional<double> objective;  // nothing where it is NaN or was never reported
  std::optional<std::int64_t> step;
  std::optional<std::int64_t> steps;
  std::optional<std::int64_t> draw;
  std::int64_t attempts = 0;
  std::optional<double> seconds;
  std::optional<std::int64_t> started;
  std::optional<std::int64_t> ended;
};

struct ExportedPoint {
  const std::string* name = nullptr;
  std::int64_t step = 0;
  double value = 0;  // may be NaN or infinite
  std::int64_t time = 0;
  std::int64_t attempt = 1;
};

struct ExportedParam {
  std::string name;  // dotted
  Json value;        // as stored: true and false are 1 and 0, lists their JSON
  bool swept = false;
  std::string origin;  // "config", or "trial": the trial chose it
};

// All of a step, or all of a metric, together.
enum class PointOrder { kByStep, kByName };

// Reads in one transaction: what a sweep that runs writes meanwhile is not seen. Not thread-safe.
// Everything throws Error, which names the database.
class ExportSource {
 public:
  // The sweep of this name, or of this file; its trials as the file names them now, or `all`.
  // Throws ConfigError where there is none.
  ExportSource(const std::filesystem::path& database, const std::string& sweep, bool all);
  ~ExportSource();
  ExportSource(const ExportSource&) = delete;
  ExportSource& operator=(const ExportSource&) = delete;

  [[nodiscard]] const std::filesystem::path& database() const;
  [[nodiscard]] const ExportedSweep& sweep() const { return sweep_; }
  [[nodiscard]] std::int64_t trials() const;

  // Called again and again while it reads; what it throws ends the export.
  void between(std::function<void()> look_up) { look_up_ = std::move(look_up); }

  void each_trial(const std::function<void(const ExportedTrial&)>& visit);

  // Of a trial: the values that count.
  void each_point(const ExportedTrial& trial, PointOrder order,
                  const std::function<void(const ExportedPoint&)>& visit);
  // Of all trials, which `visit` gets the rows of: a metric after the other, each by its times.
  void each_point_in_time(
      const std::function<void(std::int64_t trial, const ExportedPoint& point)>& visit);
  void each_point_of(const ExportedTrial& trial, const std::string& metric,
                     const std::function<void(const ExportedPoint&)>& visit);
  // The last one of each metric.
  void each_final(const ExportedTrial& trial,
                  const std::function<void(const ExportedPoint&)>& visit);
  void each_param(const ExportedTrial& trial,
                  const std::function<void(const ExportedParam&)>& visit);
  void each_cost(const ExportedTrial& trial,
                 const std::function<void(const std::string& name, double value)>& visit);

  // The database's views that people query, and their columns.
  std::map<std::string, std::vector<std::string>> views();
  // The tables and views that those are made of.
  std::vector<std::string> own_tables();

 private:
  struct State;
  std::unique_ptr<State> state_;
  ExportedSweep sweep_;
  std::function<void()> look_up_ = [] {};
};

// The values of a trial at one step.
struct ExportedStep {
  std::int64_t step = 0;
  std::int64_t time = 0;  // of the last of them
  std::vector<std::pair<std::string, double>> values;
};
void each_step(ExportSource& source, const ExportedTrial& trial,
               const std::function<void(const ExportedStep&)>& visit);

}  // namespace mvn
