#include "orchestrate/store/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "common/json.h"
#include "common/printable.h"
#include "orchestrate/store/database.h"
#include "orchestrate/store/table.h"

namespace mvn {
namespace {

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
};

struct Stage {
  std::string name;
  std::string metric;
  bool maximize = true;
  std::vector<Group> groups;  // best first
};

std::optional<double> real(SQLite::Statement& row, int column) {
  if (row.isColumnNull(column)) return std::nullopt;
  return row.getColumn(column).getDouble();
}

Group group_from(SQLite::Statement& row) {
  Group group;
  group.params = printable(row.getColumn(3).getString());
  group.n = row.getColumn(4).getInt();
  group.missing = row.getColumn(5).getInt();
  group.mean = real(row, 6);
  group.sd = real(row, 7);
  group.low = real(row, 8);
  group.high = real(row, 9);
  group.model = printable(row.getColumn(10).getString());
  return group;
}

std::vector<Stage> read_stages(Database& db, const std::string& sweep) {
  std::vector<Stage> stages;
  db.each(
      "SELECT v.stage, v.metric, v.goal = 'maximize', v.params, v.n, v.missing, v.mean, v.sd,"
      " v.low, v.high, coalesce((SELECT json_extract(t.config, '$.model.plugin') FROM mvn_trial t"
      " JOIN mvn_sweep s ON s.id = t.sweep WHERE s.name = v.sweep AND t.stage = v.stage"
      " AND substr(t.group_hash, 1, 12) = v.group_id LIMIT 1), '')"
      " FROM group_stats v WHERE v.sweep = ? AND v.current = 1",
      [&](SQLite::Statement& row) {
        const std::string stage = printable(row.getColumn(0).getString());
        if (stages.empty() || stages.back().name != stage) {
          stages.push_back(
              {stage, printable(row.getColumn(1).getString()), row.getColumn(2).getInt() != 0, {}});
        }
        stages.back().groups.push_back(group_from(row));
      },
      sweep);
  return stages;
}

std::string fixed(double number, int decimals) {
  std::array<char, 400> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, number);
  return text.data();
}

// Decimals that show two digits of the smallest spread, and of the means at least three digits.
int decimals_of(const std::vector<Group>& groups) {
  int decimals = 0;
  const auto show = [&](double number, int digits) {
    if (number == 0 || !std::isfinite(number)) return;
    const int leading = static_cast<int>(std::floor(std::log10(std::abs(number))));
    decimals = std::max(decimals, digits - 1 - leading);
  };
  for (const auto& group : groups) {
    if (group.mean) show(*group.mean, 3);
    if (group.sd) show(*group.sd, 2);
  }
  return std::min(decimals, 6);
}

