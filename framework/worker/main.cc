// mvn-worker: trains trials. Reads trial.json files, appends to their spools, knows no database.
#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/printable.h"
#include "mvn/cpu_isa.h"
#include "mvn/error.h"
#include "serve.h"
#include "train/host/plugin_host.h"
#include "train/sdk/device.h"
#include "train/sdk/host_memory.h"
#include "train/trainer/check.h"
#include "train/trainer/describe.h"
#include "train/trainer/embed_texts.h"
#include "train/trainer/merge.h"
#include "train/trainer/run_trial.h"

namespace {

using Folders = std::vector<std::filesystem::path>;

int describe(const Folders& plugin_dirs) {
  const mvn::PluginHost host(mvn::plugin_folders(plugin_dirs));
  std::cout << mvn::to_json(mvn::describe(host)).dump(2) << "\n";
  return 0;
}

int check(const Folders& plugin_dirs) {
  const mvn::PluginHost host(mvn::plugin_folders(plugin_dirs));
  const auto configurations =
      mvn::try_parse_json(std::string(std::istreambuf_iterator<char>(std::cin), {}));
  if (!configurations.is_array()) {
    throw mvn::ConfigError("", "mvn-worker check: expected a JSON list of configurations on stdin");
  }
  mvn::Checker checker(host);
  auto results = mvn::Json::array();
  for (const auto& each : configurations) results.push_back(mvn::to_json(checker.check(each)));
  std::cout << results.dump(-1, ' ', false, mvn::Json::error_handler_t::replace) << "\n";
  return 0;
}

int run(const std::filesystem::path& trial, const Folders& plugin_dirs) {
  mvn::handle_signals();
  const mvn::PluginHost host(mvn::plugin_folders(plugin_dirs));
  mvn::Warm warm;
  const auto end = mvn::run_trial(trial, host, warm, mvn::stop_requested);
  if (!end.message.empty())
    std::cerr << "mvn-worker: " << mvn::printable_lines(end.message) << "\n";
  return end.code;
}

// `config` is JSON: entries to lay over the base's config.json.
int merge(mvn::MergeRequest request, const std::string& config, const Folders& plugin_dirs) {
  const auto entries = mvn::try_parse_json(config);
  if (!entries.is_object()) throw mvn::ConfigError("--config", "is no JSON object: " + config);
  request.config = mvn::to_value(entries).as_map();
  const mvn::PluginHost host(mvn::plugin_folders(plugin_dirs));
  mvn::merge_adapter(host, request, [](const std::string& warning) {
    std::cerr << "mvn-worker: warning: " << mvn::printable_lines(warning) << "\n";
  });
  std::cout << "wrote " << request.output.string() << "\n";
  return 0;
}

// The request is JSON on stdin; how far it is are lines of JSON on stdout.
int embed(const Folders& plugin_dirs) {
  mvn::handle_signals();
  const auto request =
      mvn::try_parse_json(std::string(std::istreambuf_iterator<char>(std::cin), {}));
  const mvn::PluginHost host(mvn::plugin_folders(plugin_dirs));
  const bool whole = mvn::embed_texts(
      host, mvn::read_embed_request(request),
      [](const mvn::EmbedProgress& progress) {
        std::cout << mvn::Json{{"done", progress.done},
                               {"texts", progress.texts},
                               {"width", progress.width}}
                         .dump()
                  << std::endl;
      },
      [](const std::string& warning) {
        std::cerr << "warning: " << mvn::printable_lines(warning) << "\n";
      },
      mvn::stop_requested);
  return whole ? 0 : static_cast<int>(mvn::ExitCode::kCheckpointed);
}

int serve(const Folders& plugin_dirs) {
  mvn::handle_signals();
  const mvn::PluginHost host(mvn::plugin_folders(plugin_dirs));
  return mvn::serve(host);
}

// Before anything of LibTorch runs.
void prepare_torch() {
  // cuBLAS computes the same again only with a workspace of fixed size.
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  // CUDA then counts GPUs as nvidia-smi and NVML do.
  ::setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", /*overwrite=*/0);
  if (const auto warning = mvn::open_gpu_library(); !warning.empty()) {
    std::cerr << "mvn-worker: warning: " << warning << "\n";
  }
  at::set_num_interop_threads(1);
  mvn::keep_freed_memory();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains one trial, or the trials it is told to");
  app.require_subcommand(1);
  Folders plugin_dirs;
  std::filesystem::path trial;
  int code = 0;
  const auto command = [&](const char* name, const char* help, auto action) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->add_option("--plugin-dir", plugin_dirs, "a folder of plugins, searched first")
        ->expected(1);
    sub->callback([&code, action] { code = action(); });
    return sub;
  };
  command("describe", "print plugins and parameters as JSON",
          [&] { return describe(plugin_dirs); });
  command("check", "check a JSON list of configurations on stdin",
          [&] { return check(plugin_dirs); });
  command("run", "run one trial", [&] { return run(trial, plugin_dirs); })
      ->add_option("trial", trial, "its trial.json")
      ->required();
  mvn::MergeRequest request;
  std::string config = "{}";
  auto* merging = command("merge", "make one model of a base and an adapter",
                          [&] { return merge(request, config, plugin_dirs); });
  merging->add_option("--adapter", request.adapter, "folder of a PEFT adapter")->required();
  merging->add_option("--model", request.model, "folder of its base (the one that it names)");
  merging->add_option("--output", request.output, "new folder to write")->required();
  merging->add_option("--dtype", request.dtype, "float32, bfloat16 or float16 (the base's)");
  merging->add_option("--plugin", request.plugin, "model plugin (by the base's model_type)");
  merging->add_option("--config", config, "JSON to lay over the base's config.json");
  command("embed", "give texts the vectors that a JSON request on stdin names",
          [&] { return embed(plugin_dirs); });
  command("serve", "run the trials named on stdin", [&] { return serve(plugin_dirs); });
  try {
    (void)mvn::best_isa();  // the environment's mistake is told before anything starts
    prepare_torch();
    app.parse(argc, argv);
    return code;
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(mvn::ExitCode::kBadConfig);
  } catch (...) {
    const auto end = mvn::end_of(std::current_exception());
    std::cerr << "mvn-worker: " << mvn::printable_lines(end.message) << "\n";
    return end.code;
  }
}
