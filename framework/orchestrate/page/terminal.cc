#include "orchestrate/page/terminal.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "common/json.h"
#include "common/printable.h"
#include "common/secrets.h"
#include "common/text.h"
#include "mvn/error.h"
#include "orchestrate/answers/read_trials.h"
#include "orchestrate/answers/words.h"
#include "orchestrate/page/rows.h"
#include "orchestrate/page/standings.h"
#include "orchestrate/page/terminal_plot.h"
#include "orchestrate/page/trial_details.h"
#include "orchestrate/store/database.h"
#include "orchestrate/store/label.h"
#include "orchestrate/store/lookup.h"
#include "orchestrate/store/table.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kUsualWidth = 80;
constexpr std::size_t kWidest = 120;  // of a plot
constexpr std::size_t kTrialRows = 8;
constexpr std::size_t kFoundSweeps = 3;
constexpr std::size_t kLogShown = 12;  // lines

template <typename Action>
auto with_database(const TerminalOptions& options, Action action) {
  if (!fs::exists(options.database)) {
    throw Error(fs::absolute(options.database).lexically_normal().string() +
                ": no such database; run a sweep first ('mvn-runner SWEEP.yaml'), or name its "
                "folder with --results");
  }
  return translate_errors(options.database, [&] {
    Database db(options.database, Access::kRead);
    return action(db);
  });
}

FoundSweep sweep_of(Database& db, const TerminalOptions& options) {
  if (!options.sweep.empty()) return find_sweep(db, options.sweep);
  FoundSweep sweep;
  db.each(
      "SELECT s.id, s.name FROM mvn_sweep s LEFT JOIN mvn_trial t ON t.sweep = s.id"
      " LEFT JOIN mvn_attempt a ON a.trial = t.id GROUP BY s.id"
      " ORDER BY max(coalesce(a.started, s.created)) DESC LIMIT 1",
      [&](SQLite::Statement& row) {
        sweep = {row.getColumn(0).getInt64(), row.getColumn(1).getString()};
      });
  if (sweep.name.empty()) throw ConfigError("", db.path().string() + ": holds no sweep yet");
  return sweep;
}

void print_json(const Json& json, const TerminalOptions& options, std::ostream& out) {
  const auto text = json.dump(1, ' ', false, Json::error_handler_t::replace);
  out << (options.width ? printable_lines(text) : text) << '\n';
}

Json number_or_null(const std::optional<double>& number) {
  return number ? number_to_json(*number) : Json();
}

std::size_t plot_width(const TerminalOptions& options) {
  return std::min(options.width.value_or(kUsualWidth), kWidest);
}

PlotCurve plotted(const MetricCurve& curve) {
  PlotCurve result;
  for (const auto& point : curve) {
    result.points.emplace_back(static_cast<double>(point.step), point.mean);
  }
  return result;
}

Json json_of_curve(const MetricCurve& curve) {
  Json points = Json::array();
  for (const auto& point : curve) {
    Json each = {{"step", point.step}, {"mean", number_to_json(point.mean)}, {"n", point.n}};
    if (point.n > 1) {
      each["sd"] = number_to_json(point.sd);
      each["min"] = number_to_json(point.low);
      each["max"] = number_to_json(point.high);
    }
    points.push_back(std::move(each));
  }
  return points;
}

// A trial's place among others, as the views have it.
struct TrialRow {
  DetailedTrial trial;
  Json columns;  // of the view `trials`
  [[nodiscard]] std::string text(const char* name) const {
    const auto& value = columns[name];
    return value.is_string() ? printable(value.get<std::string>())
                             : (value.is_null() ? "-" : value.dump());
  }
  [[nodiscard]] bool has(const char* name) const { return !columns[name].is_null(); }
};

TrialRow read_trial(Database& db, const FoundSweep& sweep, const std::string& id) {
  TrialRow row{trial_of(db, sweep.name, short_id(id)), Json()};
  row.columns = rows_of(db, "SELECT * FROM trials WHERE sweep = ?1 AND trial = substr(?2, 1, 12)",
                        sweep.name, id)[0];
  row.columns.erase("parameters");
  return row;
}

