#include "orchestrate/store/label.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

using Labels = std::vector<std::string>;

TEST(LabelTest, NamesOnlyWhatVaries) {
  EXPECT_EQ(labels({{{"optimizer.lr", 0.001}, {"training.epochs", 3}},
                    {{"optimizer.lr", 1e-5}, {"training.epochs", 3}}}),
            (Labels{"lr=0.001", "lr=1e-05"}));
  EXPECT_EQ(labels({{{"training.epochs", 3}}}), Labels{"-"});
  EXPECT_EQ(labels({Json::object(), Json::object()}), (Labels{"-", "-"}));
  EXPECT_EQ(labels({}), Labels{});
}

TEST(LabelTest, TheSeedIsNotPartOfIt) {
  EXPECT_EQ(labels({{{"seed", 0}, {"a.b", 1}}, {{"seed", 1}, {"a.b", 2}}}), (Labels{"b=1", "b=2"}));
}

TEST(LabelTest, PluginsComeFirstUnderTheNameOfTheirSection) {
  EXPECT_EQ(labels({{{"adapter.r", 4}, {"model.plugin", "mamba"}},
                    {{"adapter.r", 8}, {"model.plugin", "gptneo"}},
                    {{"adapter.r", 16}, {"model.plugin", "mamba"}}}),
            (Labels{"model=mamba r=4", "model=gptneo r=8", "model=mamba r=16"}));
}

TEST(LabelTest, TheWholeKeyWhereTheShortOneIsNotUnique) {
  EXPECT_EQ(labels({{{"a.x", 1}, {"b.x", 3}}, {{"a.x", 2}, {"b.x", 4}}}),
            (Labels{"a.x=1 b.x=3", "a.x=2 b.x=4"}));
}

TEST(LabelTest, TextsThatFollowFromOthersAreLeftOut) {
  EXPECT_EQ(labels({{{"model.plugin", "mamba"}, {"model.weights", "../models/mamba-130m-hf"}},
                    {{"model.plugin", "gptneo"}, {"model.weights", "../models/gpt-neo-125m"}}}),
            (Labels{"model=mamba", "model=gptneo"}));
}

TEST(LabelTest, NumbersAreNeverLeftOut) {
  EXPECT_EQ(labels({{{"adapter.r", 4}, {"optimizer.lr", 0.1}},
                    {{"adapter.r", 8}, {"optimizer.lr", 0.2}}}),
            (Labels{"r=4 lr=0.1", "r=8 lr=0.2"}));
}

TEST(LabelTest, OfPathsThePartThatDiffersIsShown) {
  EXPECT_EQ(
      labels({{{"task.train", "data/sst2/train.tsv"}}, {{"task.train", "data/trec/train.tsv"}}}),
      (Labels{"train=sst2", "train=trec"}));
  EXPECT_EQ(labels({{{"model.weights", "/m/a"}}, {{"model.weights", "/m/b/c"}}}),
            (Labels{"weights=a", "weights=b/c"}));
}

TEST(LabelTest, AReferenceToATrialIsShort) {
  const std::string id = "0123456789abcdef";
  EXPECT_EQ(labels({{{"model.weights", {{"trial", id}}}}, {{"model.weights", {{"trial", "ff"}}}}}),
            (Labels{"weights=trial:0123456789ab", "weights=trial:ff"}));
}

TEST(LabelTest, OfMapsWhatDiffersInsideIsNamed) {
  const auto config = [](int width, int layers) {
    const Json types = {{{"global", "local"}, layers / 2}};
    return Json{{"model.config",
                 {{"hidden_size", width},
                  {"num_layers", layers},
                  {"attention_types", types},
                  {"vocab", 100}}}};
  };
  EXPECT_EQ(labels({config(192, 4), config(256, 6)}),
            (Labels{"hidden_size=192 num_layers=4", "hidden_size=256 num_layers=6"}));
  // A section, and a key within it that is an axis of its own.
  EXPECT_EQ(labels({{{"adapter", {{"plugin", "none"}}}},
                    {{"adapter", {{"plugin", "lora"}, {"r", 8}}}, {"adapter.r", 4}},
                    {{"adapter", {{"plugin", "lora"}, {"r", 8}}}, {"adapter.r", 16}}}),
            (Labels{"adapter=none r=-", "adapter=lora r=4", "adapter=lora r=16"}));
}

TEST(LabelTest, KeysThatOneModelAloneHasAreLeftOutBesideTheModel) {
  const auto of = [](const Json& config, double rate) {
    return Json{{"model", config}, {"optimizer.lr", rate}};
  };
  const Json mamba = {{"plugin", "mamba"}, {"config", {{"num_hidden_layers", 4}}}};
  const Json gptneo = {{"plugin", "gptneo"}, {"config", {{"num_layers", 2}, {"num_heads", 4}}}};
  EXPECT_EQ(labels({of(mamba, 1), of(mamba, 2), of(gptneo, 3)}),
            (Labels{"model=mamba lr=1.0", "model=mamba lr=2.0", "model=gptneo lr=3.0"}));
  EXPECT_EQ(labels({of(mamba, 1), of(gptneo, 1), of({{"plugin", "gptneo"}}, 1)}),
            (Labels{"model=mamba num_heads=- num_layers=-", "model=gptneo num_heads=4 num_layers=2",
                    "model=gptneo num_heads=- num_layers=-"}));
}

TEST(LabelTest, ListsComeLast) {
  EXPECT_EQ(labels({{{"a.modules", {"q", "v"}}, {"a.r", 1}},
                    {{"a.modules", {"q"}}, {"a.r", 1}},
                    {{"a.modules", {"k"}}, {"a.r", 2}}}),
            (Labels{R"(r=1 modules=["q","v"])", R"(r=1 modules=["q"])", R"(r=2 modules=["k"])"}));
}

TEST(LabelTest, AWholeNameSaysStageAndSeedWhereThereAreAny) {
  EXPECT_EQ((TrialNames{"s", true}("classify", "lr=1", 2)), "classify lr=1 seed=2");
  EXPECT_EQ((TrialNames{"s", false}("", kNoLabel, 2)), "s");
}

TEST(LabelTest, AKeyThatATrialLacksIsADashAndNullIsNull) {
  EXPECT_EQ(labels({{{"args.a", nullptr}}, {{"args.a", 1}}, Json::object()}),
            (Labels{"a=null", "a=1", "a=-"}));
  EXPECT_EQ(labels({{{"adapter.r", 4}}, Json::object()}), (Labels{"r=4", "r=-"}));
}

}  // namespace
}  // namespace mvn
