#include "lora.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "lora_config.h"
#include "mvn/error.h"
#include "mvn/json_file.h"
#include "mvn/safetensors.h"
#include "none.h"
#include "peft_files.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"
#include "support/tensors.h"
#include "support/tiny_model.h"

namespace mvn::test {
namespace {

using NameSet = std::set<std::string>;

// A head as the classification task names it.
std::shared_ptr<torch::nn::Module> make_head(std::uint64_t seed) {
  auto head = std::make_shared<torch::nn::Module>();
  auto score = std::make_shared<Linear>(4, 3, false, torch::kFloat32);
  const torch::NoGradGuard no_grad;
  score->weight.copy_(torch::randn({3, 4}, generator(seed)));
  head->register_module("score", score);
  return head;
}

// A tiny model under an adapter of these values, the trained parameters moved off their start.
struct Adapted {
  explicit Adapted(const Value::Map& values, HeadKind head_kind = HeadKind::kClassification,
                   std::uint64_t seed = 11)
      : params("adapter", lora_params(), values),
        adapter(
            lora_entry().make({.params = params, .generator = generator(seed), .head = head_kind})),
        head(head_kind == HeadKind::kClassification ? make_head(seed) : nullptr) {
    adapter->attach(model);
    model.eval();
  }

  void move_off(std::uint64_t seed = 17) {
    const torch::NoGradGuard no_grad;
    auto source = generator(seed);
    for (auto& parameter : model.parameters()) {
      if (parameter.requires_grad()) {
        parameter.add_(torch::randn(parameter.sizes(), source).mul_(0.3));
      }
    }
  }

  torch::Tensor hidden() {
    const torch::NoGradGuard no_grad;
    const auto ids = torch::tensor({{1, 2, 3}, {4, 5, 0}}, torch::kLong);
    return model.forward(ids, torch::ones_like(ids).to(torch::kBool));
  }

  [[nodiscard]] NameSet trained() const {
    NameSet names;
    for (const auto& item : model.named_parameters()) {
      if (item.value().requires_grad()) names.insert(item.key());
    }
    return names;
  }

