// The LoRA adapter against what PEFT computed with the same files (make_adapters.py), and its files
// against PEFT's.
//
// Every number is the largest difference over the largest magnitude of what is compared, the larger
// one of a batch padded on the right and one padded on the left. Prints a table: adapter, check,
// error, bound.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "mvn/adapter.h"
#include "mvn/error.h"
#include "mvn/json_file.h"
#include "mvn/linear.h"
#include "mvn/safetensors.h"
#include "mvn/torch_archive.h"
#include "support/error_of.h"
#include "support/plugin_library.h"
#include "support/temporary_folder.h"
#include "support/tensors.h"
#include "train/checkpoint/weights.h"

namespace mvn::test {
namespace {

namespace fs = std::filesystem;
using torch::Tensor;

constexpr double kForwardBound = 1e-5;
constexpr double kGradientBound = 1e-4;
// bfloat16 rounds at different places here and there: ours may be no further from the float32
// numbers than one and a half times what PEFT's own is.
constexpr double kHalfBound = 1.5;
constexpr const char* kSides[] = {"right.", "left."};

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(MVN_TEST_ADAPTERS)) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

double rms_error(const Tensor& actual, const Tensor& expected) {
  return (actual.to(torch::kDouble) - expected.to(torch::kDouble))
      .square()
      .mean()
      .sqrt()
      .item<double>();
}

// One of PEFT's adapters, opened by ours on the same base model.
class Opened {
 public:
  explicit Opened(const std::string& name, torch::ScalarType base_type = torch::kFloat32)
      : folder(fs::path(MVN_TEST_ADAPTERS) / name),
        expected(folder / "expected.safetensors"),
        config(read_json_file(folder / "adapter_config.json").as_map()),
        kind(config.at("task_type") == Value("SEQ_CLS")     ? HeadKind::kClassification
             : config.at("task_type") == Value("CAUSAL_LM") ? HeadKind::kLanguageModel
                                                            : HeadKind::kNone) {
    const std::string plugin = name.substr(0, name.find('-'));
    const auto base = fs::path(MVN_TEST_BASES) / plugin;
    model = make_model(plugin, read_model_config(base), base_type, kind);
    load_weights(*model, nullptr, *open_weights(base));
    static PluginLibrary library("lora");
    const auto& entry = library.adapters.at("lora");
    const Params params("adapter", entry.params, {{"weights", folder.string()}});
    adapter = entry.make(
        {params, generator(), kind, [this](const std::string& line) { warnings.push_back(line); }});
    adapter->attach(*model);
    if (kind == HeadKind::kClassification) {
      score = std::make_shared<Linear>(model->width(), 3, false, torch::kFloat32);
      head = std::make_shared<torch::nn::Module>();
      head->register_module("score", score);
      load_head(*head, adapter->saved_head().tensors);
    }
    model->eval();
  }

  // Class scores of every row, or logits or hidden states of the real tokens.
  Tensor output(const std::string& side) const {
    const auto mask = expected.get(side + "mask");
    const auto hidden = model->forward(expected.get(side + "ids"), mask);
    if (kind == HeadKind::kNone) return hidden.index({mask});
    if (kind == HeadKind::kLanguageModel) return model->lm_logits(hidden).index({mask});
    const auto last = (mask * torch::arange(mask.size(1))).argmax(1);
    const auto pooled = hidden.index({torch::arange(mask.size(0)), last});
    return score->forward(pooled.to(torch::kFloat32));
  }

  Tensor loss(const std::string& side) const {
    return torch::cross_entropy_loss(output(side), expected.get(side + "labels"));
  }

  Tensor get(const std::string& name) const { return expected.get(name); }

  // Our trainable parameters by PEFT's names.
  std::map<std::string, Tensor> trained() const {
    std::map<std::string, Tensor> parameters;
    const auto prefix = kind == HeadKind::kNone ? model->base_prefix() : "";
    for (const auto& item : model->named_parameters()) {
      if (!item.value().requires_grad()) continue;
      parameters["base_model.model." + item.key().substr(prefix.size())] = item.value();
    }
    if (head) parameters["base_model.model.score.weight"] = score->weight;
    return parameters;
  }

