// export: a sweep as files that other tools open.
#include "orchestrate/exports/export.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "common/json.h"
#include "common/text.h"
#include "orchestrate/sessions/export_peft.h"
#include "orchestrate/store/store.h"
#include "runner/commands/commands.h"

namespace mvn {
namespace {

// Not a format of a sweep: the adapter of a trial.
constexpr const char* kPeft = "peft";

void export_adapter(const ExportRequest& request, const std::filesystem::path& results,
                    std::ostream& out) {
  export_peft(results, request.sweep, request.output);
  if (request.json) {
    out << Json{{"folder", request.output.string()}}.dump(1, ' ', false,
                                                          Json::error_handler_t::replace)
        << std::endl;
  } else {
    out << "wrote " << path_text(request.output) << std::endl;
  }
}

Action define_export(CLI::App& app) {
  const auto request = std::make_shared<ExportRequest>();
  app.add_option("format", request->format, "One of them; without it, what there is to choose from")
      ->type_name("FORMAT");
  app.add_option("sweep", request->sweep, "Its name, or its file; of peft a trial")
      ->type_name("SWEEP");
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
      if (!request->json) {
        out << "mvn-runner export peft TRIAL DIR writes a trial's adapter with a model card."
            << std::endl;
      }
      return 0;
    }
    const bool adapter = request->format == kPeft;
    if (!adapter) export_format(request->format);  // a wrong one is said first
    if (request->sweep.empty() || request->output.empty()) {
      const std::string what = adapter ? "trial" : "sweep";
      throw UsageError("export " + request->format + " takes a " + what +
                       " and where to write: mvn-runner export " + request->format +
                       (adapter ? " TRIAL DIR" : " SWEEP OUTPUT"));
    }
    if (adapter) {
      export_adapter(*request, common.results, out);
      return 0;
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
                         "--logdir tb"},
                        {"export peft 3f2a adapter", "a trial's adapter, with a model card"}},
           .define = define_export}};
}

}  // namespace mvn
