#include "orchestrate/page/standings.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "mvn/error.h"
#include "mvn/nearest.h"
#include "orchestrate/answers/read_trials.h"
#include "orchestrate/answers/two_samples.h"

namespace mvn {
namespace {

double t_quantile(Database& db, std::int64_t freedom) {
  double t = NAN;
  db.each(
      "SELECT t FROM mvn_t_quantile WHERE df <= ? ORDER BY df DESC LIMIT 1",
      [&](SQLite::Statement& row) { t = row.getColumn(0).getDouble(); }, freedom);
  return t;
}

// Mean, spread and interval of the values.
void summarize(Database& db, const std::vector<double>& values, const std::string& kind,
               Standing& standing) {
  standing.n = static_cast<std::int64_t>(values.size());
  if (values.empty()) return;
  standing.mean = mean_of(values);
  if (values.size() < 2) return;
  standing.sd = deviation_of(values);
  if (kind == "count") return;
  const double half =
      t_quantile(db, standing.n - 1) * *standing.sd / std::sqrt(static_cast<double>(standing.n));
  standing.low = *standing.mean - half;
  standing.high = *standing.mean + half;
  if (kind != "share") return;
  standing.low = std::max(*standing.low, std::min(0.0, *std::ranges::min_element(values)));
  standing.high = std::min(*standing.high, std::max(1.0, *std::ranges::max_element(values)));
}

// A configuration with the values of its trials that are done.
struct Gathered {
  Standing standing;
  std::vector<double> values;
  std::optional<double> best;
};

std::vector<Standing> standings_of(Database& db, std::int64_t sweep, const StageStandings& stage,
                                   const std::string& kind) {
  const auto finals = final_values(db, sweep, stage.metric);
  std::vector<std::string> order;
  std::map<std::string, Gathered> groups;
  db.each(
      "SELECT t.id, t.short, t.state, t.label, substr(t.group_hash, 1, 12),"
      " (SELECT count(*) FROM mvn_attempt a WHERE a.trial = t.id)"
      " FROM mvn_trial t WHERE t.sweep = ?1 AND t.stage = ?2 AND t.current = 1"
      " ORDER BY t.position, t.id",
      [&](SQLite::Statement& row) {
        const auto id = row.getColumn(4).getString();
        if (!groups.contains(id)) order.push_back(id);
        auto& group = groups[id];
        group.standing.group = id;
        group.standing.params = row.getColumn(3).getString();
        ++group.standing.trials;
        const CurveTrial trial = {row.getColumn(0).getInt64(), row.getColumn(2).getString(),
                                  row.getColumn(5).getInt()};
        group.standing.its.push_back(trial);
        const auto found = finals.find(trial.row);
        if (trial.state != "done" || found == finals.end() || !found->second) return;
        const double value = *found->second;
        group.values.push_back(value);
        if (group.best && (stage.maximize ? value <= *group.best : value >= *group.best)) return;
        group.best = value;
        group.standing.best_trial = row.getColumn(1).getString();
      },
      sweep, stage.stage);
  std::vector<Standing> standings;
  for (const auto& id : order) {
    auto& group = groups[id];
    summarize(db, group.values, kind, group.standing);
    standings.push_back(std::move(group.standing));
  }
  std::ranges::stable_sort(standings, [&](const Standing& a, const Standing& b) {
    if (!a.mean || !b.mean) return a.mean.has_value() && !b.mean.has_value();
    return stage.maximize ? *a.mean > *b.mean : *a.mean < *b.mean;
  });
  return standings;
}

}  // namespace

std::vector<StageStandings> read_standings(Database& db, std::int64_t sweep,
                                           const std::string& metric) {
  if (!metric.empty()) {
    const auto reported = reported_metrics(db, sweep);
    if (!reported.contains(metric)) {
      const std::vector<std::string> known(reported.begin(), reported.end());
      throw ConfigError(
          "", "no trial of the sweep reported a metric '" + metric + "'" + suggest(metric, known));
    }
  }
  std::vector<StageStandings> stages;
  db.each(
      "SELECT g.stage, n.name, g.maximize FROM mvn_stage g"
      " JOIN mvn_metric_name n ON n.id = g.metric WHERE g.sweep = ? ORDER BY g.position",
      [&](SQLite::Statement& row) {
        stages.push_back({row.getColumn(0).getString(),
                          row.getColumn(1).getString(),
                          row.getColumn(2).getInt() != 0,
                          true,
                          {}});
      },
      sweep);
  for (auto& stage : stages) {
    const auto kind = metric_kind(db, metric.empty() ? stage.metric : metric);
    if (!metric.empty() && metric != stage.metric) {
      stage.metric = metric;
      stage.maximize = kind != "loss";
      stage.judged = kind != "count" && kind != "share";
    }
    stage.standings = standings_of(db, sweep, stage, kind);
  }
  std::erase_if(stages, [](const auto& stage) { return stage.standings.empty(); });
  return stages;
}

}  // namespace mvn
