// MLflow: the SQLite file that its tracking server keeps. A sweep is an experiment, a trial a run.
#include <cctype>
#include <cmath>
#include <limits>
#include <set>

#include "common/hashing.h"
#include "common/text.h"
#include "common/utf8.h"
#include "orchestrate/exports/formats.h"
#include "orchestrate/exports/mlflow_tables.h"
#include "orchestrate/exports/names.h"
#include "orchestrate/exports/sqlite_output.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// What MLflow takes of each, in characters.
constexpr std::size_t kExperimentName = 256;
constexpr std::size_t kRunName = 250;
constexpr std::size_t kKey = 250;
constexpr std::size_t kParamValue = 6000;
constexpr std::size_t kTagValue = 5000;
constexpr std::size_t kSourceName = 500;

// MLflow's rule for names of metrics, parameters and tags: a path that leads nowhere else.
std::string mlflow_key(std::string_view name) {
  constexpr std::string_view kMarks = "_-. :/";
  std::string key;
  for (const char c : first_characters(name, kKey - 10)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= 0x80 || std::isalnum(byte) != 0;
    const bool part_begins = key.empty() || key.back() == '/';
    const bool dot_or_slash = c == '.' || c == '/';
    const bool mark = kMarks.find(c) != kMarks.npos && !(part_begins && dot_or_slash);
    key += plain || mark ? c : '_';
  }
  if (key.empty() || key.back() == '/') key += '_';
  return key;
}

std::string mlflow_status(const std::string& state) {
  if (state == "done") return "FINISHED";
  if (state == "failed" || state == "diverged") return "FAILED";
  if (state == "running") return "RUNNING";
  return state == "stopped" || state == "interrupted" ? "KILLED" : "SCHEDULED";
}

// A number as MLflow stores it: a NaN is 0 beside a mark, infinity the largest number.
double mlflow_number(double value) {
  if (std::isnan(value)) return 0;
  constexpr double kLargest = std::numeric_limits<double>::max();
  return std::clamp(value, -kLargest, kLargest);
}

std::string value_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

class MlflowWriter {
 public:
  MlflowWriter(ExportSource& source, const fs::path& file, ExportReport& report)
      : source_(source),
        out_(file, kMlflowTables),
        report_(report),
        reported_(source.sweep().metrics.begin(), source.sweep().metrics.end()) {}

  void write() {
    write_experiments();
    source_.each_trial([&](const ExportedTrial& trial) { write_run(trial); });
    write_metrics();
    out_.finish(kMlflowIndexes);
    const std::size_t renamed = metric_key_.changed() + param_key_.changed();
    if (renamed > 0) {
      report_.notes.push_back(plural(renamed, "name") +
                              " of metrics or parameters changed to what MLflow takes");
    }
    if (cut_ > 0) {
      report_.notes.push_back(plural(cut_, "text") + " cut to MLflow's limits");
    }
    if (infinite_ > 0) {
      report_.notes.push_back(plural(infinite_, "infinite value") +
                              " stored as MLflow does, as the largest number there is");
    }
  }

 private:
  void write_experiments() {
    const ExportedSweep& sweep = source_.sweep();
    constexpr auto* kInsert =
        "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage,"
        " creation_time, last_update_time) VALUES (?, ?, ?, 'active', ?, ?)";
    // MLflow expects the first of the two to be there.
    out_.insert(kInsert, 0, "Default", "./mlruns/0", sweep.created, sweep.created);
    out_.insert(kInsert, 1,
                within(sweep.name == "Default" ? "Default sweep" : sweep.name, kExperimentName),
                "./mlruns/1", sweep.created, sweep.created);
  }

