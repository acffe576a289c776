// The commands besides running a sweep.
#include <gtest/gtest.h>
#include <signal.h>

#include <regex>
#include <sstream>

#include "common/files.h"
#include "common/json.h"
#include "e2e/harness.h"

namespace mvn::test {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Commands, HelpAndVersion) {
  Workplace place;
  const auto help = place.run({"--help"});
  EXPECT_EQ(help.end.exit_code, 0);
  EXPECT_TRUE(contains(help.out, "mvn-runner experiments/quickstart.yaml")) << help.out;
  EXPECT_EQ(place.run({}).out, help.out);
  EXPECT_EQ(place.run({"--version"}).out, "mvn-runner 0.1.0\n");
  EXPECT_TRUE(contains(help.out,
                       "Usage: mvn-runner [OPTIONS] SWEEP.yaml [KEY=VALUE]...\n"
                       "       mvn-runner COMMAND [OPTIONS]\n"))
      << help.out;
  const auto query = place.run({"query", "--help"}).out;
  EXPECT_TRUE(contains(query, "--format")) << query;
  EXPECT_TRUE(contains(query, "mvn-runner query \"SELECT * FROM group_stats\"")) << query;
  EXPECT_FALSE(contains(query, "mvn-runner plan")) << query;
}

// What a sweep in a folder of its own extends, reads and runs lies in that folder.
TEST(Commands, AnExampleComesWithWhatItNeeds) {
  Workplace place;
  const auto listed = place.run({"examples"});
  EXPECT_TRUE(contains(listed.out, "released/130m ")) << listed.out;
  const auto released = place.run({"examples", "released/130m"});
  EXPECT_EQ(released.end.exit_code, 0) << released.err;
  EXPECT_TRUE(is_file(place / "experiments/released/130m.yaml"));
  EXPECT_TRUE(is_file(place / "experiments/released/protocol.yaml"));
  EXPECT_FALSE(is_file(place / "experiments/quickstart.yaml"));
  EXPECT_EQ(place.run({"examples", "small-verdict/small-verdict"}).end.exit_code, 0);
  for (const char* file : {"prepare.py", "recipes/common.yaml", "tokenizer/vocab.json"}) {
    EXPECT_TRUE(is_file(place / (std::string("experiments/small-verdict/") + file))) << file;
  }
  EXPECT_FALSE(is_file(place / "experiments/small-verdict/results/results.db"));
  EXPECT_EQ(place.run({"examples", "embeddings"}).end.exit_code, 0);
  for (const char* file :
       {"mteb_files.py", "small-verdict/prepare.py", "small-verdict/tokenizer/vocab.json"}) {
    EXPECT_TRUE(is_file(place / (std::string("experiments/") + file))) << file;
  }
}

TEST(Commands, PluginsWithTheirParameters) {
  Workplace place;
  const auto all = place.run({"plugins"});
  EXPECT_EQ(all.end.exit_code, 0) << all.err;
  EXPECT_TRUE(contains(all.out, "model toy: ")) << all.out;
  EXPECT_TRUE(contains(all.out, "section training: of every trial\n")) << all.out;
  EXPECT_TRUE(contains(all.out, "mvn-runner 0.1.0, LibTorch 2.11.0, devices cpu\n")) << all.out;
  const auto one = place.run({"plugins", "toy"});
  EXPECT_EQ(one.out,
            "model toy: \n"
            "  plugin fake 1.0, /nowhere/fake.so\n"
            "    weights    weights\n"
            "    config     object\n"
            "    tokenizer  path\n"
            "    size       int, default 1\n");
  const auto none = place.run({"plugins", "tiy"});
  EXPECT_EQ(none.end.exit_code, 64);
  EXPECT_EQ(none.err,
            "mvn-runner: no plugin offers 'tiy'; did you mean 'toy'? (known: toy, none, play, "
            "optimizer, schedule, training)\n");
  EXPECT_EQ(Json::parse(place.run({"plugins", "--json"}).out)["torch"], "2.11.0");
  const auto toy = Json::parse(place.run({"plugins", "toy", "--format", "json"}).out);
  EXPECT_EQ(toy["components"].size(), 1U) << toy;
  EXPECT_EQ(place.run({"plugins", "tiy", "--json"}).err, none.err);
}

