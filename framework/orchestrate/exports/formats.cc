#include "orchestrate/exports/formats.h"

#include <algorithm>

#include "mvn/error.h"
#include "mvn/nearest.h"

namespace mvn {

const std::vector<ExportFormat>& export_formats() {
  static const std::vector<ExportFormat> kFormats = {
      tensorboard_format(), mlflow_format(), wandb_format(),    trackio_format(),
      optuna_format(),      csv_format(),    datasette_format()};
  return kFormats;
}

const ExportFormat& export_format(std::string_view name) {
  const auto& formats = export_formats();
  const auto found = std::ranges::find(formats, name, &ExportFormat::name);
  if (found != formats.end()) return *found;
  std::vector<std::string> known;
  for (const auto& format : formats) known.push_back(format.name);
  throw ConfigError("", "no format is called '" + std::string(name) + "'" + suggest(name, known));
}

}  // namespace mvn
