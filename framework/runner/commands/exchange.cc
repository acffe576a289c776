// import, merge, embed: what comes from other programs and goes to them.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "runner/commands/commands.h"
#include "runner/embed.h"
#include "runner/import/gpt_neo.h"
#include "runner/import/wandb.h"
#include "runner/merge.h"

namespace mvn {
namespace {

Action define_import(CLI::App& app) {
  struct Options {
    std::string format;
    std::string file;
    WandbOptions wandb;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("format", options->format,
                 "wandb: a sweep file of W&B; gpt-neo: a JSON file of EleutherAI/gpt-neo")
      ->required()
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"gpt-neo", "wandb"}));
  app.add_option("file", options->file, "The file to read")->required()->type_name("FILE");
  app.add_option("--output", options->wandb.output,
                 "wandb: the sweep file to write (standard output)")
      ->type_name("SWEEP.yaml");
  app.add_option("--program", options->wandb.program, "wandb: the program to run (the file's)")
      ->type_name("FILE");
  return [options](const CommonOptions&, std::ostream& out) {
    const WandbOptions& wandb = options->wandb;
    if (options->format == "wandb") {
      write_wandb(options->file, wandb, out, std::cerr);
      return 0;
    }
    if (!wandb.output.empty() || !wandb.program.empty()) {
      throw UsageError("import gpt-neo writes two files, named after FILE, and takes no " +
                       std::string(wandb.output.empty() ? "--program" : "--output"));
    }
    write_gpt_neo(options->file, std::filesystem::current_path(), out);
    return 0;
  };
}

Action define_merge(CLI::App& app) {
  const auto request = std::make_shared<MergeRequest>();
  app.add_option("trial", request->trial, "Trial whose adapter it is, or --adapter")
      ->type_name("TRIAL");
  app.add_option("--adapter", request->adapter, "Folder of a PEFT adapter")->type_name("DIR");
  app.add_option("--model", request->model, "Folder of the base model (the one that was trained)")
      ->type_name("DIR");
  app.add_option("--output", request->output, "New folder to write")->type_name("DIR")->required();
  app.add_option("--dtype", request->dtype, "float32, bfloat16 or float16 (the base's)")
      ->type_name("TYPE");
  app.add_option("--plugin", request->plugin, "Model plugin (by the base's model_type)")
      ->type_name("NAME");
  return [request](const CommonOptions& common, std::ostream& out) {
    if (request->trial.empty() == request->adapter.empty()) {
      throw UsageError(
          "merge takes a trial or --adapter, one of the two; see "
          "mvn-runner merge --help");
    }
    merge(*request, common, out);
    return 0;
  };
}

Action define_embed(CLI::App& app) {
  const auto request = std::make_shared<EmbedOptions>();
  app.add_option("trial", request->model,
                 "A trial, or a folder or hf:OWNER/NAME: what a trial saved, a model of "
                 "sentence-transformers, a PEFT adapter")
      ->type_name("TRIAL|DIR|HF")
      ->required();
  app.add_option("--input", request->input,
                 "The texts: the lines of a .txt file, of a table one column")
      ->type_name("FILE")
      ->required();
  app.add_option("--output", request->output, "vectors.npy or vectors.safetensors, a row each")
      ->type_name("FILE")
      ->required();
  app.add_option("--column", request->column, "Column of a table with the texts (text)")
      ->type_name("NAME");
  app.add_option("--prompt", request->prompt,
                 "How texts are written: query, document, another name that the model has, or a "
                 "prompt with {text} (the model's default)")
      ->type_name("PROMPT");
  app.add_option("--pooling", request->pooling,
                 "last, mean, weighted_mean, cls, max (as the model says)")
      ->type_name("NAME");
  app.add_flag_callback(
      "--normalize", [request] { request->normalize = true; },
      "Vectors of length 1 (as the model says)");
  app.add_flag_callback(
      "--no-normalize", [request] { request->normalize = false; }, "Vectors as they come");
  app.add_option("--max-length", request->max_length, "Tokens that texts are cut to (the model's)")
      ->type_name("N")
      ->check(number_of_at_least(1));
  app.add_option("--batch-size", request->batch_size, "Texts at a time (32)")
      ->type_name("N")
      ->check(number_of_at_least(1));
  app.add_option("--precision", request->precision, "fp32, tf32 or bf16 (fp32)")->type_name("NAME");
  app.add_option("--device", request->device, "cpu, cuda:0, ... (the first GPU, else cpu)")
      ->type_name("NAME");
  app.add_option("--threads", request->threads, "Threads of the CPU (all)")
      ->type_name("N")
      ->check(number_of_at_least(1));
  app.add_option("--model", request->base,
                 "An adapter's base model, a folder or hf:OWNER/NAME (that it names)")
      ->type_name("DIR|HF");
  app.add_option("--plugin", request->plugin, "Model plugin (by the model's model_type)")
      ->type_name("NAME");
  return [request](const CommonOptions& common, std::ostream& out) {
    embed(*request, common, out);
    return 0;
  };
}

}  // namespace

std::vector<CommandRow> exchange_commands() {
  return {
      {.name = "import",
       .help = "Turn another program's file into a sweep or recipe",
       .examples = {{"import wandb sweep.yaml", "a W&B sweep file as one of mvn-runner"},
                    {"import gpt-neo gpt3_XL_256_Pile.json",
                     "a recipe from another trainer's file"}},
       .define = define_import},
      {.name = "merge",
       .help = "Make one model of a trained adapter and its base",
       .examples = {{"merge 3f2a --output merged", "a trial's adapter and base as one model"}},
       .define = define_merge},
      {.name = "embed",
       .help = "Give texts vectors with a trained model, as a file for numpy or safetensors",
       .examples = {{"embed 3f2a --input texts.txt --output vectors.npy", "a vector for each line"},
                    {"embed my-model --input docs.csv --column body --output docs.npy",
                     "a folder's model, a column of a table"},
                    {"embed hf:OWNER/NAME --input texts.txt --output vectors.npy",
                     "a model of the hub"}},
       .define = define_embed}};
}

}  // namespace mvn