TEST(Commands, QueryInEveryFormat) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("", "0.1"));
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  const std::string sql = "SELECT sweep, state, objective FROM trials";
  EXPECT_EQ(place.run({"query", sql, "--format", "csv"}).out,
            "sweep,state,objective\ndemo,done,0.5\n");
  EXPECT_EQ(Json::parse(place.run({"query", sql, "--format", "json"}).out)[0]["state"], "done");
  EXPECT_TRUE(contains(place.run({"query", sql}).out, "demo"));
  EXPECT_TRUE(contains(place.run({"query"}).out, "group_stats"));
  EXPECT_EQ(Json::parse(place.run({"query", sql, "--json"}).out)[0]["state"], "done");
  EXPECT_EQ(place.run({"query", sql, "--json", "--format", "csv"}).end.exit_code, 64);
  EXPECT_EQ(place.run({"query", "DELETE FROM mvn_trial"}).end.exit_code, 64);
  EXPECT_EQ(place.rows("SELECT count(*) FROM trials"), std::vector<std::string>{"1"});
}

// What the run says at its end and what is asked later are one verdict.
TEST(Commands, CompareSaysWhichIsBetter) {
  Workplace place;
  place.write("train.py", R"(
import json, sys
trial = json.load(open(sys.argv[1]))
config = trial["config"]
value = {"old": 0.7, "new": 0.8}[config["args"]["method"]] + config["seed"] / 1000
record = {"type": "metric", "step": 1, "values": {"eval/accuracy": value}}
open(trial["spool"], "a").write(json.dumps(record) + "\n")
)");
  place.write("sweep.yaml",
              "name: demo\nmetric: {name: eval/accuracy, goal: maximize}\n"
              "worker: {command: [python3, train.py]}\n"
              "parameters: {args.method: {values: [old, new]}}\nrepeats: {seeds: [1, 2, 3]}\n");
  const auto run = place.run({"sweep.yaml"});
  const std::string size =
      ": eval/accuracy 0.8020 against 0.7020, a difference of 0.1000 (95 % interval 0.0977 .. "
      "0.1023, 3 seeds each).\n";
  EXPECT_TRUE(contains(run.out, "\nmethod=new is better than method=old" + size)) << run.out;
  for (const std::string sweep : {"demo", "sweep.yaml"}) {
    const auto asked = place.run({"compare", sweep, "--by", "args.method"});
    EXPECT_EQ(asked.end.exit_code, 0) << asked.err;
    EXPECT_TRUE(contains(asked.out, "\nnew is better than old" + size)) << asked.out;
  }
  const auto json = place.run({"compare", "demo", "--by", "args.method", "--format", "json"});
  EXPECT_EQ(Json::parse(json.out)["comparisons"][0]["pairs"][0]["verdict"], "worse");
  const auto wide = place.run({"compare", "demo", "--by", "args.method", "--rope", "0.2"});
  EXPECT_TRUE(contains(wide.out, "\nnew and old are equivalent: ")) << wide.out;
  const auto unknown = place.run({"compare", "demo", "--by", "args.methd"});
  EXPECT_EQ(unknown.end.exit_code, 64);
  EXPECT_EQ(unknown.err,
            "mvn-runner: no parameter of sweep 'demo' is called 'args.methd'; did you mean "
            "'args.method'?\n");
  EXPECT_TRUE(
      contains(place.run({"compare", "--help"}).out, "mvn-runner compare demo --by model.plugin"));
}

TEST(Commands, AskingWhereThereIsNothing) {
  Workplace place;
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"query", "SELECT 1"},
                                             {"compare", "demo", "--by", "model.plugin"},
                                             {"status"},
                                             {"collect", "--rebuild"}}) {
    const auto run = place.run(arguments);
    EXPECT_NE(run.end.exit_code, 0);
    EXPECT_TRUE(contains(run.err, "results")) << run.err;
    EXPECT_FALSE(place.has("results"));
  }
}

TEST(Commands, TheDatabaseCanBeMadeAnew) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("", "0.1, 0.2"));
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  const std::string everything =
      "SELECT t.state, t.objective, m.name, m.step, m.value FROM trials t JOIN metrics m USING "
      "(trial) "
      "ORDER BY trial, m.name, m.step";
  const auto before = place.rows(everything);
  std::filesystem::remove(place / "results/results.db");
  const auto rebuilt = place.run({"collect", "--rebuild"});
  EXPECT_EQ(rebuilt.end.exit_code, 0) << rebuilt.err;
  EXPECT_TRUE(
      rebuilt.out.starts_with("made results/results.db anew: 1 sweeps, 2 trials, 2 attempts, "))
      << rebuilt.out;
  EXPECT_EQ(place.rows(everything), before);
  EXPECT_TRUE(place.run({"sweep.yaml"}).out.starts_with("nothing to do: 2 trials done\n"));
}

