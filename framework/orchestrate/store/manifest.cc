#include "orchestrate/store/manifest.h"

#include <map>

#include "common/printable.h"
#include "common/secrets.h"
#include "common/spool.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/store/label.h"

namespace mvn {
namespace {

// Labels by trial: those of a stage are made together, as they name what differs within it.
std::vector<std::string> label_trials(const SweepPlan& plan) {
  std::map<std::string, std::vector<std::size_t>> by_stage;
  for (std::size_t i = 0; i < plan.trials.size(); ++i) {
    by_stage[plan.trials[i].stage].push_back(i);
  }
  std::vector<std::string> result(plan.trials.size());
  for (const auto& [stage, members] : by_stage) {
    std::vector<Json> parameters;
    for (const std::size_t i : members) {
      const Json& swept = plan.trials[i].parameters;
      parameters.push_back(swept.is_object() ? swept : Json::object());
    }
    const auto stage_labels = labels(parameters);
    for (std::size_t i = 0; i < members.size(); ++i) result[members[i]] = stage_labels[i];
  }
  return result;
}

// In the order of the plan's trials: upstream stages first.
Json stages_of(const SweepPlan& plan) {
  Json stages = Json::array();
  std::map<std::string, bool> seen;
  const auto add = [&](const std::string& stage) {
    const auto goal = plan.metrics.find(stage);
    if (goal == plan.metrics.end() || seen[stage]) return;
    seen[stage] = true;
    stages.push_back(
        {{"stage", stage}, {"metric", goal->second.name}, {"maximize", goal->second.maximize}});
  };
  for (const auto& trial : plan.trials) add(trial.stage);
  for (const auto& [stage, goal] : plan.metrics) add(stage);
  return stages;
}

std::int64_t metric_name_row(Database& db, const std::string& name) {
  db.run("INSERT INTO mvn_metric_name (name) VALUES (?) ON CONFLICT DO NOTHING", name);
  return db.integer("SELECT id FROM mvn_metric_name WHERE name = ?", name).value();
}

std::int64_t store_sweep(Database& db, const Json& manifest) {
  const auto name = manifest.at("name").get<std::string>();
  db.run(
      "INSERT INTO mvn_sweep (name, file, text, resolved, version, created)"
      " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET file = excluded.file,"
      " text = excluded.text, resolved = excluded.resolved, version = excluded.version",
      name, manifest.at("file").get<std::string>(), manifest.at("text").get<std::string>(),
      manifest.at("resolved").dump(), manifest.at("version").get<std::string>(),
      manifest.at("created").get<std::int64_t>());
  return db.integer("SELECT id FROM mvn_sweep WHERE name = ?", name).value();
}

void store_stages(Database& db, std::int64_t sweep, const Json& stages) {
  int position = 0;
  for (const auto& stage : stages) {
    db.run(
        "INSERT INTO mvn_stage (sweep, stage, metric, maximize, position) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET metric = excluded.metric, maximize = excluded.maximize,"
        " position = excluded.position",
        sweep, stage.at("stage").get<std::string>(),
        metric_name_row(db, stage.at("metric").get<std::string>()),
        static_cast<int>(stage.at("maximize").get<bool>()), position++);
  }
}

void store_config(Database& db, std::int64_t trial, const std::string& name, const Json& value) {
  if (value.is_object() && !value.empty()) {
    const std::string prefix = name.empty() ? "" : name + ".";
    for (const auto& [key, item] : value.items()) {
      store_config(db, trial, prefix + key, item);
    }
    return;
  }
  db.run(
      "INSERT INTO mvn_param (trial, name, value, origin) VALUES (?, ?, ?, 'config')"
      " ON CONFLICT DO NOTHING",
      trial, name, value);
}

Json stored_stages(Database& db, std::int64_t sweep) {
  Json stages = Json::array();
  db.each(
      "SELECT g.stage, n.name, g.maximize FROM mvn_stage g"
      " JOIN mvn_metric_name n ON n.id = g.metric WHERE g.sweep = ? ORDER BY g.position, g.stage",
      [&](SQLite::Statement& row) {
        stages.push_back({{"stage", row.getColumn(0).getString()},
                          {"metric", row.getColumn(1).getString()},
                          {"maximize", row.getColumn(2).getInt() != 0}});
      },
      sweep);
  return stages;
}

Json stored_trials(Database& db, std::int64_t sweep) {
  Json trials = Json::array();
  db.each(
      "SELECT hash, group_hash, stage, seed, label, parameters, config, depends_on, current, draw"
      " FROM mvn_trial WHERE sweep = ? ORDER BY current DESC, position, id",
      [&](SQLite::Statement& row) {
        trials.push_back({{"id", row.getColumn(0).getString()},
                          {"group", row.getColumn(1).getString()},
                          {"stage", row.getColumn(2).getString()},
                          {"seed", row.getColumn(3).getInt64()},
                          {"label", row.getColumn(4).getString()},
                          {"parameters", db.json(row, 5)},
                          {"config", db.json(row, 6)},
                          {"depends_on", db.json(row, 7)},
                          {"current", row.getColumn(8).getInt() != 0}});
        if (!row.isColumnNull(9)) trials.back()["draw"] = row.getColumn(9).getInt64();
      },
      sweep);
  return trials;
}

}  // namespace

Json manifest_of(const PlannedTrial& trial, const std::string& label) {
  Json entry = {{"id", trial.id},
                {"group", trial.group},
                {"stage", trial.stage},
                {"seed", trial.seed},
                {"label", text_without_secrets(label)},
                {"parameters", without_secrets(trial.parameters)},
                {"config", without_secrets(trial.config)},
                {"depends_on", trial.depends_on},
                {"current", true}};
  if (trial.draw >= 0) entry["draw"] = trial.draw;
  return entry;
}

std::vector<std::string> labels_among(const SweepPlan& plan,
                                      const std::vector<PlannedTrial>& trials) {
  SweepPlan all;
  for (const auto* list : {&plan.trials, &trials}) {
    for (const PlannedTrial& trial : *list) {
      PlannedTrial bare;
      bare.stage = trial.stage;
      bare.parameters = trial.parameters;
      all.trials.push_back(std::move(bare));
    }
  }
  auto labels = label_trials(all);
  labels.erase(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(plan.trials.size()));
  return labels;
}

Json manifest_of(const SweepPlan& plan) {
  const auto trial_labels = label_trials(plan);
  Json trials = Json::array();
  for (std::size_t i = 0; i < plan.trials.size(); ++i) {
    trials.push_back(manifest_of(plan.trials[i], trial_labels[i]));
  }
  return {{"format", 1},
          {"name", plan.name},
          {"file", plan.file.string()},
          {"text", text_without_secrets(plan.text)},
          {"resolved", without_secrets(plan.resolved)},
          {"version", MVN_VERSION},
          {"created", now_ms()},
          {"stages", stages_of(plan)},
          {"trials", std::move(trials)}};
}

void store_trial(Database& db, std::int64_t sweep, const Json& trial, std::int64_t created,
                 int position) {
  const auto hash = trial.at("id").get<std::string>();
  // Folders are called by it.
  if (!is_trial_id(hash)) {
    throw DataError("'" + printable(hash) + "' is no trial's id, which is made of 0-9 and a-f");
  }
  db.run(
      "INSERT INTO mvn_trial (sweep, hash, short, stage, group_hash, seed, state, label,"
      " parameters, config, depends_on, position, current, created, draw)"
      " VALUES (?, ?, ?, ?, ?, ?, 'planned', ?, ?, ?, ?, ?, ?, ?, ?)"
      " ON CONFLICT (sweep, hash) DO UPDATE SET stage = excluded.stage,"
      " group_hash = excluded.group_hash, seed = excluded.seed, label = excluded.label,"
      " parameters = excluded.parameters, depends_on = excluded.depends_on,"
      " position = excluded.position, current = excluded.current, draw = excluded.draw",
      sweep, hash, hash.substr(0, 12), trial.at("stage").get<std::string>(),
      trial.at("group").get<std::string>(), trial.at("seed").get<std::int64_t>(),
      trial.at("label").get<std::string>(), trial.at("parameters").dump(),
      trial.at("config").dump(), trial.at("depends_on").dump(), position,
      static_cast<int>(trial.value("current", true)), created, trial.value("draw", Json()));
  const auto row =
      db.integer("SELECT id FROM mvn_trial WHERE sweep = ? AND hash = ?", sweep, hash).value();
  store_config(db, row, "", trial.at("config"));
}

std::int64_t store_manifest(Database& db, const Json& manifest) {
  const std::int64_t sweep = store_sweep(db, manifest);
  store_stages(db, sweep, manifest.at("stages"));
  db.run("UPDATE mvn_trial SET current = 0 WHERE sweep = ?", sweep);
  const auto created = now_ms();
  int position = 0;
  for (const auto& trial : manifest.at("trials")) {
    store_trial(db, sweep, trial, created, position++);
  }
  return sweep;
}

Json stored_manifest(Database& db, std::int64_t sweep) {
  Json manifest = {{"format", 1}};
  db.each(
      "SELECT name, file, text, resolved, version, created FROM mvn_sweep WHERE id = ?",
      [&](SQLite::Statement& row) {
        manifest["name"] = row.getColumn(0).getString();
        manifest["file"] = row.getColumn(1).getString();
        manifest["text"] = row.getColumn(2).getString();
        manifest["resolved"] = db.json(row, 3);
        manifest["version"] = row.getColumn(4).getString();
        manifest["created"] = row.getColumn(5).getInt64();
      },
      sweep);
  manifest["stages"] = stored_stages(db, sweep);
  manifest["trials"] = stored_trials(db, sweep);
  return manifest;
}

}  // namespace mvn
