#include "description.h"

#include <unistd.h>

#include <atomic>
#include <fstream>

namespace mvn::sweep_test {
namespace {

ParamSpec param(const std::string& name, ParamType type, const std::string& help) {
  ParamSpec spec;
  spec.name = name;
  spec.type = type;
  spec.help = help;
  return spec;
}

ParamSpec required(ParamSpec spec) {
  spec.required = true;
  return spec;
}

ParamSpec at_least(ParamSpec spec, double min) {
  spec.min = min;
  return spec;
}

ParamSpec one_of(ParamSpec spec, std::vector<std::string> choices) {
  spec.choices = std::move(choices);
  return spec;
}

ParamSpec instead_of(const char* other, ParamSpec spec) {
  spec.excludes = {other};
  return spec;
}

ComponentDescription model(const std::string& name) {
  return {"model",
          name,
          "a language model",
          name,
          "0.1.0",
          "/plugins/" + name + ".so",
          {param("weights", ParamType::kWeights, "folder of the pretrained weights"),
           param("config", ParamType::kObject, "config.json, inline"),
           param("tokenizer", ParamType::kPath, "folder of the tokenizer")}};
}

std::vector<ComponentDescription> components() {
  auto gptneo = model("gptneo");
  gptneo.params.push_back(param("attention_dropout", ParamType::kReal, "dropout of attention"));
  auto mamba = model("mamba");
  auto scan = one_of(param("scan", ParamType::kText, "how to scan"), {"plain", "fast"});
  mamba.params.push_back(scan);
  return {gptneo,
          mamba,
          {"adapter",
           "lora",
           "low-rank adaptation",
           "lora",
           "0.1.0",
           "/plugins/lora.so",
           {at_least(param("r", ParamType::kInt, "rank"), 1),
            param("lora_alpha", ParamType::kReal, "scale"),
            param("lora_dropout", ParamType::kReal, "dropout"),
            param("use_rslora", ParamType::kBool, "scale by sqrt(r)"),
            param("target_modules", ParamType::kTextOrList, "which layers")}},
          {"adapter", "none", "trains everything", "lora", "0.1.0", "/plugins/lora.so", {}},
          {"task",
           "classification",
           "predicts a label",
           "classification",
           "0.1.0",
           "/plugins/classification.so",
           {required(param("train", ParamType::kPath, "training examples")),
            required(param("validation", ParamType::kPath, "validation examples")),
            required(param("text", ParamType::kText, "column of the text")),
            required(param("label", ParamType::kText, "column of the label")),
            param("columns", ParamType::kTextList, "names of the columns"),
            at_least(param("max_examples", ParamType::kInt, "how many to use"), 1)}},
          {"task",
           "pretraining",
           "predicts the next token",
           "pretraining",
           "0.1.0",
           "/plugins/pretraining.so",
           {required(param("train", ParamType::kPath, "training text")),
            required(param("validation", ParamType::kPath, "validation text")),
            param("block", ParamType::kInt, "tokens of a block")}}};
}

Description make_installed() {
  Description description;
  description.sdk = "0.1.0";
  description.torch = "2.11.0";
  description.devices = {"cpu"};
  description.components = components();
  description.refused = {{"/plugins/rwkv.so", "built for LibTorch 2.9.0, this is 2.11.0"}};
  description.sections["optimizer"] = {
      one_of(param("name", ParamType::kText, "which optimizer"), {"adamw", "adam", "sgd"}),
      at_least(param("lr", ParamType::kReal, "peak learning rate"), 0),
      param("lr_by_size", ParamType::kObject, "peak learning rate by parameter count"),
      param("beta2", ParamType::kReal, "second moment"),
      param("weight_decay", ParamType::kReal, "weight decay"),
      param("max_grad_norm", ParamType::kReal, "clipping")};
  description.sections["schedule"] = {
      one_of(param("name", ParamType::kText, "its shape"), {"constant", "linear", "cosine"}),
      param("warmup_steps", ParamType::kInt, "warm-up"),
      instead_of("warmup_steps", param("warmup_ratio", ParamType::kReal, "warm-up as a share")),
      param("min_lr", ParamType::kReal, "end"),
      instead_of("min_lr", param("min_lr_ratio", ParamType::kReal, "end as a share"))};
  description.sections["training"] = {
      param("epochs", ParamType::kReal, "passes over the data"),
      {.name = "steps", .type = ParamType::kInt, .help = "updates", .replaces = {"epochs"}},
      at_least(param("batch_size", ParamType::kInt, "examples of an update"), 1),
      one_of(param("precision", ParamType::kText, "arithmetic"), {"fp32", "tf32", "bf16"}),
      param("save_model", ParamType::kBool, "whether to save the model")};
  return description;
}

}  // namespace

const Description& installed() {
  static const Description description = make_installed();
  return description;
}

Folder::Folder() {
  static std::atomic<int> count = 0;
  path_ = std::filesystem::temp_directory_path() /
          ("mvn_sweep_test_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
  std::filesystem::create_directories(path_);
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path Folder::write(const std::string& name, const std::string& text) const {
  const auto file = path_ / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
  return file;
}

SweepPlan plan_text(const std::string& text, const PlanOptions& options) {
  const Folder folder;
  return plan_sweep(folder.write("sweep.yaml", text), installed(), options);
}

}  // namespace mvn::sweep_test
