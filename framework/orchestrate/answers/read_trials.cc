#include "orchestrate/answers/read_trials.h"

#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "mvn/error.h"
#include "mvn/nearest.h"

namespace mvn {
namespace {

// As the sweep file has it, where it is a number.
std::string value_text(const SQLite::Column& value) {
  if (value.isNull()) return "null";
  if (!value.isFloat()) return value.getString();
  std::array<char, 32> text{};
  return {text.data(),
          std::to_chars(text.data(), text.data() + text.size(), value.getDouble()).ptr};
}

void read_params(Database& db, ComparedSweep& sweep) {
  std::map<std::int64_t, ComparedTrial*> trials;
  for (auto& trial : sweep.trials) trials[trial.row] = &trial;
  std::set<std::string> numbers;
  db.each(
      "SELECT p.trial, p.name, p.value FROM mvn_trial t JOIN mvn_param p ON p.trial = t.id"
      " WHERE t.sweep = ? AND t.current = 1 AND p.origin = 'config'",
      [&](SQLite::Statement& row) {
        const auto value = row.getColumn(2);
        const auto name = row.getColumn(1).getString();
        trials.at(row.getColumn(0).getInt64())->params[name] = value_text(value);
        sweep.params.insert(name);
        if (!value.isText()) numbers.insert(name);
      },
      sweep.row);
  for (const auto& name : sweep.params) {
    if (!numbers.contains(name)) sweep.texts.insert(name);
  }
}

}  // namespace

SweepRow find_sweep(Database& db, const std::string& wanted) {
  SweepRow sweep;
  const auto file =
      wanted.empty() ? "" : std::filesystem::absolute(wanted).lexically_normal().string();
  std::vector<std::string> known;
  bool by_name = false;
  db.each("SELECT id, name, file FROM mvn_sweep ORDER BY id", [&](SQLite::Statement& row) {
    known.push_back(row.getColumn(1).getString());
    const bool named = known.back() == wanted;
    if (!named && (by_name || row.getColumn(2).getString() != file)) return;
    by_name = by_name || named;
    sweep.row = row.getColumn(0).getInt64();
    sweep.name = known.back();
  });
  if (sweep.name.empty()) {
    throw ConfigError(
        "", db.path().string() + ": no sweep is called '" + wanted + "'" + suggest(wanted, known));
  }
  return sweep;
}

ComparedSweep read_sweep(Database& db, const std::string& wanted) {
  ComparedSweep sweep;
  const auto found = find_sweep(db, wanted);
  sweep.row = found.row;
  sweep.name = found.name;
  db.each(
      "SELECT g.stage, n.name, g.maximize FROM mvn_stage g"
      " JOIN mvn_metric_name n ON n.id = g.metric WHERE g.sweep = ? ORDER BY g.position",
      [&](SQLite::Statement& row) {
        sweep.stages.push_back({row.getColumn(0).getString(), row.getColumn(1).getString(),
                                row.getColumn(2).getInt() != 0});
      },
      sweep.row);
  db.each(
      "SELECT id, hash, stage, group_hash, state, seed FROM mvn_trial WHERE sweep = ? AND current "
      "= 1"
      " ORDER BY position, id",
      [&](SQLite::Statement& row) {
        sweep.trials.push_back({row.getColumn(0).getInt64(),
                                row.getColumn(1).getString(),
                                row.getColumn(2).getString(),
                                row.getColumn(3).getString(),
                                row.getColumn(4).getString(),
                                row.getColumn(5).getInt64(),
                                {}});
      },
      sweep.row);
  read_params(db, sweep);
  return sweep;
}

std::set<std::string> reported_metrics(Database& db, std::int64_t sweep) {
  std::set<std::string> names;
  db.each(
      "SELECT n.name FROM mvn_metric_name n WHERE EXISTS (SELECT 1 FROM mvn_trial t"
      " JOIN mvn_value m ON m.trial = t.id AND m.name = n.id WHERE t.sweep = ? AND t.current = 1)",
      [&](SQLite::Statement& row) { names.insert(row.getColumn(0).getString()); }, sweep);
  return names;
}

FinalValues final_values(Database& db, std::int64_t sweep, const std::string& metric) {
  FinalValues values;
  // Of one metric and trial the rows are in the order of their steps: the last one is looked up.
  db.each(
      "SELECT t.id, n.id, (SELECT m.value FROM mvn_value m WHERE m.trial = t.id AND m.name = n.id"
      "  ORDER BY m.step DESC LIMIT 1)"
      " FROM mvn_metric_name n JOIN mvn_trial t ON t.sweep = ?1 AND t.current = 1"
      " WHERE n.name = ?2 AND EXISTS (SELECT 1 FROM mvn_metric m"
      "  WHERE m.trial = t.id AND m.name = n.id)",
      [&](SQLite::Statement& row) {
        auto& value = values[row.getColumn(0).getInt64()];
        if (row.isColumnNull(2)) return;
        const double number = row.getColumn(2).getDouble();
        if (std::isfinite(number)) value = number;
      },
      sweep, metric);
  return values;
}

std::string metric_kind(Database& db, const std::string& metric) {
  std::string kind = "score";
  db.each(
      "SELECT kind FROM mvn_metric_kind WHERE name = ?",
      [&](SQLite::Statement& row) { kind = row.getColumn(0).getString(); }, metric);
  return kind;
}

}  // namespace mvn
