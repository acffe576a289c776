#include "orchestrate/page/page_data.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/text.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/answers/read_trials.h"
#include "orchestrate/page/confusion.h"
#include "orchestrate/page/curves.h"
#include "orchestrate/page/failures.h"
#include "orchestrate/page/rows.h"
#include "orchestrate/page/shown_trials.h"
#include "orchestrate/page/trial_details.h"
#include "orchestrate/page/verdict.h"
#include "orchestrate/store/database.h"
#include "orchestrate/store/lookup.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLogBytes = 4000;          // of a trial
constexpr std::size_t kAllLogBytes = 1'000'000;  // of a file with all trials
constexpr std::size_t kMatrices = 6;             // confusion matrices of a stage

constexpr auto kShown = static_cast<std::int64_t>(kMostShown);

// A statement sees the database as the one before it did.
class Snapshot {
 public:
  explicit Snapshot(Database& db) : transaction_(db.connection()) {}
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot() = default;

 private:
  SQLite::Transaction transaction_;  // rolled back at its end, which loses nothing
};

// Where the database weighs parameters: an older one does not.
Json importance_of(Database& db, const std::string& sweep) {
  const auto columns = db.integer(
      "SELECT count(*) FROM pragma_table_info('importance')"
      " WHERE name IN ('sweep', 'stage', 'name', 'importance')");
  if (columns != 4) return Json::array();
  return rows_of(db,
                 "SELECT stage, name, importance FROM importance WHERE sweep = ?"
                 " ORDER BY stage, importance DESC, name",
                 sweep);
}

}  // namespace

struct PageData::State {
  State(const fs::path& database, const PageRequest& request)
      : db(database, Access::kRead), by(request.by), found(find_sweep(db, request.sweep)) {}

  void refresh();
  void refresh_results();
  void refresh_sweep();
  void refresh_groups();
  void refresh_trials();
  void refresh_confusion();
  std::map<std::string, std::int64_t> labelled_in(const ShownTrial& trial,
                                                  const std::string& split);
  Json matrix_of(const std::vector<const ShownTrial*>& its, const std::string& split);
  void say_what_is_left_out();
  [[nodiscard]] std::vector<CurveTrial> curve_trials(const GroupKey& key) const;
  [[nodiscard]] Json details_of(const DetailedTrial& trial, std::size_t log_bytes);
  [[nodiscard]] Json own_curve(const ShownTrial& trial);

  Database db;
  std::string by;
  FoundSweep found;
  std::vector<ShownTrial> trials;
  std::map<GroupKey, std::vector<const ShownTrial*>> groups;
  std::string signature;  // of the trials' states
  Json sections = Json::object();
  CurveCache curves;
  ConfusionCache confusions;
};

// Trials and running steps are read anew each time; what is made of results, where a state changed.
void PageData::State::refresh() {
  const Snapshot snapshot(db);
  trials = read_shown_trials(db, found.row);
  groups.clear();
  std::string now;
  for (const auto& trial : trials) {
    groups[{trial.stage, trial.group}].push_back(&trial);
    now.append(trial.short_id).append(trial.state).append(std::to_string(trial.attempts));
  }
  if (now != signature) {
    refresh_results();
    signature = std::move(now);
  }
  sections["metrics"] =
      rows_of(db,
              "SELECT n.name, k.kind FROM mvn_metric_name n JOIN mvn_metric_kind k ON k.id = n.id"
              " WHERE EXISTS (SELECT 1 FROM mvn_trial t JOIN mvn_metric m ON m.trial = t.id"
              "  AND m.name = n.id WHERE t.sweep = ? AND t.current = 1) ORDER BY n.name",
              found.row);
  refresh_trials();
}