// The parameters of a trial that others of its stage have otherwise: {name: {"here", "others"}}.
Json differences_of(Database& db, const FoundSweep& sweep, const TrialRow& row) {
  Json differences = Json::object();
  db.each(
      "SELECT p.name, p.value, json_group_array(DISTINCT o.value) FROM mvn_param p"
      " JOIN mvn_trial t ON t.sweep = ?1 AND t.stage = ?2 AND t.current = 1 AND t.id <> ?3"
      " JOIN mvn_param o ON o.trial = t.id AND o.name = p.name"
      " WHERE p.trial = ?3 AND p.origin = 'config' GROUP BY p.name"
      " HAVING max(o.value IS NOT p.value)",
      [&](SQLite::Statement& found) {
        const auto here = json_of(found.getColumn(1));
        Json others = Json::array();
        for (const auto& value : db.json(found, 2)) {
          if (value != here) others.push_back(value);
        }
        differences[found.getColumn(0).getString()] = {{"here", here}, {"others", others}};
      },
      sweep.row, row.columns["stage"].get<std::string>(), row.trial.row);
  return differences;
}

std::string value_text(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_number_float()) return short_number(value.get<double>());
  return printable(value.is_string() ? value.get<std::string>()
                                     : value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::vector<std::string> value_texts(const Json& values) {
  std::vector<std::string> texts;
  for (const auto& value : values) texts.push_back(value_text(value));
  return texts;
}

void print_pairs(const std::vector<std::pair<std::string, std::string>>& pairs,
                 const TerminalOptions& options, std::ostream& out) {
  std::size_t widest = 0;
  for (const auto& [name, value] : pairs) widest = std::max(widest, columns(name));
  for (const auto& [name, value] : pairs) {
    std::string line = "  ";
    line.append(name).append(widest + 2 - columns(name), ' ').append(value);
    out << (options.width ? shortened(line, *options.width) : line) << '\n';
  }
}

void print_configuration(const Json& config, const Json& differences,
                         const TerminalOptions& options, std::ostream& out) {
  std::vector<std::pair<std::string, std::string>> own;
  std::vector<std::pair<std::string, std::string>> shared;
  for (const auto& [name, value] : config.items()) {
    const auto shown = printable(name);
    if (!differences.contains(name)) {
      shared.emplace_back(shown, value_text(value));
      continue;
    }
    own.emplace_back(shown, value_text(value) + "   (others: " +
                                listed(value_texts(differences[name]["others"]), 6) + ")");
  }
  if (!own.empty()) out << "\nWhat sets it apart\n";
  print_pairs(own, options, out);
  out << "\nConfiguration\n";
  print_pairs(shared, options, out);
}

MetricCurve curve_of(Database& db, const TrialRow& row, const std::string& metric) {
  const auto id = db.integer("SELECT id FROM mvn_metric_name WHERE name = ?", metric);
  if (!id) return {};
  return read_curve(db, {{row.trial.row, row.columns["state"], 0}}, *id);
}

void print_curve(const std::string& heading, const MetricCurve& curve,
                 const TerminalOptions& options, std::ostream& out) {
  const auto plotted_curve = plotted(curve);
  const auto size = plot_width(options);
  out << '\n' << heading << '\n';
  if (curve.empty()) {
    out << "  nothing reported yet\n";
    return;
  }
  const PlotFrame frame = {range_of_x({plotted_curve}), range_of_y({plotted_curve}), size,
                           kTrialRows};
  for (const auto& line : plot(plotted_curve, frame)) out << line << '\n';
}

void print_files(Database& db, const TrialRow& row, const Json& history,
                 const TerminalOptions& options, std::ostream& out) {
  const auto folder = folder_of(db, row.trial);
  std::vector<std::pair<std::string, std::string>> files = {{"folder", path_text(folder)}};
  if (!history["attempts"].empty()) {
    const auto last = history["attempts"].back()["attempt"].get<int>();
    files.emplace_back("log", path_text(folder / "attempts" / std::to_string(last) / "log.txt"));
  }
  for (const auto& artifact : history["artifacts"]) {
    files.emplace_back(value_text(artifact["kind"]), value_text(artifact["path"]));
  }
  out << "\nFiles\n";
  // A path is of use only whole.
  auto whole = options;
  whole.width.reset();
  print_pairs(files, whole, out);
}

void print_troubles(const TrialRow& row, const Json& history, const std::string& log,
                    std::ostream& out) {
  const auto state = row.text("state");
  const bool went_wrong = state != "done" && state != "running" && state != "planned";
  if (went_wrong) out << "\nWhat went wrong\n  " << state << ": " << row.text("message") << '\n';
  if (went_wrong && !log.empty()) {
    const auto lines = printable_lines(last_lines(log, kLogShown));
    out << "  | ";
    for (const char c : lines) out << c << (c == '\n' ? "  | " : "");
    out << '\n';
  }
  if (!history["events"].empty()) out << "\nWarnings\n";
  for (const auto& event : history["events"]) {
    out << "  " << value_text(event["level"]) << ": " << value_text(event["message"]) << '\n';
  }
}

void print_trial(Database& db, const FoundSweep& sweep, const TrialRow& row,
                 const TerminalOptions& options, std::ostream& out) {
  const auto metric = options.metric.empty() && row.has("metric")
                          ? row.columns["metric"].get<std::string>()
                          : options.metric;
  const auto stage = row.columns["stage"].get<std::string>();
  out << "Trial " << row.text("trial") << " of sweep " << printable(sweep.name)
      << (stage.empty() ? "" : ", stage " + printable(stage)) << ": " << row.text("state") << '\n';
  std::vector<std::pair<std::string, std::string>> facts = {
      {"configuration", row.text("params")},
      {"seed", row.text("seed")},
      {"step", row.text("step") + (row.has("steps") ? " of " + row.text("steps") : "")},
      {"attempts", row.text("attempts")}};
  if (row.has("seconds")) {
    facts.emplace_back("time", duration_text(row.columns["seconds"].get<double>()));
  }
  if (row.has("objective")) {
    facts.emplace_back(row.text("metric"), value_text(row.columns["objective"]));
  }
  print_pairs(facts, options, out);
  print_configuration(configuration_of(db, row.trial), differences_of(db, sweep, row), options,
                      out);
  print_curve(printable(metric), curve_of(db, row, metric), options, out);
  const auto history = history_of(db, row.trial);
  print_files(db, row, history, options, out);
  print_troubles(row, history, log_of(db, row.trial, 8000), out);
  out << "\nAgain: mvn-runner rerun " << row.text("trial") << " --verify\n";
}

Json json_of_trial(Database& db, const FoundSweep& sweep, const TrialRow& row) {
  Json json = row.columns;
  json.update(history_of(db, row.trial));
  json["config"] = configuration_of(db, row.trial);
  json["differences"] = differences_of(db, sweep, row);
  json["environment"] = environment_of(db, row.trial);
  json["command"] = command_of(db, row.trial);
  json["folder"] = folder_of(db, row.trial).string();
  json["log"] = log_of(db, row.trial, 8000);
  const auto metric = row.has("metric") ? row.columns["metric"].get<std::string>() : "";
  json["curve"] = json_of_curve(curve_of(db, row, metric));
  return json;
}

void check_reported(Database& db, const TrialRow& row, const std::string& metric) {
  if (db.integer("SELECT 1 FROM mvn_value m JOIN mvn_metric_name n ON n.id = m.name"
                 " WHERE m.trial = ?1 AND n.name = ?2 LIMIT 1",
                 row.trial.row, metric)) {
    return;
  }
  std::vector<std::string> known;
  db.each(
      "SELECT DISTINCT n.name FROM mvn_metric m JOIN mvn_metric_name n ON n.id = m.name"
      " WHERE m.trial = ? ORDER BY n.name",
      [&](SQLite::Statement& found) { known.push_back(found.getColumn(0).getString()); },
      row.trial.row);
  throw ConfigError("", "trial " + row.text("trial") + " reported no metric '" + printable(metric) +
                            "'" + (known.empty() ? "" : "; it has " + listed(known, 12)));
}

// Top -----------------------------------------------------------------------------------------

Json json_of_standing(const Standing& standing) {
  return {{"params", standing.params},
          {"n", standing.n},
          {"trials", standing.trials},
          {"mean", number_or_null(standing.mean)},
          {"sd", number_or_null(standing.sd)},
          {"low", number_or_null(standing.low)},
          {"high", number_or_null(standing.high)},
          {"best_trial", standing.best_trial},
          {"group_id", standing.group}};
}

std::string stage_heading(const FoundSweep& sweep, const StageStandings& stage) {
  return printable(sweep.name) + (stage.stage.empty() ? "" : ", " + printable(stage.stage)) + ": " +
         printable(stage.metric) +
         (!stage.judged ? " (largest first)"
                        : (stage.maximize ? " (higher is better)" : " (lower is better)"));
}

void print_standings(const StageStandings& stage, const TerminalOptions& options,
                     std::ostream& out) {
  std::vector<double> means;
  std::vector<double> spreads;
  const auto shown = std::min(options.most, stage.standings.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& standing = stage.standings[i];
    if (standing.mean) means.push_back(*standing.mean);
    // As the views round it: 0.01 may be 0.00999...
    if (standing.sd) spreads.push_back(std::stod(short_number(*standing.sd)));
  }
  const int decimals = decimals_for(means, spreads);
  const auto writer = make_row_writer(RowFormat::kTable, out, options.width);
  writer->columns({"", "params", "n", "mean", "95 % interval", "best trial"});
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& each = stage.standings[i];
    writer->row({each.mean ? Cell(static_cast<std::int64_t>(i + 1)) : Cell(), each.params,
                 std::to_string(each.n) + " of " + std::to_string(each.trials),
                 each.mean ? fixed(*each.mean, decimals) : "-",
                 each.low && each.high ? interval_text(*each.low, *each.high, decimals) : "-",
                 each.best_trial.empty() ? "-" : each.best_trial});
  }
  writer->end();
  if (shown < stage.standings.size()) {
    out << "and " << stage.standings.size() - shown << " more (-n)\n";
  }
}