void print_table(const Stage& stage, std::ostream& out, std::optional<std::size_t> width) {
  const int decimals = decimals_of(stage.groups);
  const bool some_miss =
      std::ranges::any_of(stage.groups, [](const Group& group) { return group.missing > 0; });
  const auto writer = make_row_writer(RowFormat::kTable, out, width);
  std::vector<std::string> names = {"", "params", "n", "mean", "sd", "95 % interval"};
  if (some_miss) names.emplace_back("missing");
  writer->columns(names);
  const auto number = [&](const std::optional<double>& value) {
    return value ? fixed(*value, decimals) : std::string("-");
  };
  for (std::size_t i = 0; i < stage.groups.size(); ++i) {
    const Group& group = stage.groups[i];
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

// Decimals with which two numbers that differ look different.
int decimals_apart(double one, double two, int decimals) {
  constexpr int kMost = 17;
  while (one != two && decimals < kMost && fixed(one, decimals) == fixed(two, decimals)) ++decimals;
  return decimals;
}

std::string seeds(int n) { return n == 1 ? "one seed" : std::to_string(n) + " seeds"; }

// What the intervals of `best` and `other`, whose mean is not better, say about the two.
std::string verdict(const Stage& stage, const Group& best, const Group& other,
                    const std::string& best_name, const std::string& other_name) {
  const int decimals = decimals_apart(*best.mean, *other.mean, decimals_of(stage.groups));
  const std::string means = fixed(*best.mean, decimals) + " against " +
                            fixed(*other.mean, decimals) + " for " + other_name;
  if (*best.mean == *other.mean) {
    return best_name + " and " + other_name + " have the same mean " + stage.metric + ", " +
           fixed(*best.mean, decimals) + ".";
  }
  const std::string better =
      best_name + " has the " + (stage.maximize ? "higher" : "lower") + " " + stage.metric + ": ";
  if (best.n < 2 || other.n < 2) {
    return better + means + ". With " + seeds(std::min(best.n, other.n)) +
           " this may be chance: there is no interval to judge it by.";
  }
  const bool apart = stage.maximize ? *best.low > *other.high : *best.high < *other.low;
  const std::string over = best.n == other.n
                               ? seeds(best.n) + " each"
                               : seeds(best.n) + " and " + seeds(other.n) + " respectively";
  if (apart) {
    return best_name + " is better: " + stage.metric + " " + means +
           ", and their 95 % intervals do not overlap (" + over + ").";
  }
  return better + means + ", but their 95 % intervals overlap (" + over +
         "): these seeds do not tell which is better.";
}

std::string name_of(const Stage& stage, const Group& group) {
  return stage.groups.size() == 1 ? "the configuration" : group.params;
}

void print_verdict(const Stage& stage, std::ostream& out) {
  std::vector<const Group*> judged;
  for (const auto& group : stage.groups) {
    if (group.n > 0) judged.push_back(&group);
  }
  if (judged.size() == 1) {
    out << "Only one configuration has a result: nothing to compare.\n";
    return;
  }
  const Group& best = *judged[0];
  out << verdict(stage, best, *judged[1], name_of(stage, best), name_of(stage, *judged[1])) << '\n';
  // The best two may be of one model: then the best of another model answers which model is better.
  const auto other =
      std::ranges::find_if(judged, [&](const Group* group) { return group->model != best.model; });
  if (other == judged.end() || *other == judged[1]) return;
  out << "Best of each model: "
      << verdict(stage, best, **other, best.model + " (" + best.params + ")",
                 (*other)->model + " (" + (*other)->params + ")")
      << '\n';
}

void print_stage(const Stage& stage, std::ostream& out, std::optional<std::size_t> width) {
  out << '\n'
      << (stage.name.empty() ? "" : stage.name + ": ") << stage.metric << " ("
      << (stage.maximize ? "higher" : "lower") << " is better)\n";
  if (stage.groups.front().n == 0) {
    out << "No trial that is done has a value of it.\n";
    return;
  }
  print_table(stage, out, width);
  print_verdict(stage, out);
}

void print_failures(Database& db, const std::string& sweep, std::ostream& out) {
  bool first = true;
  db.each(
      "SELECT t.stage, t.params, t.seed, t.trial, t.state, t.message, t.folder, t.attempts"
      " FROM trials t WHERE t.sweep = ? AND t.current = 1"
      " AND t.state IN ('failed', 'diverged', 'interrupted', 'blocked')",
      [&](SQLite::Statement& row) {
        const auto text = [&](int column) { return printable(row.getColumn(column).getString()); };
        out << (first ? "\nNot done:\n" : "");
        first = false;
        out << "  " << text(3) << (text(0).empty() ? "" : " " + text(0))
            << (text(1) == "-" ? "" : " " + text(1)) << " seed=" << text(2) << ' ' << text(4)
            << (text(5).empty() ? "" : ": " + text(5)) << '\n';
        if (row.getColumn(7).getInt() > 0 && text(4) != "blocked") {
          const auto log = db.path().parent_path() / text(6) / "attempts" / text(7) / "log.txt";
          out << "    log: " << log.string() << '\n';
        }
      },
      sweep);
}

void print_stopped(Database& db, const std::string& sweep, std::ostream& out) {
  const auto stopped = db.integer(
      "SELECT count(*) FROM trials WHERE sweep = ? AND current = 1 AND state = 'stopped'", sweep);
  if (stopped.value_or(0) == 0) return;
  out << "\nStopped early, without a result: " << *stopped << (*stopped == 1 ? " trial" : " trials")
      << "; the view `stops` says why.\n";
}

}  // namespace

void print_report(const std::filesystem::path& database, const std::string& sweep,
                  std::ostream& out, std::optional<std::size_t> width) {
  translate_errors(database, [&] {
    Database db(database, Access::kRead);
    for (const auto& stage : read_stages(db, sweep)) print_stage(stage, out, width);
    print_stopped(db, sweep, out);
    print_failures(db, sweep, out);
  });
  out.flush();
}

}  // namespace mvn