TEST(Commands, StatusWhileARunnerWorks) {
  Workplace place;
  Fifo holding(place / "holding");
  Fifo proceed(place / "proceed");
  place.write("sweep.yaml", sweep_text("hold_at: 2, holding: holding, proceed: proceed", "0.1, 0.2",
                                       "resources: {workers: 1}\n"));
  auto run = place.start({"sweep.yaml"});
  const auto held = holding.line();
  // Until the runner has taken in what the trial says.
  while (place.rows("SELECT count(*) FROM trials WHERE step = 2") !=
         std::vector<std::string>{"1"}) {
  }
  const auto status = place.run({"status"});
  EXPECT_EQ(status.end.exit_code, 0) << status.err;
  EXPECT_TRUE(contains(status.out, "runner: process " + std::to_string(run.pid()) + " on "))
      << status.out;
  EXPECT_TRUE(contains(status.out, ", demo is running\ndemo  ")) << status.out;
  EXPECT_TRUE(contains(status.out, "  0/2 trials, 25%, ")) << status.out;
  const std::string trial = held.substr(0, 12);
  EXPECT_TRUE(contains(status.out, "\n  " + trial + " lr=0.1 ")) << status.out;
  EXPECT_TRUE(contains(status.out, "  step 2/4  loss 0.5  ")) << status.out;
  const auto dead = "process " + std::to_string(run.pid());
  run.signal(SIGKILL);
  run.finish();
  const auto after = place.run({"status"}).out;
  EXPECT_TRUE(contains(after, "no runner is at work here\n" + dead)) << after;
  EXPECT_TRUE(contains(after, " died while it ran demo; the same command goes on with:\n  " +
                                  trial + " lr=0.1, step 2/4\n"))
      << after;
  proceed.release(2);
  place.run({"sweep.yaml"});
  EXPECT_TRUE(place.run({"status"}).out.ends_with("no runner is at work here\n"));
}

TEST(Commands, WhatARunnerSaidIsInItsLog) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("fail_until: fixed", "0.1", "retry: {crash: 0}\n"));
  const auto failed = place.run({"sweep.yaml"});
  place.write("fixed", "");
  place.run({"sweep.yaml"});
  std::istringstream log(read_file(place / "results/demo/runner.log"));
  const std::regex stamp("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3} (\\w+) +");
  std::string text;
  for (std::string line; std::getline(log, line);)
    text += std::regex_replace(line, stamp, "@$1 ") + "\n";
  for (const auto* line :
       {"\n@info started demo  ", "\n@warning FAILED demo: exit code 1: not yet\n",
        "\n@info [1/1] done demo  ", "@info demo: 1 trial, 0 done, 1 to run; 1 worker with ",
        "; started by ", "\n@info demo: 0 of 1 trial done, 1 failed, in ",
        "\n@info demo: 1 of 1 trial done, in "}) {
    EXPECT_TRUE(contains("\n" + text, line)) << line << " is not in " << text;
  }
}

TEST(Commands, TheLogHasAsMuchAsIsAskedFor) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("", "0.1, 0.2"));
  const auto run = place.run({"sweep.yaml", "--log-level", "debug", "-v"});
  ASSERT_EQ(run.end.exit_code, 0) << run.out << run.err;
  for (const auto& text : {read_file(place / "results/demo/runner.log"), run.err}) {
    EXPECT_TRUE(contains(text, " debug   worker 1 on cpu: process ")) << text;
    EXPECT_TRUE(contains(text, " debug   worker 1 on cpu: its worker answers 0\n")) << text;
  }
  // What standard output has is not said twice.
  EXPECT_FALSE(contains(run.err, " info ")) << run.err;
  const auto unknown = place.run({"sweep.yaml", "--log-level", "loud"});
  EXPECT_EQ(unknown.end.exit_code, 64);
  EXPECT_EQ(unknown.err,
            "mvn-runner: --log-level: loud not in {debug,info,warning,error}; see "
            "mvn-runner --help\n");
}