// The sweep itself, and how far it is.
void PageData::State::refresh_sweep() {
  const Json rows = rows_of(
      db, "SELECT name, file, text, version, resolved FROM mvn_sweep WHERE id = ?", found.row);
  if (rows.empty()) {
    throw ConfigError("", db.path().string() + ": sweep '" + found.name + "' is there no longer");
  }
  const auto& sweep = rows.front();
  const auto resolved = try_parse_json(sweep["resolved"].get<std::string>());
  const bool described = resolved.is_object() && resolved.contains("description") &&
                         resolved["description"].is_string();
  sections["sweep"] = {{"name", sweep["name"]},
                       {"file", fs::path(sweep["file"].get<std::string>()).filename().string()},
                       {"text", sweep["text"]},
                       {"version", sweep["version"]},
                       {"description", described ? resolved["description"] : Json("")}};
  Json counts = {{"trials", trials.size()}};
  for (const auto& trial : trials) {
    counts[trial.state] = counts.value(trial.state, 0) + 1;
  }
  counts["updated"] =
      db.integer(
            "SELECT max(coalesce(a.ended, a.started)) FROM mvn_trial t"
            " JOIN mvn_attempt a ON a.trial = t.id WHERE t.sweep = ? AND t.current = 1",
            found.row)
          .value_or(0);
  sections["counts"] = std::move(counts);
  sections["stages"] =
      rows_of(db,
              "SELECT g.stage AS name, n.name AS metric, k.kind,"
              " CASE g.maximize WHEN 1 THEN 'maximize' ELSE 'minimize' END AS goal"
              " FROM mvn_stage g JOIN mvn_metric_name n ON n.id = g.metric"
              " JOIN mvn_metric_kind k ON k.id = n.id WHERE g.sweep = ? ORDER BY g.position",
              found.row);
}

void PageData::State::refresh_results() {
  refresh_sweep();
  auto answer = page_verdict(db, found.name, by);
  sections["verdict"] = std::move(answer.verdict);
  sections["comparisons"] = std::move(answer.comparisons);
  sections["failures"] = failures_by_cause(db, found.name);
  sections["importance"] = importance_of(db, found.name);
  refresh_groups();
  refresh_confusion();
  say_what_is_left_out();
}

void PageData::State::refresh_groups() {
  const auto costs = read_costs(db, found.name);
  auto rows = rows_of(
      db,
      "SELECT stage, group_id AS id, rank, params, n, mean, sd, low, high, min, max, missing,"
      " stopped FROM group_stats WHERE sweep = ?1 AND current = 1 LIMIT ?2",
      found.name, kShown);
  for (auto& row : rows) {
    const auto its = groups.find({row["stage"].get<std::string>(), row["id"].get<std::string>()});
    if (its == groups.end()) continue;
    row["parameters"] = its->second.front()->parameters;
    row["costs"] = mean_costs(its->second, costs);
  }
  sections["groups"] = std::move(rows);
}

void PageData::State::refresh_trials() {
  const auto costs = read_costs(db, found.name);
  std::set<std::string> shown;
  for (auto& row :
       rows_of(db,
               "SELECT trial AS id, stage, params, seed, state, objective, step, steps, attempts,"
               " seconds, message, group_id AS \"group\", draw, started"
               " FROM trials WHERE sweep = ?1 AND current = 1 LIMIT ?2",
               found.name, kShown)) {
    const auto id = row["id"].get<std::string>();
    const auto cost = costs.find(id);
    row["costs"] = cost == costs.end() ? Json::object() : cost->second;
    row["order"] = shown.size();
    sections["trial:" + id] = std::move(row);
    shown.insert("trial:" + id);
  }
  for (auto it = sections.begin(); it != sections.end();) {
    const bool gone = it.key().starts_with("trial:") && !shown.contains(it.key());
    it = gone ? sections.erase(it) : std::next(it);
  }
}

// The number of texts of each class, as the trial counted them.
std::map<std::string, std::int64_t> PageData::State::labelled_in(const ShownTrial& trial,
                                                                 const std::string& split) {
  std::map<std::string, std::int64_t> labelled;
  const auto start = split + "/labelled/";
  db.each(
      "SELECT n.name, m.value FROM mvn_metric_name n"
      " JOIN mvn_value m ON m.trial = ?1 AND m.name = n.id"
      " WHERE substr(n.name, 1, length(?2)) = ?2 ORDER BY m.step",
      [&](SQLite::Statement& row) {
        labelled[row.getColumn(0).getString().substr(start.size())] = row.getColumn(1).getInt64();
      },
      trial.row, start);
  return labelled;
}

