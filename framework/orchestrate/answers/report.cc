#include "orchestrate/answers/report.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/printable.h"
#include "common/text.h"
#include "orchestrate/answers/judgement.h"
#include "orchestrate/answers/read_trials.h"
#include "orchestrate/answers/report_notes.h"
#include "orchestrate/answers/words.h"
#include "orchestrate/store/database.h"
#include "orchestrate/store/table.h"

namespace mvn {
namespace {

constexpr std::size_t kShownGroups = 100;  // the best

// A configuration: trials that differ in their seed alone.
struct Group {
  std::string params;
  std::string model;  // its model plugin
  int n = 0;
  int missing = 0;
  std::optional<double> mean;
  std::optional<double> sd;
  std::optional<double> low;
  std::optional<double> high;
  std::string id;              // group_id
  std::vector<double> values;  // by seed, of those that are compared
};

struct Stage {
  std::string name;
  std::string metric;
  Terms terms;
  std::size_t configurations = 0;
  std::vector<Group> groups;   // those that are shown, best first
  std::optional<Group> other;  // the best of another model than the first of them has
};

std::optional<double> real(SQLite::Statement& row, int column) {
  if (row.isColumnNull(column)) return std::nullopt;
  return row.getColumn(column).getDouble();
}

// The model plugin of a configuration, by its group_id.
std::string model_of(Database& db, const std::string& sweep, const std::string& stage,
                     const std::string& group) {
  std::string model;
  db.each(
      "SELECT p.value FROM mvn_trial t JOIN mvn_param p ON p.trial = t.id"
      " AND p.name = 'model.plugin' WHERE t.sweep = (SELECT id FROM mvn_sweep WHERE name = ?1)"
      " AND t.stage = ?2 AND t.group_hash >= ?3 AND t.group_hash < ?3 || 'g' LIMIT 1",
      [&](SQLite::Statement& row) { model = row.getColumn(0).getString(); }, sweep, stage, group);
  return model;
}

class GroupReader {
 public:
  GroupReader(Database& db, const std::string& sweep, const std::string& stage)
      : db_(db), sweep_(sweep), stage_(stage) {}

  // As many as are shown, best first; those without a result last.
  std::vector<Group> best() {
    return read(
        "SELECT params, n, missing, mean, sd, low, high, group_id FROM group_stats"
        " WHERE sweep = ?1 AND stage = ?2 AND current = 1 LIMIT ?3",
        static_cast<std::int64_t>(kShownGroups));
  }

  // The best of another model than this one: none or one.
  std::vector<Group> best_of_others(const std::string& model) {
    return read(
        "SELECT params, n, missing, mean, sd, low, high, group_id FROM group_stats"
        " WHERE sweep = ?1 AND stage = ?2 AND current = 1 AND n > 0 AND group_id IN"
        " (SELECT substr(t.group_hash, 1, 12) FROM mvn_param p JOIN mvn_trial t ON t.id = p.trial"
        "  WHERE p.name = 'model.plugin' AND p.value <> ?3) LIMIT 1",
        model);
  }

  // The results that the mean is of.
  void read_values(Group& group) {
    db_.each(
        "SELECT (SELECT m.value FROM mvn_value m WHERE m.trial = t.id AND m.name = g.metric"
        "  ORDER BY m.step DESC LIMIT 1)"
        " FROM mvn_trial t JOIN mvn_stage g ON g.sweep = t.sweep AND g.stage = t.stage"
        " WHERE t.sweep = (SELECT id FROM mvn_sweep WHERE name = ?1) AND t.stage = ?2"
        " AND t.group_hash >= ?3 AND t.group_hash < ?3 || 'g' AND t.state = 'done' ORDER BY t.seed",
        [&](SQLite::Statement& row) {
          const auto value = real(row, 0);
          if (value && std::isfinite(*value)) group.values.push_back(*value);
        },
        sweep_, stage_, group.id);
  }

 private:
  template <typename Value>
  std::vector<Group> read(const char* sql, const Value& value) {
    std::vector<Group> groups;
    db_.each(
        sql,
        [&](SQLite::Statement& row) {
          groups.push_back({printable(row.getColumn(0).getString()),
                            model_of(db_, sweep_, stage_, row.getColumn(7).getString()),
                            row.getColumn(1).getInt(),
                            row.getColumn(2).getInt(),
                            real(row, 3),
                            real(row, 4),
                            real(row, 5),
                            real(row, 6),
                            row.getColumn(7).getString(),
                            {}});
        },
        sweep_, stage_, value);
    return groups;
  }

