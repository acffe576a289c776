// Trackio: a folder for its TRACKIO_DIR with the SQLite file of one project, the sweep. Trackio
// keeps a row of JSON for each step.
#include <set>

#include "common/text.h"
#include "orchestrate/exports/formats.h"
#include "orchestrate/exports/names.h"
#include "orchestrate/exports/sqlite_output.h"
#include "orchestrate/exports/times.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// Of Trackio 0.43, which adds what other tables it wants when it first writes.
constexpr auto* kTrackioTables = R"sql(
CREATE TABLE metrics (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id TEXT NOT NULL,
  timestamp TEXT NOT NULL,
  run_name TEXT NOT NULL,
  step INTEGER NOT NULL,
  metrics TEXT NOT NULL,
  log_id TEXT,
  space_id TEXT
);
CREATE INDEX idx_metrics_run_step ON metrics (run_id, step);
CREATE INDEX idx_metrics_run_timestamp ON metrics (run_id, timestamp);
CREATE INDEX idx_metrics_run_record ON metrics (run_id, run_name, timestamp);
CREATE UNIQUE INDEX idx_metrics_log_id ON metrics (log_id) WHERE log_id IS NOT NULL;
CREATE TABLE configs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id TEXT NOT NULL,
  run_name TEXT NOT NULL,
  config TEXT NOT NULL,
  created_at TEXT NOT NULL,
  UNIQUE (run_id)
);
CREATE INDEX idx_configs_run_name ON configs (run_name);
CREATE TABLE system_metrics (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id TEXT NOT NULL,
  timestamp TEXT NOT NULL,
  run_name TEXT NOT NULL,
  metrics TEXT NOT NULL,
  log_id TEXT,
  space_id TEXT
);
CREATE INDEX idx_system_metrics_run_timestamp ON system_metrics (run_id, timestamp);
CREATE UNIQUE INDEX idx_system_metrics_log_id ON system_metrics (log_id) WHERE log_id IS NOT NULL;
CREATE TABLE project_metadata (key TEXT PRIMARY KEY, value TEXT NOT NULL);
)sql";

// Trackio's file is called after the project: letters, digits, '_' and '-'. Some endings and one
// beginning are its own.
std::string project_of(const std::string& sweep) {
  static const std::set<std::string> kOwn = {"_system",
                                             "_configs",
                                             "_traces",
                                             "_artifacts",
                                             "_artifact_versions",
                                             "_artifact_aliases",
                                             "_run_artifact_links",
                                             "_external_run_artifact_links"};
  std::string project = file_name(sweep);
  for (char& c : project) {
    if (c == '.' || c == '=' || c == '+') c = '_';
  }
  const bool own_end =
      std::ranges::any_of(kOwn, [&](const auto& end) { return project.ends_with(end); });
  return own_end || project.starts_with("registry-") ? "sweep-" + project + "-" : project;
}

// ISO 8601 as Python's isoformat() has it.
std::string trackio_time(std::int64_t time) {
  std::string text = iso_time(time);
  text.pop_back();
  return text + "000+00:00";
}

class TrackioWriter {
 public:
  TrackioWriter(ExportSource& source, const fs::path& folder, ExportReport& report)
      : source_(source),
        out_(folder / (project_of(source.sweep().name) + ".db"), kTrackioTables),
        report_(report) {}

  void write() {
    source_.each_trial([&](const ExportedTrial& trial) { write_run(trial); });
    out_.finish();
    if (empty_ > 0) {
      report_.notes.push_back(plural(empty_, "trial") +
                              " without a value of a metric: Trackio does not list them");
    }
  }

 private:
  void write_run(const ExportedTrial& trial) {
    const auto started = trial.started.value_or(source_.sweep().created);
    out_.insert("INSERT INTO configs (run_id, run_name, config, created_at) VALUES (?, ?, ?, ?)",
                trial.id, trial.name, config_of(trial, started), trackio_time(started));
    const auto before = report_.values;
    each_step(source_, trial, [&](const ExportedStep& step) {
      Json values = Json::object();
      for (const auto& [name, value] : step.values) values[name] = number_to_json(value);
      report_.values += static_cast<std::int64_t>(step.values.size());
      out_.insert(
          "INSERT INTO metrics (run_id, timestamp, run_name, step, metrics)"
          " VALUES (?, ?, ?, ?, ?)",
          trial.id, trackio_time(step.time), trial.name, step.step, values.dump());
    });
    if (report_.values == before) ++empty_;
    ++report_.trials;
  }

  // By dotted names, and what Trackio itself puts there.
  std::string config_of(const ExportedTrial& trial, std::int64_t started) {
    Json config = Json::object();
    source_.each_param(trial,
                       [&](const ExportedParam& param) { config[param.name] = param.value; });
    source_.each_cost(trial, [&](const std::string& name, double value) {
      config["mvn.cost." + name] = number_to_json(value);
    });
    config["mvn.state"] = trial.state;
    config["mvn.trial"] = trial.id;
    config["mvn.configuration"] = trial.label;
    config["seed"] = trial.seed;
    if (!trial.stage.empty()) config["mvn.stage"] = trial.stage;
    config["_Username"] = nullptr;
    config["_Created"] = trackio_time(started);
    config["_Group"] = trial.stage.empty() ? trial.label : trial.stage + " " + trial.label;
    return config.dump();
  }

  ExportSource& source_;
  SqliteOutput out_;
  ExportReport& report_;
  std::size_t empty_ = 0;  // trials without a value
};

void write_trackio(ExportSource& source, const fs::path& output, const ExportOptions&,
                   ExportReport& report) {
  TrackioWriter(source, output, report).write();
}

}  // namespace

ExportFormat trackio_format() {
  return {.name = "trackio",
          .help = "A folder for TRACKIO_DIR: a project with a run for each trial",
          .is_folder = true,
          .open = [](const std::string& output,
                     const std::string&) { return "TRACKIO_DIR=" + output + " trackio show"; },
          .write = write_trackio};
}

}  // namespace mvn