// Curves of a sweep ---------------------------------------------------------------------------

struct DrawnStanding {
  const Standing* standing;
  MetricCurve curve;
};

std::vector<DrawnStanding> drawn(Database& db, const StageStandings& stage, std::size_t most) {
  std::vector<DrawnStanding> result;
  const auto id = db.integer("SELECT id FROM mvn_metric_name WHERE name = ?", stage.metric);
  for (const auto& standing : stage.standings) {
    if (!id || result.size() == most) break;
    auto curve = read_curve(db, standing.its, *id);
    if (!curve.empty()) result.push_back({&standing, std::move(curve)});
  }
  return result;
}

// Below each other, in one frame, so that they can be compared.
void print_drawn(const std::vector<DrawnStanding>& all, const TerminalOptions& options,
                 std::ostream& out) {
  std::vector<PlotCurve> curves;
  for (const auto& each : all) curves.push_back(plotted(each.curve));
  const PlotFrame frame = {range_of_x(curves), range_of_y(curves), plot_width(options),
                           kFoundSweeps};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& standing = *all[i].standing;
    out << printable(standing.params) << "  "
        << (standing.mean ? short_number(*standing.mean) : std::string("no result yet")) << " ("
        << plural(static_cast<std::size_t>(standing.trials), "seed") << ")\n";
    auto rows = plot(curves[i], frame);
    if (i + 1 < all.size()) rows.pop_back();  // the steps stand below the last one
    for (const auto& row : rows) out << row << '\n';
  }
}

}  // namespace

