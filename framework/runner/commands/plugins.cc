// examples, plugins, schema, new-plugin: what is installed, and what may be added.
#include <CLI/CLI.hpp>
#include <memory>

#include "common/json.h"
#include "orchestrate/sweep/json_schema.h"
#include "orchestrate/workers/worker_program.h"
#include "runner/commands/commands.h"
#include "runner/examples.h"
#include "runner/list_plugins.h"
#include "runner/new_plugin.h"

namespace mvn {
namespace {

Description installed(const CommonOptions& common) {
  Signals signals;
  return WorkerProgram(find_worker(), common.plugin_folders()).describe(signals);
}

Action define_examples(CLI::App& app) {
  struct Options {
    std::string name;  // "": lists them
    std::string output = "experiments";
  };
  const auto options = std::make_shared<Options>();
  app.add_option("name", options->name, "The one to write, with what it needs")->type_name("NAME");
  app.add_option("--output", options->output, "Folder to write it to (experiments)")
      ->type_name("DIR");
  return [options](const CommonOptions&, std::ostream& out) {
    if (options->name.empty()) {
      list_examples(out);
    } else {
      write_example(options->name, options->output, out);
    }
    return 0;
  };
}

Action define_plugins(CLI::App& app) {
  struct Options {
    std::string name;  // "": all
    std::string format = "table";
  };
  const auto options = std::make_shared<Options>();
  app.add_option("name", options->name, "Only the components of this name")->type_name("NAME");
  add_format(app, options->format, {"table", "json"});
  return [options](const CommonOptions& common, std::ostream& out) {
    const auto description = installed(common);
    if (options->format == "json") {
      out << to_json(only(description, options->name)).dump(2) << std::endl;
    } else {
      list_plugins(description, options->name, out);
    }
    return 0;
  };
}

Action define_schema(CLI::App& app) {
  const auto output = std::make_shared<std::string>();
  app.add_option("--output", *output, "File to write (standard output)")->type_name("FILE");
  return [output](const CommonOptions& common, std::ostream& out) {
    write_or_print(sweep_schema(installed(common)).dump(1) + "\n", *output, out);
    return 0;
  };
}

Action define_new_plugin(CLI::App& app) {
  const auto name = std::make_shared<std::string>();
  app.add_option("name", *name, "Its name, and its folder's")->required()->type_name("NAME");
  return [name](const CommonOptions&, std::ostream& out) {
    write_plugin(*name, std::filesystem::current_path(), out);
    return 0;
  };
}

}  // namespace

std::vector<CommandRow> plugin_commands() {
  return {{.name = "examples",
           .help = "List the sweeps that came with mvn-runner, or write one here",
           .examples = {{"examples quickstart", "a first sweep, into the folder experiments"}},
           .define = define_examples},
          {.name = "plugins",
           .help = "List plugins and their parameters",
           .examples = {{"plugins lora", "the parameters of a plugin"}},
           .define = define_plugins},
          {.name = "schema",
           .help = "Write a JSON Schema of the sweep file, for completion in an editor",
           .examples = {{"schema --output sweep.schema.json",
                         "what editors complete and check sweeps by"}},
           .define = define_schema},
          {.name = "new-plugin",
           .help = "Write a plugin's skeleton that builds",
           .examples = {{"new-plugin rwkv", "a folder to start a plugin of your own from"}},
           .define = define_new_plugin}};
}

}  // namespace mvn