  fs::path folder;
  SafetensorsFile expected;
  Value::Map config;
  HeadKind kind;
  std::shared_ptr<Model> model;
  std::shared_ptr<torch::nn::Module> head;
  std::shared_ptr<Linear> score;
  std::unique_ptr<Adapter> adapter;
  std::vector<std::string> warnings;
};

// PEFT's name of a tensor -> the name that trained() gives it.
std::string our_name(std::string name) {
  const auto replace = [&](const std::string& from, const std::string& to) {
    if (const auto at = name.find(from); at != std::string::npos) name.replace(at, from.size(), to);
  };
  replace(".base_layer", "");
  replace(".lora_A.weight", ".adapter.lora_A");
  replace(".lora_B.weight", ".adapter.lora_B");
  replace(".lora_embedding_", ".adapter.lora_embedding_");
  replace(".lora_magnitude_vector", ".adapter.lora_magnitude_vector");
  return name;
}

class PeftAdapter : public testing::TestWithParam<std::string> {
 protected:
  void expect_below(const std::string& check, double error, double bound) {
    std::printf("| %-22s | %-13s | %.2g | %.2g |\n", GetParam().c_str(), check.c_str(), error,
                bound);
    EXPECT_LT(error, bound) << check;
  }
};

TEST_P(PeftAdapter, ComputesTheSame) {
  const Opened opened(GetParam());
  const torch::NoGradGuard no_grad;
  double output = 0;
  double loss = 0;
  for (const std::string side : kSides) {
    output = worse(output, relative_error(opened.get(side + "output"), opened.output(side)));
    loss = worse(loss, relative_error(opened.get(side + "loss"), opened.loss(side).reshape(1)));
  }
  expect_below("output", output, kForwardBound);
  expect_below("loss", loss, kForwardBound);
}

TEST_P(PeftAdapter, StaysInFloat32BesideABaseInBfloat16) {
  if (GetParam().ends_with("plain")) GTEST_SKIP() << "takes its start out of float32 weights";
  if (GetParam().ends_with("merged")) GTEST_SKIP() << "computed in float32 only";
  const Opened opened(GetParam(), torch::kBFloat16);
  for (const auto& [name, value] : opened.trained()) {
    const bool half =
        name.find("lora_") == std::string::npos && name.find("score") == std::string::npos;
    EXPECT_EQ(half ? torch::kBFloat16 : torch::kFloat32, value.scalar_type()) << name;
  }
  const torch::NoGradGuard no_grad;
  // Both batches together: of a classifier's few scores alone, the mean would be chance.
  std::vector<Tensor> exact;
  std::vector<Tensor> theirs;
  std::vector<Tensor> ours;
  for (const std::string side : kSides) {
    exact.push_back(opened.get(side + "output"));
    theirs.push_back(opened.get(side + "output_bf16"));
    ours.push_back(opened.output(side));
  }
  const double error = relative(rms_error(torch::cat(ours), torch::cat(exact)),
                                rms_error(torch::cat(theirs), torch::cat(exact)));
  expect_below("bfloat16 base", error, kHalfBound);
}

TEST_P(PeftAdapter, TrainsTheSameTensorsWithTheSameGradients) {
  const Opened opened(GetParam());
  if (GetParam().ends_with("merged")) GTEST_SKIP() << "transformers has no such gradients";
  (opened.loss("right.") + opened.loss("left.")).backward();
  const auto trained = opened.trained();
  std::set<std::string> seen;
  double worst = 0;
  // A converted PiSSA adapter was differentiated at half the rank at which it is stored.
  const bool converted = GetParam().ends_with("pissa");
  for (const auto& [name, info] : opened.expected.tensors()) {
    if (!name.starts_with("grad.")) continue;
    const auto ours = our_name(name.substr(5));
    ASSERT_TRUE(trained.contains(ours)) << ours;
    seen.insert(ours);
    auto gradient = trained.at(ours).grad();
    const auto expected = opened.expected.get(name);
    if (converted && ours.ends_with("lora_A")) gradient = gradient.narrow(0, 0, expected.size(0));
    if (converted && ours.ends_with("lora_B")) gradient = gradient.narrow(1, 0, expected.size(1));
    const double error = relative_error(expected, gradient);
    EXPECT_LT(error, kGradientBound) << name;
    worst = worse(worst, error);
  }
  EXPECT_EQ(trained.size(), seen.size());
  expect_below("gradients", worst, kGradientBound);
}

std::map<std::string, Tensor> tensors_of_peft(const fs::path& folder) {
  const auto archive = folder / "adapter_model.bin";
  if (fs::exists(archive)) return read_torch_archive(archive);
  const SafetensorsFile file(folder / "adapter_model.safetensors");
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, info] : file.tensors()) tensors[name] = file.get(name);
  return tensors;
}

