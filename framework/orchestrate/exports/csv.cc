// CSV files: trials.csv with a row for each trial, and metrics.csv, params.csv and costs.csv with a
// row for each value.
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <set>

#include "common/disk_full.h"
#include "common/text.h"
#include "orchestrate/exports/formats.h"
#include "orchestrate/exports/times.h"
#include "orchestrate/store/table.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// Whether a spreadsheet takes the text for a formula; a number is none.
bool is_formula(const std::string& text) {
  if (text.size() < 2 || std::string_view("=+-@\t\r").find(text[0]) == std::string_view::npos) {
    return false;
  }
  double number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + (text[0] == '+' ? 1 : 0), end, number);
  return read.ec != std::errc() || read.ptr != end;
}

// Counts such texts, and changes them where that is asked for.
struct Formulas {
  bool quote = false;
  std::size_t seen = 0;
  void take_in(Cell& cell) {
    auto* text = std::get_if<std::string>(&cell);
    if (text == nullptr || !is_formula(*text)) return;
    ++seen;
    if (quote) text->insert(0, "'");
  }
};

class CsvFile {
 public:
  CsvFile(const fs::path& path, const std::vector<std::string>& columns, Formulas& formulas)
      : path_(path),
        file_(path, std::ios::binary),
        rows_(make_row_writer(RowFormat::kCsv, file_)),
        formulas_(formulas) {
    check();
    std::vector<Cell> cells(columns.begin(), columns.end());
    row(std::move(cells));
  }

  void row(std::vector<Cell> cells) {
    for (Cell& cell : cells) formulas_.take_in(cell);
    rows_->row(std::move(cells));
    check();
  }

  void close() {
    file_.close();
    check();
  }

 private:
  void check() const {
    if (!file_) throw_file_error(path_, "write", errno);
  }

  fs::path path_;
  std::ofstream file_;
  std::unique_ptr<RowWriter> rows_;
  Formulas& formulas_;
};

template <typename T>
Cell cell_of(const std::optional<T>& value) {
  return value ? Cell(*value) : Cell();
}

Cell time_cell(const std::optional<std::int64_t>& time) {
  return time ? Cell(iso_time(*time)) : Cell();
}

Cell json_cell(const Json& value) {
  if (value.is_null()) return {};
  if (value.is_boolean()) return std::string(value.get<bool>() ? "true" : "false");
  if (value.is_number_float()) return value.get<double>();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_string()) return value.get<std::string>();
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The columns of the view `trials`, its times in UTC, before those of parameters and metrics.
const std::vector<std::string>& fixed_columns() {
  static const std::vector<std::string> kColumns = {
      "trial",    "stage",   "configuration", "seed",     "state",   "objective", "metric",
      "step",     "steps",   "seconds",       "attempts", "started", "ended",     "message",
      "group_id", "current", "draw",          "folder",   "id"};
  return kColumns;
}

std::vector<Cell> fixed_cells(const ExportedTrial& trial) {
  return {trial.trial,
          trial.stage,
          trial.label,
          trial.seed,
          trial.state,
          cell_of(trial.objective),
          trial.metric,
          cell_of(trial.step),
          cell_of(trial.steps),
          cell_of(trial.seconds),
          trial.attempts,
          time_cell(trial.started),
          time_cell(trial.ended),
          trial.message,
          trial.group,
          std::int64_t{trial.current ? 1 : 0},
          cell_of(trial.draw),
          trial.folder,
          trial.id};
}

class CsvExport {
 public:
  CsvExport(ExportSource& source, const fs::path& folder, const ExportOptions& options,
            ExportReport& report)
      : source_(source), folder_(folder), report_(report) {
    formulas_.quote = options.for_spreadsheets;
  }

  void write() {
    write_trials();
    write_metrics();
    write_params();
    write_costs();
    if (formulas_.seen == 0) return;
    const auto texts = plural(formulas_.seen, "text");
    report_.notes.push_back(
        formulas_.quote
            ? texts + " that a spreadsheet would take for formulas have a ' in front of them"
            : texts +
                  " that a spreadsheet would take for formulas are as they were; for one, use "
                  "--for-spreadsheets");
  }

 private:
  CsvFile file(const char* name, const std::vector<std::string>& columns) {
    return {folder_ / name, columns, formulas_};
  }

  void write_trials() {
    std::set<std::string> swept;
    source_.each_trial([&](const ExportedTrial& trial) {
      for (const auto& [key, value] : trial.parameters.items()) {
        if (key != "seed") swept.insert(key);
      }
    });
    auto columns = fixed_columns();
    for (const auto& key : swept) columns.push_back("params." + key);
    for (const auto& name : source_.sweep().metrics) columns.push_back("metrics." + name);
    CsvFile trials = file("trials.csv", columns);
    source_.each_trial([&](const ExportedTrial& trial) {
      auto cells = fixed_cells(trial);
      for (const auto& key : swept) {
        const auto found = trial.parameters.find(key);
        cells.push_back(found == trial.parameters.end() ? Cell() : json_cell(*found));
      }
      std::map<std::string, double> finals;
      source_.each_final(trial,
                         [&](const ExportedPoint& point) { finals[*point.name] = point.value; });
      for (const auto& name : source_.sweep().metrics) {
        const auto found = finals.find(name);
        cells.push_back(found == finals.end() ? Cell() : Cell(found->second));
      }
      trials.row(std::move(cells));
      ++report_.trials;
    });
    trials.close();
  }

  void write_metrics() {
    CsvFile metrics = file("metrics.csv", {"trial", "name", "step", "value", "attempt", "time"});
    source_.each_trial([&](const ExportedTrial& trial) {
      source_.each_point(trial, PointOrder::kByName, [&](const ExportedPoint& point) {
        metrics.row({trial.trial, *point.name, point.step, point.value, point.attempt,
                     iso_time(point.time)});
        ++report_.values;
      });
    });
    metrics.close();
  }

  void write_params() {
    CsvFile params = file("params.csv", {"trial", "name", "value", "swept", "origin"});
    source_.each_trial([&](const ExportedTrial& trial) {
      source_.each_param(trial, [&](const ExportedParam& param) {
        params.row({trial.trial, param.name, json_cell(param.value),
                    std::int64_t{param.swept ? 1 : 0}, param.origin});
      });
    });
    params.close();
  }

  void write_costs() {
    CsvFile costs = file("costs.csv", {"trial", "name", "value"});
    source_.each_trial([&](const ExportedTrial& trial) {
      source_.each_cost(trial, [&](const std::string& name, double value) {
        costs.row({trial.trial, name, value});
      });
    });
    costs.close();
  }

  ExportSource& source_;
  const fs::path& folder_;
  ExportReport& report_;
  Formulas formulas_;
};

void write_csv(ExportSource& source, const fs::path& output, const ExportOptions& options,
               ExportReport& report) {
  CsvExport(source, output, options, report).write();
}

}  // namespace

ExportFormat csv_format() {
  return {.name = "csv",
          .help = "A folder of CSV files for pandas, R and others: trials, metrics, params, costs",
          .is_folder = true,
          .open =
              [](const std::string& output, const std::string&) {
                return "python3 -c 'import pandas, sys; print(pandas.read_csv(sys.argv[1]))' " +
                       output + "/trials.csv";
              },
          .write = write_csv};
}

}  // namespace mvn
