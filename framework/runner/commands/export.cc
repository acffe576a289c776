// export: a sweep as files that other tools open.
#include "orchestrate/exports/export.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "orchestrate/store/store.h"
#include "runner/commands/commands.h"

namespace mvn {
namespace {

Action define_export(CLI::App& app) {
  const auto request = std::make_shared<ExportRequest>();
  app.add_option("format", request->format, "One of them; without it, what there is to choose from")
      ->type_name("FORMAT");
  app.add_option("sweep", request->sweep, "Its name, or its file")->type_name("SWEEP");
  app.add_option("output", request->output, "The new folder or file")->type_name("OUTPUT");
  app.add_flag("--all", request->all,
               "Trials of earlier versions of the sweep file, too (those that it names now)");
  app.add_flag("--overwrite", request->overwrite, "Replace what an export wrote to OUTPUT before");
  app.add_flag("--for-spreadsheets", request->options.for_spreadsheets,
               "csv: a quote before each text that a spreadsheet would take for a formula");
  app.add_flag("--json", request->json, "Print as JSON what there is, or what was written");
  return [request](const CommonOptions& common, std::ostream& out) {
    if (request->format.empty()) {
      list_export_formats(request->json, out);
      return 0;
    }
    export_format(request->format);  // a wrong one is said first
    if (request->sweep.empty() || request->output.empty()) {
      throw UsageError("export " + request->format +
                       " takes a sweep and where to write: mvn-runner "
                       "export " +
                       request->format + " SWEEP OUTPUT");
    }
    export_sweep(database_path(common.results), *request, out);
    return 0;
  };
}

}  // namespace

std::vector<CommandRow> export_commands() {
  return {{.name = "export",
           .help = "Write a sweep for another tool: TensorBoard, MLflow, W&B, pandas, ...",
           .examples = {{"export tensorboard demo tb",
                         "what TensorBoard opens: tensorboard "
                         "--logdir tb"}},
           .define = define_export}};
}

}  // namespace mvn