// The values of configs/gpt3_XL_256_Pile.json.
constexpr auto* kGpt3Xl = R"({
  "n_head": 32, "n_vocab": 50257, "embed_dropout": 0, "lr": 0.0002, "lr_decay": "cosine",
  "warmup_steps": 3000, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "opt_name": "adam",
  "weight_decay": 0.1, "train_batch_size": 512, "attn_dropout": 0, "train_steps": 286150,
  "eval_steps": 10, "predict_steps": 1, "res_dropout": 0, "eval_batch_size": 512,
  "predict_batch_size": 1, "iterations": 500, "n_embd": 2048,
  "datasets": [["pile", 25, "documents_random", 1.0]], "model_path": "gs://models/GPT3_XL_Pile",
  "n_ctx": 2048, "n_layer": 24, "scale_by_depth": true, "scale_by_in": false,
  "attention_types": [[["global"], 24]], "mesh_shape": "x:128,y:2",
  "layout": "batch:x,memory_length:y,embd:y", "activation_function": "gelu",
  "recompute_grad": true, "gradient_clipping": 1.0, "tokens_per_mb_per_replica": 2048,
  "precision": "bfloat16"
})";

TEST(Commands, AGptNeoConfigurationBecomesARecipeAndAModel) {
  Workplace place;
  place.write("gpt3_XL_256_Pile.json", kGpt3Xl);
  const auto run = place.run({"import", "gpt-neo", "gpt3_XL_256_Pile.json"});
  EXPECT_EQ(run.end.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "wrote gpt3_XL_256_Pile.recipe.yaml and gpt3_XL_256_Pile.model.yaml; a sweep uses them "
            "with\n"
            "  extends: gpt3_XL_256_Pile.model.yaml\n"
            "  recipe: gpt3_XL_256_Pile.recipe.yaml\n"
            "not carried over:\n"
            "  activation_function: its code reads activation_fn, so that this key counts nothing: "
            "the activation is gelu (tanh)\n"
            "  datasets: name the data in the sweep: task.train, task.validation\n"
            "  eval_batch_size: an evaluation takes training.micro_batch_size\n"
            "  eval_steps: an evaluation takes all of task.validation\n"
            "  iterations: steps between two looks of a TPU's host: training.log_every\n"
            "  layout: how it spreads over TPUs\n"
            "  mesh_shape: how it spreads over TPUs\n"
            "  model_path: results are kept by trial\n"
            "  precision: bf16 here keeps fp32 weights; there the stored ones are bf16\n"
            "  predict_batch_size: there is no text generation here\n"
            "  predict_steps: there is no text generation here\n"
            "  z_loss: its code adds 0.0001 times the square of each log-normaliser to the loss\n");
  EXPECT_EQ(read_file(place / "gpt3_XL_256_Pile.recipe.yaml"),
            "# gpt3_XL_256_Pile.json of EleutherAI/gpt-neo, as its optimizers.py runs it: AdamW "
            "without bias\n"
            "# correction; a decay that runs from step 0 to 10 %, which the warm-up\n"
            "# multiplies; no decay of weights whose names hold \"norm\" or \"bias\" there.\n"
            "optimizer:\n"
            "  name: adamw\n"
            "  lr: 0.0002\n"
            "  beta1: 0.9\n"
            "  beta2: 0.95\n"
            "  eps: 1e-08\n"
            "  bias_correction: false\n"
            "  weight_decay: 0.1\n"
            "  no_decay: ['ln_1', 'ln_2', '^(?!.*ln_f).*bias$']  # the last norm's do decay\n"
            "  max_grad_norm: 1.0\n"
            "schedule:\n"
            "  name: cosine\n"
            "  warmup_steps: 3000\n"
            "  decay_from: start\n"
            "  min_lr_ratio: 0.1\n"
            "training:\n"
            "  steps: 286150\n"
            "  batch_size: 512\n"
            "  micro_batch_size: 1\n"
            "  precision: bf16\n"
            "  activation_checkpointing: true\n");
  EXPECT_EQ(
      read_file(place / "gpt3_XL_256_Pile.model.yaml"),
      "# The model of gpt3_XL_256_Pile.json of EleutherAI/gpt-neo: a sweep names this file in "
      "`extends`.\n"
      "model:\n"
      "  plugin: gptneo\n"
      "  config:\n"
      "    vocab_size: 50257\n"
      "    max_position_embeddings: 2048\n"
      "    hidden_size: 2048\n"
      "    num_layers: 24\n"
      "    num_heads: 32\n"
      "    attention_types: [[[\"global\"],24]]\n"
      "    window_size: 256\n"
      "    activation_function: gelu_new\n"
      "    embed_dropout: 0.0\n"
      "    attention_dropout: 0.0\n"
      "    resid_dropout: 0.0\n"
      "task:\n"
      "  plugin: pretraining\n"
      "  block: 2048\n");
  const auto again = place.run({"import", "gpt-neo", "gpt3_XL_256_Pile.json"});
  EXPECT_EQ(again.end.exit_code, 64);
  EXPECT_EQ(again.err, "mvn-runner: " + (place / "gpt3_XL_256_Pile.recipe.yaml").string() +
                           " exists already; move it away or work in another folder\n");
}