// Of a configuration, all seeds added up; null where its trials kept no predictions.
Json PageData::State::matrix_of(const std::vector<const ShownTrial*>& its,
                                const std::string& split) {
  Confusion sum;
  Json seeds = Json::array();
  std::optional<std::vector<std::string>> names;
  for (const auto* trial : its) {
    if (trial->state != "done") continue;
    const auto paths = trial_paths(db.path().parent_path(), found.name, trial->id);
    const auto& one =
        confusions.read(split == "test" ? paths.test_predictions() : paths.predictions());
    if (!one) continue;
    if (seeds.empty()) names = class_names(*one, labelled_in(*trial, split));
    add_confusion(sum, *one);
    seeds.push_back(trial->seed);
  }
  if (seeds.empty()) return nullptr;
  return {{"split", split},
          {"seeds", seeds},
          {"classes", names ? Json(*names) : Json()},
          {"counts", sum}};
}

// Of the best configurations of each stage; of the test split where there is one.
void PageData::State::refresh_confusion() {
  Json matrices = Json::array();
  std::map<std::string, std::size_t> made;  // by stage
  for (const auto& row : sections["groups"]) {
    const auto stage = row["stage"].get<std::string>();
    const auto its = groups.find({stage, row["id"].get<std::string>()});
    if (its == groups.end() || made[stage] == kMatrices) continue;
    auto matrix = matrix_of(its->second, "test");
    if (matrix.is_null()) matrix = matrix_of(its->second, "eval");
    if (matrix.is_null()) continue;
    matrix["stage"] = stage;
    matrix["params"] = row["params"];
    matrix["group"] = row["id"];
    matrices.push_back(std::move(matrix));
    ++made[stage];
  }
  sections["confusion"] = std::move(matrices);
}

void PageData::State::say_what_is_left_out() {
  Json notes = Json::array();
  if (groups.size() > kMostShown) {
    notes.push_back("The best " + std::to_string(kMostShown) + " of " +
                    std::to_string(groups.size()) + " configurations are here.");
  }
  if (trials.size() > kMostShown) {
    notes.push_back("The first " + std::to_string(kMostShown) + " of " +
                    std::to_string(trials.size()) +
                    " trials are here; mvn-runner query has all of them.");
  }
  sections["notes"] = std::move(notes);
}

std::vector<CurveTrial> PageData::State::curve_trials(const GroupKey& key) const {
  std::vector<CurveTrial> result;
  const auto its = groups.find(key);
  if (its == groups.end()) return result;
  for (const auto* trial : its->second) {
    result.push_back({trial->row, trial->state, trial->attempts});
  }
  return result;
}

Json PageData::State::own_curve(const ShownTrial& trial) {
  for (const auto& stage : sections["stages"]) {
    if (stage["name"] != trial.stage) continue;
    const auto metric = db.integer("SELECT id FROM mvn_metric_name WHERE name = ?",
                                   stage["metric"].get<std::string>());
    if (!metric) return nullptr;
    return curves.curve(db, trial.short_id, {{trial.row, trial.state, trial.attempts}}, *metric,
                        kMostPoints);
  }
  return nullptr;
}

Json PageData::State::details_of(const DetailedTrial& trial, std::size_t log_bytes) {
  auto details = history_of(db, trial);
  details["config"] = configuration_of(db, trial);
  details["environment"] = environment_of(db, trial);
  details["command"] = command_of(db, trial);
  details["log"] = log_bytes == 0 ? "" : log_of(db, trial, log_bytes);
  details["folder"] = path_text(folder_of(db, trial));
  return details;
}

PageData::PageData(fs::path database, const PageRequest& request) {
  if (!fs::exists(database)) {
    throw Error(fs::absolute(database).lexically_normal().string() +
                ": no such database; run a sweep first ('mvn-runner SWEEP.yaml'), or name its "
                "folder with --results");
  }
  translate_errors(database, [&] { state_ = std::make_unique<State>(database, request); });
}

PageData::~PageData() = default;

const std::string& PageData::sweep() const { return state_->found.name; }

const Json& PageData::sections() {
  translate_errors(state_->db.path(), [&] { state_->refresh(); });
  return state_->sections;
}