TEST_P(PeftAdapter, WritesTheFilesThatPeftWrote) {
  const Opened opened(GetParam());
  const TemporaryFolder folder;
  opened.adapter->save(*opened.model, opened.head.get(), folder.path(), "base");
  if (GetParam() == "gptneo-pissa-plain") return;  // saved in the other form
  const SafetensorsFile ours(folder / "adapter_model.safetensors");
  std::set<std::string> names;
  for (const auto& [name, info] : ours.tensors()) names.insert(name);
  for (const auto& [name, tensor] : tensors_of_peft(opened.folder)) {
    EXPECT_EQ(1U, names.erase(name)) << name;
    EXPECT_TRUE(torch::equal(tensor, ours.get(name))) << name;
  }
  EXPECT_EQ(std::set<std::string>(), names);
  const auto written = read_json_file(folder / "adapter_config.json");
  for (const auto& [key, value] : written.as_map()) {
    if (key == "target_modules" || key == "init_lora_weights") continue;  // a set; start only
    // Where the order of the patterns counts, a sorted file says it by paths.
    if (GetParam() == "mistral-features" &&
        (key.ends_with("_pattern") || key == "exclude_modules")) {
      continue;
    }
    ASSERT_TRUE(opened.config.contains(key)) << key;
    EXPECT_TRUE(opened.config.at(key) == value) << key;
  }
}

TEST_P(PeftAdapter, MergesIntoAPlainModelOfTheSameOutput) {
  const Opened opened(GetParam());
  const torch::NoGradGuard no_grad;
  const std::array before = {opened.output("right."), opened.output("left.")};
  const auto& targets = opened.config.at("target_modules");
  const auto adapts_embedding = [&](const char* name) {
    return targets.is_list() &&
           std::count(targets.as_list().begin(), targets.as_list().end(), Value(name)) > 0;
  };
  if (adapts_embedding("wte") || adapts_embedding("embeddings")) {
    EXPECT_NE("(no error)", error_of([&] { opened.adapter->merge(*opened.model); }));
    return;
  }
  opened.adapter->merge(*opened.model);
  expect_below("merged",
               worse(relative_error(before[0], opened.output("right.")),
                     relative_error(before[1], opened.output("left."))),
               kForwardBound);
}

INSTANTIATE_TEST_SUITE_P(All, PeftAdapter, testing::ValuesIn(cases()), [](const auto& test) {
  std::string name = test.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

// The other way: what we save, PEFT opens, and computes the same with it.
TEST(Peft, OpensWhatWeSave) {
  const char* given = std::getenv("MVN_PYTHON");
  const std::string python = given != nullptr ? given : MVN_TEST_PYTHON_DEFAULT;
  if (!fs::exists(python)) GTEST_SKIP() << "no " << python << ": run tests/exactness/setup.sh";
  const TemporaryFolder folder;
  for (const auto& name : cases()) {
    const Opened opened(name);
    opened.adapter->save(*opened.model, opened.head.get(), folder / name, "base");
  }
  const std::string command =
      python + " " + MVN_TEST_ADAPTERS + "/open_adapters.py " + folder.path().string() + " 2>&1";
  EXPECT_EQ(0, std::system(command.c_str()));  // NOLINT(cert-env33-c): a command of our own
}

}  // namespace
}  // namespace mvn::test
