// What a sweep can be exported as: a row for each format, whose file writes it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrate/exports/source.h"

namespace mvn {

struct ExportOptions {
  // Texts that a spreadsheet would take for formulas get a quote in front of them.
  bool for_spreadsheets = false;
};

// What the user is told at the end.
struct ExportReport {
  std::int64_t trials = 0;
  std::int64_t values = 0;         // of metrics
  std::vector<std::string> notes;  // what the other tool cannot hold, or shows otherwise
};

struct ExportFormat {
  std::string name;
  std::string help;       // one line
  bool is_folder = true;  // what is written; else one file
  // What to type next; the two paths are as a shell takes them.
  std::string (*open)(const std::string& output, const std::string& database);
  // Writes to `output`: a folder that is there and empty, or a file that is not there.
  void (*write)(ExportSource& source, const std::filesystem::path& output,
                const ExportOptions& options, ExportReport& report);
};

// In the order in which they are listed.
const std::vector<ExportFormat>& export_formats();
// Throws ConfigError that names the nearest.
const ExportFormat& export_format(std::string_view name);

// The rows, each in the file of its name.
ExportFormat csv_format();
ExportFormat datasette_format();
ExportFormat mlflow_format();
ExportFormat optuna_format();
ExportFormat tensorboard_format();
ExportFormat trackio_format();
ExportFormat wandb_format();

}  // namespace mvn
