// Optuna: the SQLite file of its RDBStorage, a study for each stage.
#include <cmath>
#include <set>

#include "common/text.h"
#include "mvn/error.h"
#include "orchestrate/exports/formats.h"
#include "orchestrate/exports/names.h"
#include "orchestrate/exports/optuna_space.h"
#include "orchestrate/exports/sqlite_output.h"
#include "orchestrate/exports/times.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// Of the schema 12 (v3.2.0.a), which Optuna 3.2 to 5.0 have.
constexpr auto* kOptunaTables = R"sql(
CREATE TABLE studies (
  study_id INTEGER NOT NULL,
  study_name VARCHAR(512) NOT NULL,
  PRIMARY KEY (study_id)
);
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE TABLE version_info (
  version_info_id INTEGER NOT NULL,
  schema_version INTEGER,
  library_version VARCHAR(256),
  PRIMARY KEY (version_info_id),
  CHECK (version_info_id = 1)
);
INSERT INTO version_info VALUES (1, 12, '3.2.0');
CREATE TABLE alembic_version (
  version_num VARCHAR(32) NOT NULL,
  CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES ('v3.2.0.a');
CREATE TABLE study_directions (
  study_direction_id INTEGER NOT NULL,
  direction VARCHAR(8) NOT NULL,
  study_id INTEGER NOT NULL,
  objective INTEGER NOT NULL,
  PRIMARY KEY (study_direction_id),
  UNIQUE (study_id, objective),
  FOREIGN KEY (study_id) REFERENCES studies (study_id)
);
CREATE TABLE study_user_attributes (
  study_user_attribute_id INTEGER NOT NULL,
  study_id INTEGER,
  "key" VARCHAR(512),
  value_json TEXT,
  PRIMARY KEY (study_user_attribute_id),
  UNIQUE (study_id, "key"),
  FOREIGN KEY (study_id) REFERENCES studies (study_id)
);
CREATE TABLE study_system_attributes (
  study_system_attribute_id INTEGER NOT NULL,
  study_id INTEGER,
  "key" VARCHAR(512),
  value_json TEXT,
  PRIMARY KEY (study_system_attribute_id),
  UNIQUE (study_id, "key"),
  FOREIGN KEY (study_id) REFERENCES studies (study_id)
);
CREATE TABLE trials (
  trial_id INTEGER NOT NULL,
  number INTEGER,
  study_id INTEGER,
  state VARCHAR(8) NOT NULL,
  datetime_start DATETIME,
  datetime_complete DATETIME,
  PRIMARY KEY (trial_id),
  FOREIGN KEY (study_id) REFERENCES studies (study_id)
);
CREATE INDEX ix_trials_study_id ON trials (study_id);
CREATE TABLE trial_user_attributes (
  trial_user_attribute_id INTEGER NOT NULL,
  trial_id INTEGER,
  "key" VARCHAR(512),
  value_json TEXT,
  PRIMARY KEY (trial_user_attribute_id),
  UNIQUE (trial_id, "key"),
  FOREIGN KEY (trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_system_attributes (
  trial_system_attribute_id INTEGER NOT NULL,
  trial_id INTEGER,
  "key" VARCHAR(512),
  value_json TEXT,
  PRIMARY KEY (trial_system_attribute_id),
  UNIQUE (trial_id, "key"),
  FOREIGN KEY (trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_params (
  param_id INTEGER NOT NULL,
  trial_id INTEGER,
  param_name VARCHAR(512),
  param_value FLOAT,
  distribution_json TEXT,
  PRIMARY KEY (param_id),
  UNIQUE (trial_id, param_name),
  FOREIGN KEY (trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_values (
  trial_value_id INTEGER NOT NULL,
  trial_id INTEGER NOT NULL,
  objective INTEGER NOT NULL,
  value FLOAT,
  value_type VARCHAR(7) NOT NULL,
  PRIMARY KEY (trial_value_id),
  UNIQUE (trial_id, objective),
  FOREIGN KEY (trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
  trial_intermediate_value_id INTEGER NOT NULL,
  trial_id INTEGER NOT NULL,
  step INTEGER NOT NULL,
  intermediate_value FLOAT,
  intermediate_value_type VARCHAR(7) NOT NULL,
  PRIMARY KEY (trial_intermediate_value_id),
  UNIQUE (trial_id, step),
  FOREIGN KEY (trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_heartbeats (
  trial_heartbeat_id INTEGER NOT NULL,
  trial_id INTEGER NOT NULL,
  heartbeat DATETIME NOT NULL,
  PRIMARY KEY (trial_heartbeat_id),
  UNIQUE (trial_id),
  FOREIGN KEY (trial_id) REFERENCES trials (trial_id)
);
)sql";

constexpr std::size_t kIndexedText = 512;   // characters of names and keys
constexpr std::size_t kMostChoices = 1000;  // each trial names them all

std::string optuna_name(std::string_view name) { return first_characters(name, kIndexedText - 10); }

// A number as Optuna stores it: the finite ones, and a word for the others.
struct StoredNumber {
  std::optional<double> value;
  const char* type;
};

StoredNumber stored_number(double value) {
  if (std::isnan(value)) return {std::nullopt, "NAN"};
  if (std::isinf(value)) return {std::nullopt, value > 0 ? "INF_POS" : "INF_NEG"};
  return {value, "FINITE"};
}

// Optuna knows of a completed trial that it has a value.
std::string optuna_state(const ExportedTrial& trial) {
  if (trial.state == "done") return trial.objective ? "COMPLETE" : "FAIL";
  if (trial.state == "stopped") return "PRUNED";
  if (trial.state == "running") return "RUNNING";
  return trial.state == "planned" || trial.state == "interrupted" ? "WAITING" : "FAIL";
}

std::string optuna_time(std::int64_t time) {
  std::string text = iso_time(time);
  text.back() = '0';  // microseconds
  text.replace(text.find('T'), 1, " ");
  return text + "00";
}

// A stage, while it is written.
struct Study {
  std::int64_t row = 0;
  std::int64_t trials = 0;
  std::map<std::string, SeenValues> values;  // of each parameter
  std::map<std::string, OptunaDistribution> space;
};

class OptunaWriter {
 public:
  OptunaWriter(ExportSource& source, const fs::path& file, ExportReport& report)
      : source_(source), out_(file, kOptunaTables), report_(report) {}

  void write() {
    for (const auto& stage : source_.sweep().stages) write_study(stage);
    source_.each_trial([&](const ExportedTrial& trial) { gather(trial); });
    for (auto& [stage, study] : studies_) {
      const auto axes = axes_of(source_.sweep().resolved, stage);
      for (const auto& [name, values] : study.values) {
        const auto axis = axes.find(name);
        OptunaDistribution distribution(axis == axes.end() ? Json() : axis->second,
                                        values.values());
        if (distribution.choices() > kMostChoices) {
          report_.notes.push_back("parameter " + name + " has more than " +
                                  std::to_string(kMostChoices) + " choices: left out");
        } else {
          study.space.emplace(name, std::move(distribution));
        }
      }
    }
    source_.each_trial([&](const ExportedTrial& trial) { write_trial(trial); });
    out_.finish();
    if (without_ > 0) {
      report_.notes.push_back(plural(without_, "trial") +
                              " that ended without a number: FAIL, as Optuna has it");
    }
  }

 private:
  void write_study(const ExportedStage& stage) {
    const std::string& sweep = source_.sweep().name;
    auto& study = studies_[stage.name];
    study.row = out_.insert("INSERT INTO studies (study_name) VALUES (?)",
                            study_name_(stage.name.empty() ? sweep : sweep + "/" + stage.name));
    out_.insert("INSERT INTO study_directions (direction, study_id, objective) VALUES (?, ?, 0)",
                stage.maximize ? "MAXIMIZE" : "MINIMIZE", study.row);
    out_.insert(
        "INSERT INTO study_system_attributes (study_id, key, value_json)"
        " VALUES (?, 'study:metric_names', ?)",
        study.row, Json::array({stage.metric}).dump());
    out_.insert(
        "INSERT INTO study_user_attributes (study_id, key, value_json) VALUES (?, 'mvn.sweep', ?)",
        study.row, Json(sweep).dump());
  }

  Study& study_of(const ExportedTrial& trial) {
    const auto found = studies_.find(trial.stage);
    if (found != studies_.end()) return found->second;
    throw DataError(source_.database().string() + ": trial " + trial.trial + " is of the stage '" +
                    trial.stage + "', which its sweep does not have");
  }

  // The values of its parameters, for the distributions.
  void gather(const ExportedTrial& trial) {
    auto& values = study_of(trial).values;
    for (const auto& [key, value] : trial.parameters.items()) {
      if (key == "seed") continue;
      values[param_name_(key)].add(value);
    }
  }

  void write_trial(const ExportedTrial& trial) {
    Study& study = study_of(trial);
    const std::string state = optuna_state(trial);
    const auto time = [](const std::optional<std::int64_t>& at) {
      return at ? std::optional(optuna_time(*at)) : std::nullopt;
    };
    const bool waits = state == "WAITING";
    const bool open = waits || state == "RUNNING";
    const auto row = out_.insert(
        "INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete)"
        " VALUES (?, ?, ?, ?, ?)",
        study.trials++, study.row, state, waits ? std::nullopt : time(trial.started),
        open ? std::nullopt : time(trial.ended));
    if (trial.state == "done" && !trial.objective) ++without_;
    for (const auto& [key, value] : trial.parameters.items()) {
      if (key == "seed") continue;
      const auto& name = param_name_(key);
      const auto found = study.space.find(name);
      if (found == study.space.end()) continue;
      out_.insert(
          "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)"
          " VALUES (?, ?, ?, ?)",
          row, name, found->second.internal(value), found->second.json());
    }
    write_values(trial, row, state);
    write_attributes(trial, row);
    ++report_.trials;
  }

  void write_values(const ExportedTrial& trial, std::int64_t row, const std::string& state) {
    source_.each_point_of(trial, trial.metric, [&](const ExportedPoint& point) {
      const auto [value, type] = stored_number(point.value);
      out_.insert(
          "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value,"
          " intermediate_value_type) VALUES (?, ?, ?, ?)",
          row, point.step, value, type);
      ++report_.values;
    });
    if (!trial.objective || (state != "COMPLETE" && state != "PRUNED")) return;
    const auto [value, type] = stored_number(*trial.objective);
    out_.insert(
        "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, ?)",
        row, value, type);
  }

  void write_attributes(const ExportedTrial& trial, std::int64_t row) {
    Json attributes = {{"mvn.trial", trial.id},       {"mvn.configuration", trial.label},
                       {"mvn.group", trial.group},    {"mvn.state", trial.state},
                       {"mvn.folder", trial.folder},  {"seed", trial.seed},
                       {"mvn.message", trial.message}};
    source_.each_cost(trial, [&](const std::string& name, double value) {
      attributes["cost." + optuna_name(name)] = number_to_json(value);
    });
    for (const auto& [key, value] : attributes.items()) {
      if (value.is_string() && value.get_ref<const std::string&>().empty()) continue;
      out_.insert("INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES (?, ?, ?)",
                  row, key, value.dump());
    }
  }

  ExportSource& source_;
  SqliteOutput out_;
  ExportReport& report_;
  std::map<std::string, Study> studies_;  // by stage
  RenamedKeys study_name_{optuna_name};
  RenamedKeys param_name_{optuna_name};
  std::size_t without_ = 0;  // trials that are done and have no value
};

void write_optuna(ExportSource& source, const fs::path& output, const ExportOptions&,
                  ExportReport& report) {
  OptunaWriter(source, output, report).write();
}

}  // namespace

ExportFormat optuna_format() {
  return {
      .name = "optuna",
      .help = "A SQLite file of Optuna's studies, one for each stage, with the objective's curve",
      .is_folder = false,
      .open = [](const std::string& output,
                 const std::string&) { return "optuna-dashboard sqlite:///" + output; },
      .write = write_optuna};
}

}  // namespace mvn
