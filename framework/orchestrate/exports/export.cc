#include "orchestrate/exports/export.h"

#include "common/json.h"
#include "common/printable.h"
#include "common/text.h"
#include "mvn/error.h"
#include "orchestrate/exports/output_place.h"
#include "orchestrate/process/run_to_end.h"
#include "orchestrate/process/signals.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// What to type next.
std::string opening(const ExportFormat& format, const fs::path& output, const fs::path& database) {
  const auto shown = [](const fs::path& path) {
    return shell_text({path_text(fs::absolute(path).lexically_normal())});
  };
  return format.open(shown(output), shown(database));
}

Json origin_of(const ExportFormat& format, const ExportSource& source,
               const ExportRequest& request) {
  return {{"made_by", "mvn-runner export"},
          {"format", format.name},
          {"sweep", source.sweep().name},
          {"all", request.all}};
}

std::string counted(std::int64_t count, std::string_view noun) {
  return plural(static_cast<std::size_t>(count), noun);
}

void print_report(const ExportReport& report, const std::string& output, const std::string& open,
                  std::ostream& out) {
  out << "wrote " << printable(output);
  if (report.trials > 0) {
    out << ": " << counted(report.trials, "trial") << ", " << counted(report.values, "value")
        << " of metrics";
  }
  out << '\n';
  for (const auto& note : report.notes) out << "note: " << printable(note) << '\n';
  out << "open it: " << printable(open) << std::endl;
}

void print_json(const ExportReport& report, const Json& origin, const std::string& output,
                const std::string& open, std::ostream& out) {
  const Json json = {{"format", origin.at("format")},
                     {"sweep", origin.at("sweep")},
                     {"output", output},
                     {"trials", report.trials},
                     {"values", report.values},
                     {"notes", report.notes},
                     {"open", open}};
  out << json.dump(1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace) << std::endl;
}

}  // namespace

void export_sweep(const fs::path& database, const ExportRequest& request, std::ostream& out) {
  const ExportFormat& format = export_format(request.format);
  if (request.options.for_spreadsheets && format.name != "csv") {
    throw ConfigError("", "--for-spreadsheets goes with the format csv alone");
  }
  ExportSource source(database, request.sweep, request.all);
  if (source.trials() == 0) {
    throw ConfigError("", "the sweep '" + source.sweep().name +
                              "' has no trials in its file as last run; --all exports those of its "
                              "earlier versions");
  }
  // Whoever stops it finds nothing half written.
  Signals signals;
  source.between([&signals] {
    if (signals.take().stops() > 0) throw Interrupted();
  });
  OutputPlace place({request.output, format.is_folder, request.overwrite});
  ExportReport report;
  format.write(source, place.temporary(), request.options, report);
  const Json origin = origin_of(format, source, request);
  place.commit(origin);
  const auto output = path_text(place.path());
  const auto open = opening(format, place.path(), database);
  if (request.json) {
    print_json(report, origin, output, open, out);
  } else {
    print_report(report, output, open, out);
  }
}

void list_export_formats(bool json, std::ostream& out) {
  if (json) {
    Json rows = Json::array();
    for (const auto& format : export_formats()) {
      rows.push_back({{"format", format.name},
                      {"help", format.help},
                      {"output", format.is_folder ? "folder" : "file"},
                      {"open", format.open("OUTPUT", "DATABASE")}});
    }
    out << rows.dump(1) << std::endl;
    return;
  }
  constexpr std::size_t kColumn = 13;
  for (const auto& format : export_formats()) {
    out << format.name << std::string(kColumn - format.name.size(), ' ') << format.help << '\n';
  }
  out << "\nmvn-runner export FORMAT SWEEP OUTPUT writes one of them." << std::endl;
}

}  // namespace mvn