bool has_sweep(const fs::path& database, const std::string& sweep) {
  return with_database({.database = database}, [&](Database& db) {
    const auto file = fs::absolute(sweep).lexically_normal().string();
    return db.integer("SELECT count(*) FROM mvn_sweep WHERE name = ? OR file = ?", sweep, file)
               .value_or(0) > 0;
  });
}

void show_trial(const TerminalOptions& options, const std::string& id, std::ostream& out) {
  with_database(options, [&](Database& db) {
    const auto sweep = sweep_of(db, options);
    const auto row = read_trial(db, sweep, id);
    if (options.json) {
      print_json(json_of_trial(db, sweep, row), options, out);
    } else {
      print_trial(db, sweep, row, options, out);
    }
  });
  out.flush();
}

void show_top(const TerminalOptions& options, std::ostream& out) {
  with_database(options, [&](Database& db) {
    const auto sweep = sweep_of(db, options);
    Json json = Json::array();
    bool first = true;
    for (const auto& stage : read_standings(db, sweep.row, options.metric)) {
      if (options.json) {
        Json rows = Json::array();
        for (const auto& each : stage.standings) {
          if (rows.size() < options.most) rows.push_back(json_of_standing(each));
        }
        json.push_back({{"stage", stage.stage},
                        {"metric", stage.metric},
                        {"goal", stage.maximize ? "maximize" : "minimize"},
                        {"configurations", rows}});
        continue;
      }
      out << (first ? "" : "\n") << stage_heading(sweep, stage) << "\n\n";
      print_standings(stage, options, out);
      first = false;
    }
    if (options.json) print_json({{"sweep", sweep.name}, {"stages", json}}, options, out);
  });
  out.flush();
}

