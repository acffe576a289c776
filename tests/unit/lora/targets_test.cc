#include "targets.h"

#include <gtest/gtest.h>

#include "mvn/error.h"
#include "support/error_of.h"
#include "support/tiny_model.h"

namespace mvn::test {
namespace {

using Names = std::vector<std::string>;

struct Found {
  Names linears;
  Names embeddings;
  Names warnings;
};

LoraConfig config_of(const Value::Map& values) {
  return lora_config(Params("adapter", lora_params(), values));
}

// Whose out_proj others treat otherwise, as of a Mamba.
class CaveatModel : public TinyModel {
 public:
  using TinyModel::TinyModel;
  [[nodiscard]] std::vector<LayerCaveat> caveats() const override {
    return {{"out_proj", "Python's peft refuses to open such an adapter"},
            {"dt_proj", "it is not there"}};
  }
};

template <typename Tiny = TinyModel>
Found find(const Value::Map& values, bool bare = false) {
  Tiny model(9, 4, 3);
  Found found;
  auto config = config_of(values);
  config.bare_paths = bare;
  const auto targets = find_targets(
      model, config,
      [](const std::string& name, const std::string& message) { throw ConfigError(name, message); },
      [&](const std::string& warning) { found.warnings.push_back(warning); });
  for (const auto& target : targets.linears) found.linears.push_back(target.path);
  for (const auto& target : targets.embeddings) found.embeddings.push_back(target.path);
  return found;
}

TEST(Targets, AllLinearIsEveryLinearLayer) {
  const auto found = find({});
  EXPECT_EQ((Names{"backbone.layers.0.in_proj", "backbone.layers.0.out_proj",
                   "backbone.layers.1.in_proj", "backbone.layers.1.out_proj",
                   "backbone.layers.2.in_proj", "backbone.layers.2.out_proj"}),
            found.linears);
  EXPECT_EQ(Names{}, found.embeddings);
  EXPECT_EQ(Names{}, found.warnings);
}

TEST(Targets, ListedNamesMatchTheEndsOfPaths) {
  EXPECT_EQ((Names{"backbone.layers.0.in_proj", "backbone.layers.1.in_proj",
                   "backbone.layers.2.in_proj"}),
            find({{"target_modules", Value::List{"in_proj", "backbone.embeddings"}}}).linears);
  EXPECT_EQ(Names{"backbone.embeddings"},
            find({{"target_modules", Value::List{"in_proj", "embeddings"}}}).embeddings);
  // "proj" is no part of a path.
  EXPECT_EQ(Names{"target_modules: 'proj' matches no layer of the model "
                  "(known: embeddings, in_proj, out_proj)"},
            find({{"target_modules", Value::List{"in_proj", "proj"}}}).warnings);
}

TEST(Targets, AnExpressionMatchesWholePaths) {
  EXPECT_EQ((Names{"backbone.layers.0.out_proj", "backbone.layers.2.out_proj"}),
            find({{"target_modules", R"(.*\.(0|2)\.out_proj)"}}).linears);
}

TEST(Targets, ExcludedModulesStayOut) {
  EXPECT_EQ((Names{"backbone.layers.0.in_proj", "backbone.layers.2.in_proj"}),
            find({{"exclude_modules", Value::List{"out_proj", "layers.1.in_proj"}}}).linears);
  EXPECT_EQ((Names{"backbone.layers.1.in_proj", "backbone.layers.1.out_proj"}),
            find({{"exclude_modules", R"(.*\.[02]\..*)"}}).linears);
}

TEST(Targets, LayersAreTakenByTheirNumbers) {
  EXPECT_EQ((Names{"backbone.layers.1.in_proj", "backbone.layers.1.out_proj"}),
            find({{"layers_to_transform", "1"}}).linears);
  EXPECT_EQ((Names{"backbone.layers.0.in_proj", "backbone.layers.2.in_proj"}),
            find({{"target_modules", Value::List{"in_proj"}},
                  {"layers_to_transform", Value::List{"0", "2"}},
                  {"layers_pattern", "layers"}})
                .linears);
}

TEST(Targets, ModulesTrainedWholeAreNotAdapted) {
  EXPECT_EQ((Names{"backbone.layers.0.in_proj", "backbone.layers.1.in_proj",
                   "backbone.layers.2.in_proj"}),
            find({{"modules_to_save", Value::List{"out_proj", "score"}}}).linears);
}

TEST(Targets, SaysWhatDoesNotMatch) {
  const auto fault = [](const Value::Map& values) {
    return error_of([&] { static_cast<void>(find(values)); });
  };
  EXPECT_EQ(
      "target_modules: q_proj, v_proj matches no layer of the model; did you mean 'in_proj'? "
      "(its layers: embeddings, in_proj, out_proj)",
      fault({{"target_modules", Value::List{"q_proj", "v_proj"}}}));
  EXPECT_EQ(
      "target_modules: the expression 'in_proj' matches no layer of the model "
      "(its layers: embeddings, in_proj, out_proj)",
      fault({{"target_modules", "in_proj"}}));
  EXPECT_EQ("target_modules: in_proj matches only what layers_to_transform leaves out",
            fault({{"target_modules", Value::List{"in_proj"}}, {"layers_to_transform", "7"}}));
  EXPECT_EQ(
      "target_modules: all-linear matches only what exclude_modules or modules_to_save "
      "leaves out",
      fault({{"exclude_modules", Value::List{"in_proj"}}, {"modules_to_save", "out_proj"}}));
  EXPECT_EQ(
      "target_modules: 'backbone.layers.0.norm' cannot be adapted: it is neither a linear layer "
      "nor an embedding (the model's are: embeddings, in_proj, out_proj)",
      fault({{"target_modules", Value::List{"norm"}}}));
  EXPECT_EQ(
      "modules_to_save: 'scorer' matches no module of the model (known: 0, 1, 2, backbone, "
      "embeddings, in_proj, layers, norm, out_proj)",
      fault({{"modules_to_save", "scorer"}}));
  EXPECT_EQ(
      "use_dora: works on linear layers only, and target_modules matches the embedding "
      "'backbone.embeddings'",
      fault({{"target_modules", Value::List{"embeddings"}}, {"use_dora", true}}));
}

TEST(Targets, WhatOthersTreatOtherwiseIsAdaptedAndSaid) {
  const auto found = find<CaveatModel>({});
  EXPECT_EQ(6U, found.linears.size());
  EXPECT_EQ(Names{"target_modules: out_proj of a tiny model is adapted and works here, but "
                  "Python's peft refuses to open such an adapter; exclude_modules: [out_proj] "
                  "avoids that"},
            found.warnings);
  EXPECT_EQ(Names{}, find<CaveatModel>({{"exclude_modules", Value::List{"out_proj"}}}).warnings);
}

TEST(Targets, RankAndAlphaAreLookedUpApart) {
  const auto config = config_of({{"r", 8},
                                 {"lora_alpha", 16.0},
                                 {"rank_pattern", Value::Map{{"in_proj", 4}, {R"(1\..*)", 2}}},
                                 {"alpha_pattern", Value::Map{{"layers.0.in_proj", 12.0}}}});
  const LayerSettings settings(config);
  const auto first = settings.of("backbone.layers.0.in_proj");
  EXPECT_EQ(4, first.r);
  EXPECT_DOUBLE_EQ(3, first.scaling);
  EXPECT_DOUBLE_EQ(2, settings.of("backbone.layers.2.out_proj").scaling);
}

TEST(Targets, TheFirstPatternThatMatchesCounts) {
  auto config = config_of({});
  config.rank_pattern = {{"in_proj", 4}, {R"(1\..*)", 2}};
  EXPECT_EQ(4, LayerSettings(config).rank("backbone.layers.1.in_proj"));
  std::swap(config.rank_pattern[0], config.rank_pattern[1]);
  EXPECT_EQ(2, LayerSettings(config).rank("backbone.layers.1.in_proj"));
}

// A map of a sweep has no order.
TEST(Targets, PatternsThatContradictEachOtherAreRefused) {
  const auto with = [](int rank) {
    return Value::Map{{"rank_pattern", Value::Map{{"in_proj", 4}, {R"(1\..*)", rank}}}};
  };
  EXPECT_EQ(Names{}, find(with(4)).warnings);
  EXPECT_EQ(
      R"(rank_pattern: '1\..*' and 'in_proj' both match 'backbone.layers.1.in_proj' and say )"
      "different things; a map of a sweep has no order, so write them so that one of them matches",
      error_of([&] { find(with(2)); }));
}

TEST(Targets, OfABareModelThePathsBeginThere) {
  const Names second = {"backbone.layers.1.in_proj", "backbone.layers.1.out_proj"};
  const auto bare = [](const Value::Map& values) { return find(values, true); };
  EXPECT_EQ(second, bare({{"target_modules", R"(layers\.1\..*_proj)"}}).linears);
  EXPECT_EQ(second, bare({{"exclude_modules", R"(layers\.[02]\..*)"}}).linears);
  EXPECT_EQ(second, bare({{"layers_to_transform", "1"}}).linears);
  EXPECT_EQ(Names{}, bare({{"rank_pattern", Value::Map{{"^layers.1.in_proj", 2}}}}).warnings);
  EXPECT_EQ(
      "target_modules: the expression 'backbone.layers.*' matches no layer of the model "
      "(its layers: embeddings, in_proj, out_proj)",
      error_of([&] {
        bare({{"target_modules", "backbone.layers.*"}});
      }));
}

TEST(Targets, EntriesThatMatchNothingAreSaid) {
  EXPECT_EQ((Names{"exclude_modules: 'out_porj' matches no module of the model; did you mean "
                   "'out_proj'? (known: embeddings, in_proj, out_proj)",
                   "layers_to_transform: the model has no layer 7 (its layers: 0 to 2)",
                   "rank_pattern: 'in_porj' matches no layer that is adapted; did you mean "
                   "'in_proj'? (known: in_proj, out_proj)",
                   "alpha_pattern: 'embeddings' matches no layer that is adapted "
                   "(known: in_proj, out_proj)"}),
            find({{"exclude_modules", Value::List{"out_porj"}},
                  {"layers_to_transform", Value::List{"0", "7"}},
                  {"rank_pattern", Value::Map{{"in_porj", 2}}},
                  {"alpha_pattern", Value::Map{{"embeddings", 2.0}}}})
                .warnings);
  EXPECT_EQ(Names{"exclude_modules: the expression 'out_proj' matches no module of the model"},
            find({{"exclude_modules", "out_proj"}}).warnings);
  EXPECT_EQ(Names{"target_modules: 'out_proj' matches only what exclude_modules leaves out"},
            find({{"target_modules", Value::List{"in_proj", "out_proj"}},
                  {"exclude_modules", Value::List{"out_proj"}}})
                .warnings);
}

TEST(Targets, SavedNamesSelectTheSameLayersAgain) {
  const auto names = [](const Value::Map& values) {
    TinyModel model(9, 4, 2);
    return target_names(model, find_targets(model, config_of(values), {}, {}));
  };
  EXPECT_EQ((Names{"in_proj", "out_proj"}), names({}));
  EXPECT_EQ((Names{"backbone.layers.1.in_proj", "backbone.layers.1.out_proj"}),
            names({{"layers_to_transform", "1"}}));
  TinyModel model(9, 4, 2);
  const auto targets = find_targets(model, config_of({{"layers_to_transform", "1"}}), {}, {});
  EXPECT_EQ((Names{"layers.1.in_proj", "layers.1.out_proj"}),
            target_names(model, targets, "backbone."));
}

}  // namespace
}  // namespace mvn::test