TEST(Commands, AGptNeoConfigurationThatWouldTrainSomethingElseIsRefused) {
  Workplace place;
  const auto error = [&](const std::string& from, const std::string& to) {
    std::string text = kGpt3Xl;
    text.replace(text.find(from), from.size(), to);
    place.write("c.json", text);
    const auto run = place.run({"import", "gpt-neo", "c.json"});
    EXPECT_EQ(run.end.exit_code, 64);
    EXPECT_FALSE(place.has("c.recipe.yaml"));
    return run.err;
  };
  EXPECT_EQ(error("\"global\"", "\"none\""),
            "mvn-runner: c.json:9:3: attention_types: layers of type \"none\" are not in plugin "
            "gptneo\n");
  EXPECT_EQ(error("24]]", "12]]"),
            "mvn-runner: c.json:9:3: attention_types: has 12 layers, but n_layer is 24\n");
  EXPECT_EQ(error("\"adam\"", "\"adafactor\""),
            "mvn-runner: c.json:3:71: opt_name: gpt-neo takes Adafactor for anything but 'adam', "
            "and there is no Adafactor here\n");
  EXPECT_EQ(error("\"lr\": 0.0002", "\"rate\": 1"),
            "mvn-runner: c.json:1:1: has no 'lr', which gpt-neo needs\n");
  EXPECT_EQ(error("0.0002", "\"fast\""),
            "mvn-runner: c.json:2:55: lr: expected a number of 0 or more, got \"fast\"\n");
  EXPECT_EQ(place.run({"import", "gpt-neo", "none.json"}).err,
            "mvn-runner: none.json: cannot read: No such file or directory\n");
  place.write("c.json", "{\"lr\": }");
  const auto torn = place.run({"import", "gpt-neo", "c.json"});
  EXPECT_EQ(torn.end.exit_code, 64);
  EXPECT_TRUE(contains(torn.err, "c.json:1:")) << torn.err;
  const auto format = place.run({"import", "gpt-j", "c.json"});
  EXPECT_EQ(format.end.exit_code, 64);
  EXPECT_EQ(format.err,
            "mvn-runner: format: gpt-j not in {gpt-neo,wandb}; see mvn-runner --help\n");
}

TEST(Commands, ANewPluginIsWritten) {
  Workplace place;
  const auto run = place.run({"new-plugin", "biases"});
  EXPECT_EQ(run.end.exit_code, 0) << run.err;
  EXPECT_TRUE(place.has("biases/CMakeLists.txt"));
  EXPECT_TRUE(place.has("biases/biases.cc"));
  EXPECT_TRUE(place.has("biases/README.md"));
  EXPECT_EQ(place.run({"new-plugin", "biases"}).err, "mvn-runner: " + (place / "biases").string() +
                                                         " exists already; choose another name\n");
  EXPECT_EQ(place.run({"new-plugin", "../x"}).err,
            "mvn-runner: '../x' is no name for a plugin: lower-case letters, digits and '_', a "
            "letter first\n");
}

// The id of a finished trial that started from weights, with a configuration of its own.
std::string trial_on_weights(Workplace& place) {
  place.write("weights/config.json", "{}");
  auto text = sweep_text("", "0.1");
  text.replace(text.find("{plugin: toy}"), 13,
               "{plugin: toy, weights: weights, config: {depth: 2}}");
  place.write("sweep.yaml", text);
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.err;
  return place.rows("SELECT trial FROM trials").at(0);
}

