#include "orchestrate/page/shown_trials.h"

#include "orchestrate/page/rows.h"

namespace mvn {
namespace {

// {"a": {"b": 1}} as {"a.b": 1}; lists as their JSON.
void flatten(const std::string& prefix, const Json& map, Json& flat) {
  for (const auto& [key, value] : map.items()) {
    auto name = prefix.empty() ? key : std::string(prefix).append(".").append(key);
    if (value.is_object()) {
      flatten(name, value, flat);
    } else {
      flat[name] = value.is_array()
                       ? Json(value.dump(-1, ' ', false, Json::error_handler_t::replace))
                       : value;
    }
  }
}

}  // namespace

std::vector<ShownTrial> read_shown_trials(Database& db, std::int64_t sweep) {
  std::vector<ShownTrial> trials;
  db.each(
      "SELECT t.id, t.hash, t.short, t.stage, substr(t.group_hash, 1, 12), t.state, t.seed,"
      " (SELECT count(*) FROM mvn_attempt a WHERE a.trial = t.id), t.parameters"
      " FROM mvn_trial t WHERE t.sweep = ? AND t.current = 1 ORDER BY t.position, t.id",
      [&](SQLite::Statement& row) {
        Json parameters = Json::object();
        flatten("", db.json(row, 8), parameters);
        trials.push_back({row.getColumn(0).getInt64(), row.getColumn(1).getString(),
                          row.getColumn(2).getString(), row.getColumn(3).getString(),
                          row.getColumn(4).getString(), row.getColumn(5).getString(),
                          row.getColumn(6).getInt64(), row.getColumn(7).getInt(),
                          std::move(parameters)});
      },
      sweep);
  return trials;
}

std::map<std::string, Json> read_costs(Database& db, const std::string& sweep) {
  std::map<std::string, Json> costs;  // by the trial's first digits
  const auto add = [&](SQLite::Statement& row) {
    costs[row.getColumn(0).getString()][row.getColumn(1).getString()] = json_of(row.getColumn(2));
  };
  db.each("SELECT trial, name, value FROM costs WHERE sweep = ?", add, sweep);
  db.each(
      "SELECT t.short, 'trained_parameters', p.value FROM mvn_sweep s"
      " JOIN mvn_trial t ON t.sweep = s.id"
      " JOIN mvn_param p ON p.trial = t.id AND p.name = 'model.trained_parameters'"
      " WHERE s.name = ? AND typeof(p.value) IN ('integer', 'real')",
      add, sweep);
  return costs;
}

Json mean_costs(const std::vector<const ShownTrial*>& trials,
                const std::map<std::string, Json>& costs) {
  std::map<std::string, std::pair<double, int>> sums;
  for (const auto* trial : trials) {
    const auto found = costs.find(trial->short_id);
    if (trial->state != "done" || found == costs.end()) continue;
    for (const auto& [name, value] : found->second.items()) {
      if (!value.is_number()) continue;
      sums[name].first += value.get<double>();
      ++sums[name].second;
    }
  }
  Json means = Json::object();
  for (const auto& [name, sum] : sums) means[name] = sum.first / sum.second;
  return means;
}

}  // namespace mvn
