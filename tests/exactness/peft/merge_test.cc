// What `mvn-runner merge` makes of PEFT's adapters, against what PEFT computed with them
// (make_adapters.py): opened by our own loader, and by transformers.
#include "train/trainer/merge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "mvn/error.h"
#include "mvn/json_file.h"
#include "mvn/linear.h"
#include "mvn/safetensors.h"
#include "support/error_of.h"
#include "support/plugin_library.h"
#include "support/temporary_folder.h"
#include "support/tensors.h"
#include "train/checkpoint/weights.h"

namespace mvn::test {
namespace {

namespace fs = std::filesystem;
using torch::Tensor;

constexpr double kBound = 1e-5;

const PluginHost& host() {
  static const PluginHost plugins({MVN_TEST_PLUGINS});
  return plugins;
}

MergeRequest request(const std::string& name, const fs::path& output) {
  MergeRequest request;
  request.adapter = fs::path(MVN_TEST_ADAPTERS) / name;
  request.model = fs::path(MVN_TEST_BASES) / name.substr(0, name.find('-'));
  request.output = output;
  // transformers' classifiers find the last token by this.
  if (!name.ends_with("lm") && !name.starts_with("mamba")) request.config = {{"pad_token_id", 0}};
  return request;
}

void merge(const MergeRequest& request) {
  merge_adapter(host(), request, [](const std::string&) {});
}

// A merged model as anybody opens it: from its files alone.
struct Merged {
  explicit Merged(const fs::path& folder) : config(read_model_config(folder)) {
    const auto& architecture = config.at("architectures").as_list().front().as_text();
    const bool classifies = architecture.ends_with("ForSequenceClassification");
    bare = architecture.ends_with("Model");
    const auto& type = config.at("model_type").as_text();
    model = make_model(type == "gpt_neo" ? "gptneo" : type, config, torch::kFloat32,
                       classifies ? HeadKind::kClassification
                       : bare     ? HeadKind::kNone
                                  : HeadKind::kLanguageModel);
    const auto weights = open_weights(folder);
    if (classifies) {
      const auto classes = weights->tensors().at("score.weight").shape.at(0);
      score = std::make_shared<Linear>(model->width(), classes, false, torch::kFloat32);
      head.register_module("score", score);
    }
    load_weights(*model, &head, *weights);
    model->eval();
  }

  // Class scores of every row, or the logits or hidden states of every token.
  [[nodiscard]] Tensor output(const Tensor& ids, const Tensor& mask) const {
    const auto hidden = model->forward(ids, mask);
    if (bare) return hidden;
    if (!score) return model->lm_logits(hidden);
    const auto last = (mask * torch::arange(mask.size(1))).argmax(1);
    return score->forward(hidden.index({torch::arange(mask.size(0)), last}));
  }