  TinyModel model{9, 4, 1};
  Params params;
  std::unique_ptr<Adapter> adapter;
  std::shared_ptr<torch::nn::Module> head;
};

// How many of a model's parameters train under an adapter that adds none, whatever they did before.
std::size_t trained_under(const AdapterEntry& entry, bool before) {
  TinyModel model(9, 4, 1);
  const Params params("adapter", entry.params, {});
  const auto adapter =
      entry.make({.params = params, .generator = generator(1), .head = HeadKind::kLanguageModel});
  for (auto& parameter : model.parameters()) parameter.requires_grad_(before);
  adapter->attach(model);
  EXPECT_FALSE(adapter->keeps_base());
  const auto parameters = model.parameters();
  const auto count = std::ranges::count_if(
      parameters, [](const torch::Tensor& each) { return each.requires_grad(); });
  EXPECT_TRUE(count == 0 || static_cast<std::size_t>(count) == parameters.size());
  return static_cast<std::size_t>(count);
}

TEST(None, TrainsEverything) { EXPECT_GT(trained_under(none_entry(), /*before=*/false), 0U); }

TEST(Frozen, TrainsNothingOfTheModel) {
  EXPECT_EQ(trained_under(frozen_entry(), /*before=*/true), 0U);
}

TEST(BitFit, TrainsTheBiasesAlone) {
  TinyModel model(9, 4, 1);
  const auto entry = bitfit_entry();
  const Params params("adapter", entry.params, {});
  entry.make({.params = params, .generator = generator(1), .head = HeadKind::kNone})->attach(model);
  std::size_t biases = 0;
  for (const auto& item : model.named_parameters()) {
    EXPECT_EQ(item.key().ends_with(".bias"), item.value().requires_grad()) << item.key();
    if (item.value().requires_grad()) ++biases;
  }
  EXPECT_GT(biases, 0U);
}

TEST(BitFit, ModelsWithoutBiasesAreRefused) {
  const auto entry = bitfit_entry();
  const Params params("adapter", entry.params, {});
  const auto adapter =
      entry.make({.params = params, .generator = generator(1), .head = HeadKind::kNone});
  TinyModel model(9, 4, 0);
  for (const auto& item : model.named_parameters()) ASSERT_FALSE(item.key().ends_with(".bias"));
  EXPECT_EQ("adapter.plugin: bitfit trains biases, of which this model has none",
            error_of([&] { adapter->attach(model); }));
}

TEST(Lora, TrainsOnlyWhatItAdds) {
  const Adapted adapted({{"target_modules", Value::List{"in_proj"}}});
  EXPECT_EQ((NameSet{"backbone.layers.0.in_proj.adapter.lora_A",
                     "backbone.layers.0.in_proj.adapter.lora_B"}),
            adapted.trained());
  EXPECT_TRUE(adapted.adapter->keeps_base());
}

TEST(Lora, TrainsBiasesAndWholeModulesWhereAsked) {
  const NameSet added = {"backbone.layers.0.out_proj.adapter.lora_A",
                         "backbone.layers.0.out_proj.adapter.lora_B"};
  const auto with = [&](const NameSet& more) {
    NameSet all = added;
    all.insert(more.begin(), more.end());
    return all;
  };
  const Value targets = Value::List{"out_proj"};
  EXPECT_EQ(with({"backbone.layers.0.in_proj.bias", "backbone.layers.0.norm.bias"}),
            Adapted({{"target_modules", targets}, {"bias", "all"}}).trained());
  EXPECT_EQ(added, Adapted({{"target_modules", targets}, {"bias", "lora_only"}}).trained());
  EXPECT_EQ(with({"backbone.layers.0.norm.weight", "backbone.layers.0.norm.bias"}),
            Adapted({{"target_modules", targets}, {"modules_to_save", "norm"}}).trained());
}

TEST(Lora, TheSameSeedGivesTheSameStart) {
  const Adapted first({});
  const Adapted second({});
  const Adapted other({}, HeadKind::kClassification, 12);
  const auto name = "backbone.layers.0.in_proj.adapter.lora_A";
  const auto value = first.model.named_parameters()[name];
  EXPECT_TRUE(torch::equal(value, second.model.named_parameters()[name]));
  EXPECT_FALSE(torch::equal(value, other.model.named_parameters()[name]));
}

TEST(Lora, AttachesToAModelOfShapesOnly) {
  TinyModel model(9, 4, 1, torch::TensorOptions().device(torch::kMeta));
  for (const char* start : {"true", "pissa"}) {
    TinyModel shapes(9, 4, 1, torch::TensorOptions().device(torch::kMeta));
    const Params params("adapter", lora_params(), {{"init_lora_weights", start}, {"r", 4}});
    lora_entry()
        .make({.params = params, .generator = generator(1), .head = HeadKind::kClassification})
        ->attach(shapes);
    EXPECT_TRUE(shapes.named_parameters()["backbone.layers.0.in_proj.adapter.lora_A"].is_meta());
  }
}

TEST(Lora, RefusesMoreSingularValuesThanAMatrixHas) {
  EXPECT_EQ(
      "adapter.r: pissa starts from the 5 leading singular values of a matrix, and "
      "'backbone.layers.0.in_proj' has 4: lower r, or leave it out of target_modules",
      error_of([] {
        Adapted({{"init_lora_weights", "pissa"}, {"r", 5}});
      }));
}

TEST(Lora, SavesPeftsNames) {
  const TemporaryFolder folder;
  const Adapted adapted(
      {{"target_modules", Value::List{"in_proj", "embeddings"}}, {"bias", "all"}});
  adapted.adapter->save(adapted.model, adapted.head.get(), folder.path(), "some/base");
  NameSet names;
  const SafetensorsFile file(folder / "adapter_model.safetensors");
  for (const auto& [name, info] : file.tensors()) names.insert(name);
  EXPECT_EQ(
      (NameSet{"base_model.model.backbone.embeddings.lora_embedding_A",
               "base_model.model.backbone.embeddings.lora_embedding_B",
               "base_model.model.backbone.layers.0.in_proj.base_layer.bias",
               "base_model.model.backbone.layers.0.in_proj.lora_A.weight",
               "base_model.model.backbone.layers.0.in_proj.lora_B.weight",
               "base_model.model.backbone.layers.0.norm.bias", "base_model.model.score.weight"}),
      names);
  EXPECT_EQ("pt", file.metadata().at("format"));
  const auto config = read_json_file(folder / "adapter_config.json");
  EXPECT_EQ(Value("SEQ_CLS"), *config.find("task_type"));
  EXPECT_EQ(Value("some/base"), *config.find("base_model_name_or_path"));
  EXPECT_EQ((Value{Value::List{"classifier", "score"}}), *config.find("modules_to_save"));
  EXPECT_EQ((Value{Value::List{"in_proj", "embeddings"}}), *config.find("target_modules"));
}

TEST(Lora, ABareModelsNamesHaveNoWrapper) {
  const TemporaryFolder folder;
  const Adapted adapted({{"target_modules", Value::List{"in_proj"}}}, HeadKind::kNone);
  adapted.adapter->save(adapted.model, nullptr, folder.path(), "base");
  const SafetensorsFile file(folder / "adapter_model.safetensors");
  EXPECT_TRUE(file.tensors().contains("base_model.model.layers.0.in_proj.lora_A.weight"));
}

// As peft saves an adapter of a bare model: neither names nor expressions know the wrapper.
TEST(Lora, AnAdapterOfABareModelIsReadAndSavedAgain) {
  const TemporaryFolder folder;
  const Value::Map values = {{"target_modules", R"(layers\.0\.in_proj)"},
                             {"alpha_pattern", Value::Map{{"^layers.0.in_proj", 64.0}}}};
  Adapted source(values, HeadKind::kNone);
  source.move_off();
  source.adapter->save(source.model, nullptr, folder / "bare", "base");
  const Value::Map weights = {{"weights", (folder / "bare").string()}};
  Adapted copy(weights, HeadKind::kLanguageModel, 23);
  EXPECT_TRUE(torch::equal(source.hidden(), copy.hidden()));
  // Under a head the same layers have other paths, which the expressions above do not match.
  copy.adapter->save(copy.model, nullptr, folder / "wrapped", "base");
  const auto config = read_json_file(folder / "wrapped" / "adapter_config.json");
  EXPECT_EQ(Value("CAUSAL_LM"), *config.find("task_type"));
  EXPECT_EQ((Value{Value::List{"in_proj"}}), *config.find("target_modules"));
  EXPECT_EQ((Value{Value::Map{{"backbone.layers.0.in_proj", 64}}}), *config.find("alpha_pattern"));
  Adapted again({{"weights", (folder / "wrapped").string()}}, HeadKind::kLanguageModel, 29);
  EXPECT_TRUE(torch::equal(source.hidden(), again.hidden()));
}

// What comes first in the file counts; the files written here are sorted.
TEST(Lora, TheOrderOfAFilesPatternsIsKept) {
  const TemporaryFolder folder;
  Adapted source({{"rank_pattern", Value::Map{{"in_proj", 2}}}});
  source.move_off();
  source.adapter->save(source.model, source.head.get(), folder.path(), "base");
  auto text = read_json_file(folder / "adapter_config.json").as_map();
  text.erase("rank_pattern");
  write_json_file(folder / "adapter_config.json", text);
  std::ifstream in(folder / "adapter_config.json");
  std::string content((std::istreambuf_iterator<char>(in)), {});
  content.insert(content.find('{') + 1, R"("rank_pattern": {"in_proj": 2, ".*_proj": 16},)");
  folder.write("adapter_config.json", content);
  Adapted copy({{"weights", folder.path().string()}}, HeadKind::kClassification, 23);
  EXPECT_TRUE(torch::equal(source.hidden(), copy.hidden()));
  const TemporaryFolder saved;
  copy.adapter->save(copy.model, copy.head.get(), saved.path(), "base");
  EXPECT_EQ((Value{Value::Map{{"backbone.layers.0.in_proj", 2}}}),
            *read_json_file(saved / "adapter_config.json").find("rank_pattern"));
}

TEST(Lora, TheVocabularysMatrixThatTheFilesBringTakesTheBasesPlace) {
  const TemporaryFolder folder;
  Adapted source({{"target_modules", Value::List{"embeddings", "in_proj"}}}, HeadKind::kNone);
  {
    const torch::NoGradGuard no_grad;
    source.model.named_parameters()["backbone.embeddings.weight"].mul_(2);
  }
  source.move_off();
  source.adapter->save(source.model, nullptr, folder.path(), "base");
  NamedTensors tensors;
  {
    const SafetensorsFile file(folder / "adapter_model.safetensors");
    for (const auto& [name, info] : file.tensors()) tensors[name] = file.get(name).clone();
  }
  tensors["base_model.model.embeddings.base_layer.weight"] =
      source.model.named_parameters()["backbone.embeddings.weight"].detach();
  write_safetensors(folder / "adapter_model.safetensors", tensors);
  Adapted copy({{"weights", folder.path().string()}}, HeadKind::kNone, 23);
  EXPECT_TRUE(torch::equal(source.hidden(), copy.hidden()));
  EXPECT_EQ(source.trained(), copy.trained());
  // It is saved again, and what a merge adds to.
  const TemporaryFolder saved;
  copy.adapter->save(copy.model, nullptr, saved.path(), "base");
  const SafetensorsFile file(saved / "adapter_model.safetensors");
  EXPECT_TRUE(file.tensors().contains("base_model.model.embeddings.base_layer.weight"));
  copy.adapter->merge(copy.model);
  EXPECT_LT(largest_difference(source.hidden(), copy.hidden()), 1e-5);
}

TEST(Lora, WhatIsSavedLoadsBackTheSame) {
  const std::vector<Value::Map> forms = {
      {},
      {{"use_dora", true}, {"r", 3}},
      {{"init_lora_weights", "pissa"}, {"r", 2}},
      {{"init_lora_weights", "pissa"}, {"r", 2}, {"use_rslora", true}},
      {{"target_modules", Value::List{"embeddings", "out_proj"}}, {"bias", "all"}},
      {{"modules_to_save", "norm"}, {"rank_pattern", Value::Map{{"in_proj", 2}}}},
  };
  for (const auto& form : forms) {
    const TemporaryFolder folder;
    Adapted source(form);
    source.move_off();
    source.adapter->save(source.model, source.head.get(), folder.path(), "base");
    Adapted copy(form, HeadKind::kClassification, 23);
    EXPECT_GT(largest_difference(source.hidden(), copy.hidden()), 1e-3);
    copy.adapter->load(copy.model, copy.head.get(), folder.path());
    EXPECT_LT(largest_difference(source.hidden(), copy.hidden()), 1e-5);
    EXPECT_TRUE(torch::equal(source.head->parameters()[0], copy.head->parameters()[0]));
  }
}

// The saved form of a PiSSA adapter is an ordinary adapter of twice the rank.
TEST(Lora, APissaAdapterOpensAsAnOrdinaryOne) {
  const TemporaryFolder folder;
  Adapted source({{"init_lora_weights", "pissa"},
                  {"r", 2},
                  {"alpha_pattern", Value::Map{{"in_proj", 5.0}}},
                  {"use_rslora", true}});
  source.move_off();
  source.adapter->save(source.model, source.head.get(), folder.path(), "base");
  const auto config = read_json_file(folder / "adapter_config.json");
  EXPECT_EQ(Value(true), *config.find("init_lora_weights"));
  EXPECT_EQ(Value(4), *config.find("r"));
  Adapted plain({{"r", 4},
                 {"lora_alpha", config.find("lora_alpha")->as_real()},
                 {"alpha_pattern", *config.find("alpha_pattern")},
                 {"use_rslora", true}});
  plain.adapter->load(plain.model, plain.head.get(), folder.path());
  EXPECT_LT(largest_difference(source.hidden(), plain.hidden()), 1e-5);
}

TEST(Lora, ReadsNamesOfOtherWriters) {
  const TemporaryFolder folder;
  Adapted source({{"target_modules", Value::List{"in_proj"}}});
  source.move_off();
  auto parameters = source.model.named_parameters();
  const std::string path = "backbone.layers.0.in_proj.adapter.";
  write_safetensors(folder / "adapter_model.safetensors",
                    {{"base_model.model.layers.0.in_proj.lora_A.default.weight",
                      parameters[path + "lora_A"].detach()},
                     {"base_model.model.layers.0.in_proj.lora_B.default.weight",
                      parameters[path + "lora_B"].detach()},
                     {"base_model.model.score.modules_to_save.default.weight",
                      source.head->parameters()[0].detach()}});
  Adapted copy({{"target_modules", Value::List{"in_proj"}}}, HeadKind::kClassification, 23);
  copy.adapter->load(copy.model, copy.head.get(), folder.path());
  EXPECT_TRUE(torch::equal(source.hidden(), copy.hidden()));
}

TEST(Lora, ListsEveryTensorThatDoesNotFit) {
  const TemporaryFolder folder;
  Adapted source({{"target_modules", Value::List{"in_proj"}}});
  source.adapter->save(source.model, source.head.get(), folder.path(), "base");
  Adapted other({{"target_modules", Value::List{"out_proj"}}});
  const std::string file = (folder / "adapter_model.safetensors").string();
  EXPECT_EQ(
      file +
          ": missing: backbone.layers.0.out_proj.lora_A.weight (nearest: "
          "backbone.layers.0.in_proj.lora_A.weight), backbone.layers.0.out_proj.lora_B.weight "
          "(nearest: backbone.layers.0.in_proj.lora_B.weight); not of this model and adapter: "
          "base_model.model.backbone.layers.0.in_proj.lora_A.weight, "
          "base_model.model.backbone.layers.0.in_proj.lora_B.weight",
      error_of([&] { other.adapter->load(other.model, other.head.get(), folder.path()); }));
  Adapted smaller({{"target_modules", Value::List{"in_proj"}}, {"r", 2}});
  EXPECT_EQ(
      file +
          ": of another shape: base_model.model.backbone.layers.0.in_proj.lora_A.weight "
          "[16, 4] (here [2, 4]), base_model.model.backbone.layers.0.in_proj.lora_B.weight "
          "[8, 16] (here [8, 2])",
      error_of([&] { smaller.adapter->load(smaller.model, smaller.head.get(), folder.path()); }));
  const TemporaryFolder empty;
  EXPECT_EQ((empty / "adapter_model.safetensors").string() + ": no such file",
            error_of([&] { other.adapter->load(other.model, other.head.get(), empty.path()); }));
}

TEST(Lora, TheLayersOfOneProblemAreToldOnce) {
  const TemporaryFolder folder;
  NamedTensors saved;
  NamedTensors expected;
  for (const std::string layer : {"0", "1", "2"}) {
    saved["backbone.layers." + layer + ".in_proj.lora_A.weight"] = torch::ones({2, 4});
    expected["backbone.layers." + layer + ".in_proj.lora_B.weight"] = torch::ones({4, 2});
  }
  write_adapter_tensors(folder.path(), saved, "");
  EXPECT_EQ((folder / "adapter_model.safetensors").string() +
                ": missing: backbone.layers.*.in_proj.lora_B.weight (3 layers) (nearest: "
                "backbone.layers.*.in_proj.lora_A.weight); not of this model and adapter: "
                "base_model.model.backbone.layers.*.in_proj.lora_A.weight (3 layers)",
            error_of([&] { read_adapter_tensors(folder.path(), expected, "backbone."); }));
}

TEST(Lora, StartingFromAnotherModelsFilesIsABadConfiguration) {
  const TemporaryFolder folder;
  Adapted source({{"target_modules", Value::List{"in_proj"}}});
  source.adapter->save(source.model, source.head.get(), folder.path(), "base");
  NamedTensors tensors;
  {
    const SafetensorsFile file(folder / "adapter_model.safetensors");
    for (const auto& [name, info] : file.tensors()) tensors[name] = file.get(name).clone();
  }
  tensors["base_model.model.backbone.layers.0.in_proj.lora_A.weight"] = torch::ones({16, 5});
  write_safetensors(folder / "adapter_model.safetensors", tensors);
  try {
    const Adapted copy({{"weights", folder.path().string()}});
    ADD_FAILURE() << "opened";
  } catch (const ConfigError& e) {
    EXPECT_EQ("adapter.weights: " + (folder / "adapter_model.safetensors").string() +
                  ": of another shape: base_model.model.backbone.layers.0.in_proj.lora_A.weight "
                  "[16, 5] (here [16, 4])",
              e.what());
    EXPECT_EQ(64, e.exit_code());
  }
}

TEST(Lora, AMergedModelComputesTheSameWithoutTheAdapter) {
  for (const Value::Map& form :
       {Value::Map{}, Value::Map{{"use_dora", true}},
        Value::Map{{"init_lora_weights", "pissa"}, {"r", 2}},
        Value::Map{{"target_modules", Value::List{"embeddings", "in_proj"}}}}) {
    Adapted adapted(form);
    adapted.move_off();
    const auto before = adapted.hidden();
    adapted.adapter->merge(adapted.model);
    EXPECT_LT(largest_difference(before, adapted.hidden()), 1e-5);
    for (const auto& item : adapted.model.named_parameters()) {
      EXPECT_EQ(std::string::npos, item.key().find("adapter")) << item.key();
    }
  }
}

}  // namespace
}  // namespace mvn::test