void show_trial_curve(const TerminalOptions& options, const std::string& id, std::ostream& out) {
  with_database(options, [&](Database& db) {
    const auto sweep = sweep_of(db, options);
    const auto row = read_trial(db, sweep, id);
    const auto metric = options.metric.empty() && row.has("metric")
                            ? row.columns["metric"].get<std::string>()
                            : options.metric;
    if (!options.metric.empty()) check_reported(db, row, metric);
    const auto curve = curve_of(db, row, metric);
    if (options.json) {
      print_json({{"trial", row.trial.id},
                  {"sweep", sweep.name},
                  {"metric", metric},
                  {"curve", json_of_curve(curve)}},
                 options, out);
      return;
    }
    out << row.text("trial") << "  " << row.text("params") << ", seed " << row.text("seed") << '\n';
    print_curve(printable(metric), curve, options, out);
  });
  out.flush();
}

void show_sweep_curves(const TerminalOptions& options, std::ostream& out) {
  with_database(options, [&](Database& db) {
    const auto sweep = sweep_of(db, options);
    Json json = Json::array();
    bool first = true;
    for (const auto& stage : read_standings(db, sweep.row, options.metric)) {
      const auto curves = drawn(db, stage, options.most);
      if (options.json) {
        Json configurations = Json::array();
        for (const auto& each : curves) {
          auto one = json_of_standing(*each.standing);
          one["curve"] = json_of_curve(each.curve);
          configurations.push_back(std::move(one));
        }
        json.push_back({{"stage", stage.stage},
                        {"metric", stage.metric},
                        {"configurations", std::move(configurations)}});
        continue;
      }
      out << (first ? "" : "\n") << stage_heading(sweep, stage) << ", mean over the seeds\n\n";
      first = false;
      if (curves.empty()) {
        out << "nothing reported yet\n";
      } else {
        print_drawn(curves, options, out);
      }
    }
    if (options.json) print_json({{"sweep", sweep.name}, {"stages", json}}, options, out);
  });
  out.flush();
}

}  // namespace mvn