  Database& db_;
  const std::string& sweep_;
  const std::string& stage_;
};

// What the verdict is about: the best two, and the best of another model than the first one's.
void read_compared(Database& db, GroupReader& reader, Stage& stage) {
  const auto other = std::ranges::find_if(stage.groups, [&](const Group& group) {
    return group.n > 0 && group.model != stage.groups.front().model;
  });
  if (other != stage.groups.end()) {
    stage.other = *other;
  } else if (stage.groups.size() < stage.configurations) {
    for (auto& found : reader.best_of_others(stage.groups.front().model)) stage.other = found;
  }
  std::vector<double> values;
  const auto read = [&](Group& group) {
    reader.read_values(group);
    values.insert(values.end(), group.values.begin(), group.values.end());
  };
  for (std::size_t i = 0; i < stage.groups.size() && i < 2; ++i) read(stage.groups[i]);
  if (stage.other) read(*stage.other);
  stage.terms.region = usual_region(metric_kind(db, stage.metric), values);
}

std::vector<Stage> read_stages(Database& db, const std::string& sweep) {
  std::vector<Stage> stages;
  db.each(
      "SELECT g.stage, n.name, g.maximize, count(DISTINCT t.group_hash) FROM mvn_sweep s"
      " JOIN mvn_stage g ON g.sweep = s.id JOIN mvn_metric_name n ON n.id = g.metric"
      " JOIN mvn_trial t ON t.sweep = s.id AND t.stage = g.stage AND t.current = 1"
      " WHERE s.name = ? GROUP BY g.stage ORDER BY g.position",
      [&](SQLite::Statement& row) {
        stages.push_back({row.getColumn(0).getString(),
                          printable(row.getColumn(1).getString()),
                          {.maximize = row.getColumn(2).getInt() != 0, .region = 0},
                          static_cast<std::size_t>(row.getColumn(3).getInt64()),
                          {},
                          {}});
      },
      sweep);
  for (auto& stage : stages) {
    GroupReader reader(db, sweep, stage.name);
    stage.groups = reader.best();
    read_compared(db, reader, stage);
  }
  return stages;
}

int decimals_of(std::span<const Group> groups) {
  std::vector<double> means;
  std::vector<double> spreads;
  for (const auto& group : groups) {
    if (group.mean) means.push_back(*group.mean);
    if (group.sd) spreads.push_back(*group.sd);
  }
  return decimals_for(means, spreads);
}

// Of `groups`, the best ones of the stage.
void print_table(std::span<const Group> groups, std::ostream& out,
                 std::optional<std::size_t> width) {
  const int decimals = decimals_of(groups);
  const bool some_miss =
      std::ranges::any_of(groups, [](const Group& group) { return group.missing > 0; });
  const auto writer = make_row_writer(RowFormat::kTable, out, width);
  std::vector<std::string> names = {"", "params", "n", "mean", "sd", "95 % interval"};
  if (some_miss) names.emplace_back("missing");
  writer->columns(names);
  const auto number = [&](const std::optional<double>& value) {
    return value ? fixed(*value, decimals) : std::string("-");
  };
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Group& group = groups[i];
    std::vector<Cell> row = {i == 0 && group.n > 0 ? "*" : "",
                             group.params,
                             std::int64_t{group.n},
                             number(group.mean),
                             group.sd ? "± " + number(group.sd) : "-",
                             group.low ? number(group.low) + " .. " + number(group.high) : "-"};
    if (some_miss) row.emplace_back(std::int64_t{group.missing});
    writer->row(std::move(row));
  }
  writer->end();
}

std::string verdict(const Stage& stage, const Group& best, const Group& other,
                    const std::string& best_name, const std::string& other_name) {
  const auto judged = judge_set({best.values, other.values}, stage.terms);
  return set_sentence(judged, stage.terms,
                      {.a = best_name,
                       .b = other_name,
                       .metric = stage.metric,
                       .decimals = decimals_of(stage.groups),
                       .texts = {}});
}

std::string name_of(const Stage& stage, const Group& group) {
  return stage.configurations == 1 ? "the configuration" : group.params;
}

std::vector<std::string> verdict_sentences(const Stage& stage) {
  std::vector<const Group*> judged;
  for (const auto& group : stage.groups) {
    if (group.n > 0) judged.push_back(&group);
  }
  if (judged.empty()) return {"No trial that is done has a value of it."};
  if (judged.size() == 1) return {"Only one configuration has a result: nothing to compare."};
  const Group& best = *judged[0];
  std::vector<std::string> sentences = {
      verdict(stage, best, *judged[1], name_of(stage, best), name_of(stage, *judged[1]))};
  // The best two may be of one model: then the best of another model answers which model is better.
  if (!stage.other || stage.other->params == judged[1]->params) return sentences;
  auto sentence = verdict(stage, best, *stage.other, best.model + " (" + best.params + ")",
                          stage.other->model + " (" + stage.other->params + ")");
  if (sentence.starts_with("Cannot")) sentence[0] = 'c';
  sentences.push_back("Best of each model: " + sentence);
  return sentences;
}

void print_stage(const ReportNotes& notes, const std::string& sweep, const Stage& stage,
                 std::ostream& out, std::optional<std::size_t> width) {
  out << '\n'
      << (stage.name.empty() ? "" : stage.name + ": ") << stage.metric << " ("
      << (stage.terms.maximize ? "higher" : "lower") << " is better)\n";
  if (stage.groups.front().n > 0) {
    print_table(stage.groups, out, width);
    if (stage.configurations > stage.groups.size()) {
      out << "and " << stage.configurations - stage.groups.size() << " more: mvn-runner query "
          << "\"SELECT * FROM group_stats WHERE sweep = '" << sweep << "'\"\n";
    }
  }
  for (const auto& sentence : verdict_sentences(stage)) out << sentence << '\n';
  notes.print_below_majority(stage.name, out);
  const auto misses = [](const Group& group) { return group.missing > 0; };
  if (stage.configurations > stage.groups.size() || std::ranges::any_of(stage.groups, misses)) {
    notes.print_numberless(stage.name, stage.metric, out);
  }
}

}  // namespace

void print_report(const std::filesystem::path& database, const std::string& sweep,
                  std::ostream& out, std::optional<std::size_t> width) {
  translate_errors(database, [&] {
    Database db(database, Access::kRead);
    const ReportNotes notes(db, sweep);
    for (const auto& stage : read_stages(db, sweep)) print_stage(notes, sweep, stage, out, width);
    notes.print_stopped(out);
    notes.print_failures(out);
  });
  out.flush();
}

std::vector<StageVerdict> stage_verdicts(Database& db, const std::string& sweep) {
  std::vector<StageVerdict> verdicts;
  for (const auto& stage : read_stages(db, sweep)) {
    verdicts.push_back({stage.name, stage.metric, stage.terms.maximize, verdict_sentences(stage)});
  }
  return verdicts;
}

}  // namespace mvn