  void write_run(const ExportedTrial& trial) {
    const std::string run = sha256(trial.id).substr(0, 32);
    const auto started = trial.started.value_or(source_.sweep().created);
    out_.insert(
        "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id,"
        " status, start_time, end_time, source_version, lifecycle_stage, artifact_uri,"
        " experiment_id) VALUES (?, ?, 'LOCAL', ?, '', '', ?, ?, ?, '', 'active', ?, 1)",
        run, within(trial.name, kRunName), within(source_.sweep().file, kSourceName),
        mlflow_status(trial.state), started, trial.ended, "./mlruns/1/" + run + "/artifacts");
    write_tags(trial, run);
    source_.each_param(trial, [&](const ExportedParam& param) {
      out_.insert("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)",
                  param_key_(param.name), within(value_text(param.value), kParamValue), run);
    });
    write_last_metrics(trial, run, started);
    runs_[trial.row] = run;
    ++report_.trials;
  }

  void write_tags(const ExportedTrial& trial, const std::string& run) {
    const std::vector<std::pair<std::string, std::string>> tags = {
        {"mlflow.runName", within(trial.name, kRunName)},
        {"mlflow.source.name", within(source_.sweep().file, kSourceName)},
        {"mlflow.source.type", "LOCAL"},
        {"mvn.configuration", trial.label},
        {"mvn.folder", trial.folder},
        {"mvn.group", trial.group},
        {"mvn.message", trial.message},
        {"mvn.seed", std::to_string(trial.seed)},
        {"mvn.stage", trial.stage},
        {"mvn.state", trial.state},
        {"mvn.sweep", source_.sweep().name},
        {"mvn.trial", trial.id}};
    for (const auto& [key, value] : tags) {
      if (value.empty()) continue;
      out_.insert("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", key,
                  within(value, kTagValue), run);
    }
  }

  // In the order of their table's key, which makes a million of them several times as fast.
  void write_metrics() {
    source_.each_point_in_time([&](std::int64_t trial, const ExportedPoint& point) {
      insert_metric(kMetric, point, runs_.at(trial));
      if (std::isinf(point.value)) ++infinite_;
      ++report_.values;
    });
  }

  void write_last_metrics(const ExportedTrial& trial, const std::string& run,
                          std::int64_t started) {
    source_.each_final(trial,
                       [&](const ExportedPoint& point) { insert_metric(kLatest, point, run); });
    source_.each_cost(trial, [&](const std::string& cost, double value) {
      std::string name = "cost/" + cost;
      while (reported_.contains(name)) name += "_";  // trials call a metric so
      const ExportedPoint point{&name, 0, value, trial.ended.value_or(started), 1};
      insert_metric(kMetric, point, run);
      insert_metric(kLatest, point, run);
    });
  }

  void insert_metric(const char* sql, const ExportedPoint& point, const std::string& run) {
    out_.insert(sql, metric_key_(*point.name), mlflow_number(point.value), point.time, point.step,
                std::isnan(point.value) ? 1 : 0, run);
  }

  std::string within(const std::string& text, std::size_t limit) {
    if (text.size() <= limit) return text;
    std::string cut = first_characters(text, limit);
    if (cut.size() < text.size()) ++cut_;
    return cut;
  }

  static constexpr auto* kMetric =
      "INSERT INTO metrics (key, value, timestamp, step, is_nan, run_uuid)"
      " VALUES (?, ?, ?, ?, ?, ?)";
  static constexpr auto* kLatest =
      "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid)"
      " VALUES (?, ?, ?, ?, ?, ?)";

  ExportSource& source_;
  SqliteOutput out_;
  ExportReport& report_;
  std::map<std::int64_t, std::string> runs_;  // by the trial's row
  std::set<std::string> reported_;            // names of metrics
  RenamedKeys metric_key_{mlflow_key};
  RenamedKeys param_key_{mlflow_key};
  std::size_t cut_ = 0;
  std::size_t infinite_ = 0;
};

void write_mlflow(ExportSource& source, const fs::path& output, const ExportOptions&,
                  ExportReport& report) {
  MlflowWriter(source, output, report).write();
}

}  // namespace

ExportFormat mlflow_format() {
  return {.name = "mlflow",
          .help = "A SQLite file that 'mlflow ui' opens: an experiment with a run for each trial",
          .is_folder = false,
          .open =
              [](const std::string& output, const std::string&) {
                return "mlflow ui --backend-store-uri sqlite:///" + output;
              },
          .write = write_mlflow};
}

}  // namespace mvn
