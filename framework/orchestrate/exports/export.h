// `mvn-runner export`: a sweep as files that other tools open.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>

#include "orchestrate/exports/formats.h"

namespace mvn {

struct ExportRequest {
  std::string format;
  std::string sweep;  // its name, or its file
  std::filesystem::path output;
  bool all = false;  // trials of earlier versions of the sweep file, too
  bool overwrite = false;
  bool json = false;  // what is printed
  ExportOptions options = {};
};

// Throws ConfigError for what is wrong with the request, Error for what is with the disk or the
// database, Interrupted on a stop signal.
void export_sweep(const std::filesystem::path& database, const ExportRequest& request,
                  std::ostream& out);

void list_export_formats(bool json, std::ostream& out);

}  // namespace mvn