Json PageData::curves(const std::string& metric) {
  State& state = *state_;
  return translate_errors(state.db.path(), [&]() -> Json {
    if (state.signature.empty()) state.refresh();
    const Snapshot snapshot(state.db);
    Json result = {{"curves", Json::array()}, {"left_out", Json::object()}};
    const auto id = state.db.integer("SELECT id FROM mvn_metric_name WHERE name = ?", metric);
    if (!id) return result;
    std::map<std::string, std::size_t> taken;  // by stage
    std::vector<GroupKey> keys;
    std::map<std::string, std::size_t> left_out;
    for (const auto& row : state.sections["groups"]) {
      const auto stage = row["stage"].get<std::string>();
      if (++taken[stage] > kMostCurves) {
        ++left_out[stage];
      } else {
        keys.emplace_back(stage, row["id"].get<std::string>());
      }
    }
    const std::size_t most = std::clamp<std::size_t>(
        kMetricPoints / std::max<std::size_t>(keys.size(), 1), 50, kMostPoints);
    for (const auto& key : keys) {
      const auto trials = state.curve_trials(key);
      Json curve = state.curves.curve(state.db, key.first + '/' + key.second, trials, *id, most);
      if (curve["step"].empty()) continue;
      curve["stage"] = key.first;
      curve["group"] = key.second;
      result["curves"].push_back(std::move(curve));
    }
    result["left_out"] = left_out;
    return result;
  });
}

Json PageData::trial(const std::string& short_id) {
  State& state = *state_;
  return translate_errors(state.db.path(), [&] {
    if (state.signature.empty()) state.refresh();
    const Snapshot snapshot(state.db);
    const auto trial = trial_of(state.db, state.found.name, short_id);
    auto details = state.details_of(trial, kLogBytes);
    for (const auto& shown : state.trials) {
      if (shown.id == trial.id) details["curve"] = state.own_curve(shown);
    }
    return details;
  });
}

namespace {

// What all of `objects` have with the same value; it is taken out of them.
Json take_common(std::vector<Json*>& objects) {
  if (objects.size() < 2) return Json::object();
  Json common = *objects.front();
  for (const auto* object : objects) {
    for (auto it = common.begin(); it != common.end();) {
      const auto found = object->find(it.key());
      it = found != object->end() && *found == *it ? std::next(it) : common.erase(it);
    }
  }
  for (auto* object : objects) {
    for (const auto& [key, value] : common.items()) object->erase(key);
  }
  return common;
}

}  // namespace

Json PageData::all_trials() {
  State& state = *state_;
  return translate_errors(state.db.path(), [&]() -> Json {
    if (state.signature.empty()) state.refresh();
    const Snapshot snapshot(state.db);
    Json trials = Json::object();
    std::size_t room = kAllLogBytes;
    std::size_t without_log = 0;
    // The logs of what went wrong first.
    std::vector<const ShownTrial*> order;
    for (const auto& trial : state.trials) {
      if (state.sections.contains("trial:" + trial.short_id)) order.push_back(&trial);
    }
    std::ranges::stable_partition(order, [](const auto* trial) {
      return trial->state != "done" && trial->state != "planned";
    });
    for (const auto* trial : order) {
      auto details =
          state.details_of({trial->row, state.found.name, trial->id}, std::min(room, kLogBytes));
      room -= std::min(room, details["log"].get_ref<const std::string&>().size());
      without_log += room == 0 ? 1 : 0;
      trials[trial->short_id] = std::move(details);
    }
    std::vector<Json*> configs;
    std::vector<Json*> environments;
    for (auto& trial : trials) {
      configs.push_back(&trial["config"]);
      if (!trial["environment"].empty()) environments.push_back(&trial["environment"]);
    }
    Json common = {{"config", take_common(configs)}, {"environment", take_common(environments)}};
    return {
        {"trials", std::move(trials)}, {"common", std::move(common)}, {"without_log", without_log}};
  });
}

Json list_sweeps(const fs::path& database) {
  return translate_errors(database, [&] {
    Database db(database, Access::kRead);
    return rows_of(db,
                   "SELECT sweep, trials, done, stopped, running, planned, failed, waiting,"
                   " created FROM sweeps ORDER BY created DESC, sweep");
  });
}

}  // namespace mvn