  Value::Map config;
  std::shared_ptr<Model> model;
  torch::nn::Module head;
  std::shared_ptr<Linear> score;
  bool bare = false;
};

// The adapters that can be merged: the embedding of a tied model cannot.
std::vector<std::string> merge_cases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(MVN_TEST_ADAPTERS)) {
    const auto name = entry.path().filename().string();
    if (!entry.is_directory() || name == "gptneo-embeddings-lm" || name == "mamba-docs") continue;
    names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

double error_of_output(const Merged& merged, const SafetensorsFile& expected,
                       const std::string& side) {
  const torch::NoGradGuard no_grad;
  const auto mask = expected.get(side + "mask");
  auto output = merged.output(expected.get(side + "ids"), mask);
  if (output.dim() == 3) output = output.index({mask});
  return relative_error(expected.get(side + "output"), output);
}

TEST(MergedModels, ComputeWhatPeftComputesWithTheAdapter) {
  for (const auto& name : merge_cases()) {
    const TemporaryFolder folder;
    merge(request(name, folder / "merged"));
    const Merged merged(folder / "merged");
    const SafetensorsFile expected(fs::path(MVN_TEST_ADAPTERS) / name / "expected.safetensors");
    const double error = worse(error_of_output(merged, expected, "right."),
                               error_of_output(merged, expected, "left."));
    std::printf("| %-22s | %-13s | %.1e | %.0e |\n", name.c_str(), "merged files", error, kBound);
    EXPECT_LT(error, kBound) << name;
    EXPECT_FALSE(fs::exists(folder / "merged.tmp"));
  }
}

TEST(MergedModels, OpenInTransformers) {
  const char* given = std::getenv("MVN_PYTHON");
  const std::string python = given != nullptr ? given : MVN_TEST_PYTHON_DEFAULT;
  if (!fs::exists(python)) GTEST_SKIP() << "no " << python << ": run tests/exactness/setup.sh";
  const TemporaryFolder folder;
  std::string command = python + " " + MVN_TEST_BASES + "/check_saved.py";
  for (const auto& name : merge_cases()) {
    merge(request(name, folder / name));
    const Merged merged(folder / name);
    const SafetensorsFile expected(fs::path(MVN_TEST_ADAPTERS) / name / "expected.safetensors");
    const auto ids = expected.get("right.ids");
    const auto mask = expected.get("right.mask");
    const torch::NoGradGuard no_grad;
    write_safetensors(folder / name / "ours.safetensors",
                      {{"ids", ids},
                       {"mask", mask},
                       {merged.bare ? "hidden" : "logits", merged.output(ids, mask)}});
    command += " " + (folder / name).string();
  }
  EXPECT_EQ(0, std::system(command.c_str()));  // NOLINT(cert-env33-c): a command of our own
}

TEST(MergedModels, AreOfTheBasesTypeOrTheOneAskedFor) {
  const TemporaryFolder folder;
  auto wanted = request("gptneo-linear", folder / "half");
  wanted.dtype = "bfloat16";
  merge(wanted);
  const auto half = open_weights(folder / "half");
  for (const auto& [name, info] : half->tensors()) EXPECT_EQ(torch::kBFloat16, info.dtype) << name;
  EXPECT_EQ(Value("bfloat16"), read_model_config(folder / "half").at("torch_dtype"));
  // Of that base the sum is of the base's type again.
  auto again = request("gptneo-linear", folder / "again");
  again.model = folder / "half";
  merge(again);
  EXPECT_EQ(torch::kBFloat16, open_weights(folder / "again")->tensors().at("score.weight").dtype);
  merge(request("gptneo-linear", folder / "full"));
  const auto full = open_weights(folder / "full");
  for (const auto& [name, info] : full->tensors()) {
    // One rounding of the float32 sum.
    EXPECT_TRUE(torch::equal(full->get(name).to(torch::kBFloat16), half->get(name))) << name;
  }
}

TEST(MergedModels, HaveTheTokenizerAndTheNamesOfTheClasses) {
  const TemporaryFolder folder;
  fs::copy(fs::path(MVN_TEST_ADAPTERS) / "gptneo-linear", folder / "adapter");
  folder.write("adapter/tokenizer.json", "{}");
  folder.write("adapter/head_config.json",
               R"({"id2label": {"0": "a", "1": "b", "2": "c"}, "num_labels": 3})");
  auto wanted = request("gptneo-linear", folder / "merged");
  wanted.adapter = folder / "adapter";
  merge(wanted);
  EXPECT_TRUE(fs::exists(folder / "merged/tokenizer.json"));
  const Value::Map labels = {{"0", "a"}, {"1", "b"}, {"2", "c"}};
  EXPECT_EQ(Value(labels), read_model_config(folder / "merged").at("id2label"));
  // Where nothing names them, they go by transformers' names.
  merge(request("gptneo-linear", folder / "unnamed"));
  EXPECT_EQ(Value("LABEL_2"),
            read_model_config(folder / "unnamed").at("id2label").as_map().at("2"));
}

TEST(MergedModels, WhatCannotBeMergedIsSaidAndNothingIsWritten) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& name, auto change) {
    auto wanted = request(name, folder / "merged");
    change(wanted);
    const auto text = error_of([&] { merge(wanted); });
    EXPECT_FALSE(fs::exists(folder / "merged")) << text;
    EXPECT_FALSE(fs::exists(folder / "merged.tmp")) << text;
    return text;
  };
  const auto keep = [](MergeRequest&) {};
  const auto adapter = [](const std::string& name) {
    return (fs::path(MVN_TEST_ADAPTERS) / name).string();
  };
  const std::string base = MVN_TEST_BASES;
  EXPECT_EQ(
      "adapter.target_modules: the adapter of 'transformer.wte' cannot be merged: the output head "
      "shares that matrix, and it must not change",
      message("gptneo-embeddings-lm", keep));
  EXPECT_EQ("--adapter: " + base + " holds no adapter: no adapter_config.json",
            message("gptneo-linear", [&](auto& wanted) { wanted.adapter = base; }));
  EXPECT_EQ("--model: " + adapter("gptneo-linear") +
                "/adapter_config.json names the base model 'base', which is not there; say where "
                "it is with --model",
            message("gptneo-linear", [&](auto& wanted) { wanted.model.clear(); }));
  EXPECT_EQ("--dtype: is float32, bfloat16 or float16, not 'int8'",
            message("gptneo-linear", [&](auto& wanted) { wanted.dtype = "int8"; }));
  EXPECT_EQ(
      "--model: config.json of " + base +
          "/mamba-original has no model_type; name the plugin with --plugin",
      message("mamba-readable", [&](auto& wanted) { wanted.model = base + "/mamba-original"; }));
  folder.write("other/config.json", R"({"model_type": "mistrall"})");
  folder.write("other/model.safetensors", std::string("\2\0\0\0\0\0\0\0{}", 10));
  EXPECT_EQ("--model: no plugin reads the model_type 'mistrall' of " + (folder / "other").string() +
                "; did you mean 'mistral'? (known: gpt_neo, mamba, mistral)",
            message("mamba-readable", [&](auto& wanted) { wanted.model = folder / "other"; }));
  folder.write("full/file", "");
  EXPECT_EQ("--output: " + (folder / "full").string() + " is not empty; name a new folder",
            message("gptneo-linear", [&](auto& wanted) { wanted.output = folder / "full"; }));
}

// The layout of state-spaces' own files, which no model_type names.
TEST(MergedModels, AreReadByThePluginThatIsNamed) {
  const TemporaryFolder folder;
  auto wanted = request("mamba-readable", folder / "merged");
  wanted.model = fs::path(MVN_TEST_BASES) / "mamba-original";
  wanted.plugin = "mamba";
  merge(wanted);
  EXPECT_EQ(Value("mamba"), read_model_config(folder / "merged").at("model_type"));
}

}  // namespace
}  // namespace mvn::test
