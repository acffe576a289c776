#include "orchestrate/store/manifest.h"

#include <map>

#include "common/printable.h"
#include "common/secrets.h"
#include "common/spool.h"
#include "common/text.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/store/label.h"
#include "orchestrate/store/run_views.h"

namespace mvn {
namespace {

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
  return db.known_integer("SELECT id FROM mvn_metric_name WHERE name = ?", name);
}

std::int64_t store_sweep(Database& db, const Json& manifest) {
  const auto name = manifest.at("name").get<std::string>();
  db.run(
      "INSERT INTO mvn_sweep (name, file, text, resolved, version, created, place)"
      " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET file = excluded.file,"
      " text = excluded.text, resolved = excluded.resolved, version = excluded.version,"
      " place = excluded.place",
      name, manifest.at("file").get<std::string>(), manifest.at("text").get<std::string>(),
      manifest.at("resolved").dump(), manifest.at("version").get<std::string>(),
      manifest.at("created").get<std::int64_t>(), manifest.value("place", Json()));
  return db.known_integer("SELECT id FROM mvn_sweep WHERE name = ?", name);
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

// Begins the storing of a sweep: its trials are no longer current until they are stored again.
std::int64_t store_head(Database& db, const Json& head) {
  const std::int64_t sweep = store_sweep(db, head);
  store_stages(db, sweep, head.at("stages"));
  db.run("UPDATE mvn_trial SET current = 0 WHERE sweep = ?", sweep);
  return sweep;
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void add_stored_trials(Database& db, std::int64_t sweep, std::string& text) {
  const char* separator = "\n";
  db.each(
      "SELECT hash, group_hash, stage, seed, label, parameters, config, depends_on, current, draw"
      " FROM mvn_trial WHERE sweep = ? ORDER BY current DESC, position, id",
      [&](SQLite::Statement& row) {
        Json trial = {{"id", row.getColumn(0).getString()},
                      {"group", row.getColumn(1).getString()},
                      {"stage", row.getColumn(2).getString()},
                      {"seed", row.getColumn(3).getInt64()},
                      {"label", row.getColumn(4).getString()},
                      {"parameters", db.json(row, 5)},
                      {"config", db.json(row, 6)},
                      {"depends_on", db.json(row, 7)},
                      {"current", row.getColumn(8).getInt() != 0}};
        if (!row.isColumnNull(9)) trial["draw"] = row.getColumn(9).getInt64();
        text += separator + text_of(trial);
        separator = ",\n";
      },
      sweep);
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
      sweep, hash, short_id(hash), trial.at("stage").get<std::string>(),
      trial.at("group").get<std::string>(), trial.at("seed").get<std::int64_t>(),
      trial.at("label").get<std::string>(), trial.at("parameters").dump(),
      trial.at("config").dump(), trial.at("depends_on").dump(), position,
      static_cast<int>(trial.value("current", true)), created, trial.value("draw", Json()));
  const auto row =
      db.known_integer("SELECT id FROM mvn_trial WHERE sweep = ? AND hash = ?", sweep, hash);
  store_config(db, row, "", trial.at("config"));
}

std::int64_t store_manifest(Database& db, const Json& manifest) {
  const std::int64_t sweep = store_head(db, manifest);
  const auto created = now_ms();
  int position = 0;
  for (const auto& trial : manifest.at("trials")) {
    store_trial(db, sweep, trial, created, position++);
  }
  make_run_view(db.connection(), sweep);
  return sweep;
}

std::int64_t store_plan(Database& db, const SweepPlan& plan, const std::string& place) {
  const auto created = now_ms();
  const std::int64_t sweep = store_head(db, {{"name", plan.name},
                                             {"file", plan.file.string()},
                                             {"place", place},
                                             {"text", text_without_secrets(plan.text)},
                                             {"resolved", without_secrets(plan.resolved)},
                                             {"version", MVN_VERSION},
                                             {"created", created},
                                             {"stages", stages_of(plan)}});
  const auto trial_labels = label_trials(plan);
  for (std::size_t i = 0; i < plan.trials.size(); ++i) {
    store_trial(db, sweep, manifest_of(plan.trials[i], trial_labels[i]), created,
                static_cast<int>(i));
  }
  make_run_view(db.connection(), sweep);
  return sweep;
}

std::string stored_manifest(Database& db, std::int64_t sweep) {
  Json head = {{"format", 1}, {"stages", stored_stages(db, sweep)}};
  db.each(
      "SELECT name, file, text, resolved, version, created, place FROM mvn_sweep WHERE id = ?",
      [&](SQLite::Statement& row) {
        head["name"] = row.getColumn(0).getString();
        head["file"] = row.getColumn(1).getString();
        head["text"] = row.getColumn(2).getString();
        head["resolved"] = db.json(row, 3);
        head["version"] = row.getColumn(4).getString();
        head["created"] = row.getColumn(5).getInt64();
        if (!row.isColumnNull(6)) head["place"] = row.getColumn(6).getString();
      },
      sweep);
  std::string text = text_of(head);
  text.pop_back();  // the brace at its end
  text += ",\n\"trials\":[";
  add_stored_trials(db, sweep, text);
  return text + "\n]}\n";
}

}  // namespace mvn