TEST(Commands, MergeHandsATrialsAdapterToTheWorker) {
  Workplace place;
  const auto id = trial_on_weights(place);
  const auto model = "results/demo/" + id + "/model";
  const std::vector<std::string> arguments = {"merge", id.substr(0, 6), "--output", "out"};
  EXPECT_EQ(place.run(arguments).err, "mvn-runner: trial " + id +
                                          " trained the whole model, there is nothing to merge: " +
                                          model + " is the model\n");
  place.write(model + "/adapter_config.json", "{}");
  const auto merged = place.run(arguments);
  EXPECT_EQ(merged.end.exit_code, 0) << merged.err;
  EXPECT_EQ(merged.out,
            "--plugin toy --config {\"depth\":2} --adapter " + model + " --output out\n");
  EXPECT_EQ(place.run({"merge", "--adapter", "a", "--model", "b", "--output", "out"}).out,
            "--adapter a --model b --output out\n");
  const auto refused = place.run({"merge", "--adapter", "a", "--output", "out", "--dtype", "int8"});
  EXPECT_EQ(refused.end.exit_code, 64);
  EXPECT_EQ(refused.err, "mvn-runner: --dtype: is not to this worker's taste\n");
}

TEST(Commands, MergeSaysWhichTrialItMisses) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("code: 78", "0.1, 0.2"));
  place.run({"sweep.yaml"});
  const auto id = place.rows("SELECT trial FROM trials").at(0);
  const auto message = [&](const std::string& trial) {
    const auto run = place.run({"merge", trial, "--output", "out"});
    EXPECT_EQ(run.end.exit_code, 64);
    return run.err;
  };
  EXPECT_EQ(message(id), "mvn-runner: trial " + id +
                             " is diverged: only what a finished trial saved is merged\n");
  const std::string ask = "; mvn-runner query \"SELECT trial, sweep, params, state FROM trials\"\n";
  EXPECT_EQ(message("0123456789abcdef"),
            "mvn-runner: no trial of results has an id that begins with '0123456789abcdef'" + ask);
  EXPECT_EQ(message("lora"),
            "mvn-runner: 'lora' is no trial's id, which is made of 0-9 and a-f" + ask);
  const auto both = place.run({"merge", id, "--adapter", "a", "--output", "out"});
  EXPECT_EQ(both.end.exit_code, 64);
  EXPECT_EQ(both.err,
            "mvn-runner: merge takes a trial or --adapter, one of the two; see mvn-runner merge "
            "--help\n");
}

TEST(Commands, EmbedHandsTextsAndATrialsModelToTheWorker) {
  Workplace place;
  const auto id = trial_on_weights(place);
  const auto done = place.run({"embed", id.substr(0, 6), "--input", "texts.csv", "--output",
                               "vectors.npy", "--column", "body", "--prompt", "query", "--pooling",
                               "mean", "--no-normalize", "--max-length", "64", "--threads", "2"});
  EXPECT_EQ(done.end.exit_code, 0) << done.err;
  EXPECT_TRUE(done.out.starts_with("vectors.npy: 3 vectors of 4 numbers")) << done.out;
  const std::string before = "warning: ";
  ASSERT_TRUE(done.err.starts_with(before)) << done.err;
  const auto request = Json::parse(done.err.substr(before.size()));
  EXPECT_EQ(request.at("folder"), (place / ("results/demo/" + id + "/model")).string());
  EXPECT_EQ(request.at("plugin"), "toy");
  EXPECT_EQ(request.at("model_config"), Json({{"depth", 2}}));
  EXPECT_EQ(request.at("task"), Json({{"normalize", false},
                                      {"pooling", "mean"},
                                      {"texts", {(place / "texts.csv").string()}},
                                      {"texts_column", "body"},
                                      {"texts_prompt", "query"}}));
  EXPECT_EQ(request.at("training"), Json({{"max_length", 64}}));
  EXPECT_EQ(request.at("threads"), 2);
  // What is not asked for is the model's to say.
  const auto plain =
      place.run({"embed", id, "--input", "t.txt", "--output", "v.npy", "--pooling", "mean"});
  const auto asked = Json::parse(plain.err.substr(before.size()));
  EXPECT_EQ(asked.at("task"), Json({{"pooling", "mean"}, {"texts", {(place / "t.txt").string()}}}));
  const auto refused = place.run({"embed", "weights", "--input", "t.txt", "--output", "v.npy"});
  EXPECT_EQ(refused.end.exit_code, 64);
  EXPECT_EQ(refused.err, "mvn-runner: --pooling: this worker knows none\n");
}

}  // namespace
}  // namespace mvn::test
