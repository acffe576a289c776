#include "train/checkpoint/weights.h"

#include <gtest/gtest.h>

#include "common/files.h"
#include "common/json.h"
#include "mvn/linear.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

using test::error_of;
using Tensors = std::map<std::string, torch::Tensor>;

// A model of an embedding, two layers and a head tied to the embedding.
class Toy : public Model {
 public:
  explicit Toy(torch::Device device = torch::kCPU) {
    const auto options = torch::TensorOptions().device(device);
    auto base = register_module("base", std::make_shared<torch::nn::Module>("base"));
    base->register_module("embed", std::make_shared<Embedding>(5, 2, options));
    auto layers = base->register_module("layers", std::make_shared<torch::nn::ModuleListImpl>());
    for (int i = 0; i < 3; ++i) {
      layers->push_back(std::make_shared<Linear>(2, 2, /*has_bias=*/false, options));
    }
  }

  torch::Tensor forward(const torch::Tensor& ids, const torch::Tensor& /*mask*/) override {
    return ids;
  }
  torch::Tensor lm_logits(const torch::Tensor& hidden) override { return hidden; }
  [[nodiscard]] std::int64_t width() const override { return 2; }
  [[nodiscard]] std::int64_t vocabulary() const override { return 5; }
  [[nodiscard]] std::int64_t max_length() const override { return 0; }
  void initialise(torch::Generator /*generator*/) override {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : parameters()) parameter.fill_(0.5);
  }
  [[nodiscard]] std::vector<std::string> checkpoint_names(
      std::string_view parameter) const override {
    if (parameter == "base.embed.weight") return {"base.embed.weight", "lm_head.weight"};
    return {std::string(parameter)};
  }
  [[nodiscard]] bool ignores(std::string_view tensor) const override {
    return tensor.ends_with(".masked_bias");
  }
  [[nodiscard]] std::string base_prefix() const override { return "base."; }
  [[nodiscard]] Value::Map config(HeadKind /*head*/) const override {
    return {{"model_type", "toy"}};
  }
  [[nodiscard]] double forward_macs(std::int64_t /*length*/) const override { return 0; }
};

Tensors toy_tensors(const std::string& prefix = "base.") {
  Tensors tensors;
  tensors.emplace(prefix + "embed.weight", torch::arange(10, torch::kFloat32).reshape({5, 2}));
  for (int i = 0; i < 3; ++i) {
    tensors.emplace(prefix + "layers." + std::to_string(i) + ".weight",
                    torch::full({2, 2}, static_cast<float>(i)));
  }
  return tensors;
}

class WeightsTest : public ::testing::Test {
 protected:
  std::unique_ptr<Weights> weights_of(const Tensors& tensors) const {
    write_safetensors(folder_ / "model.safetensors", tensors);
    return open_weights(folder_.path());
  }

  // What loading these tensors into the toy says.
  std::string loading(const Tensors& tensors) const {
    return error_of([&] {
      Toy toy;
      load_weights(toy, nullptr, *weights_of(tensors));
    });
  }

  void expect_loads(const Weights& weights) const {
    Toy toy;
    load_weights(toy, nullptr, weights);
    for (const auto& [name, tensor] : toy_tensors()) {
      EXPECT_TRUE(torch::equal(toy.named_parameters()[name], tensor)) << name;
    }
  }

  std::string file() const { return (folder_ / "model.safetensors").string(); }

  test::TemporaryFolder folder_;
};

TEST_F(WeightsTest, LoadsWithAndWithoutThePrefix) {
  expect_loads(*weights_of(toy_tensors("base.")));
  expect_loads(*weights_of(toy_tensors("")));
}

TEST_F(WeightsTest, LoadsEitherNameOfATiedPair) {
  auto tensors = toy_tensors();
  tensors["lm_head.weight"] = tensors["base.embed.weight"].clone();
  expect_loads(*weights_of(tensors));
  tensors.erase("base.embed.weight");
  expect_loads(*weights_of(tensors));
}

TEST_F(WeightsTest, RefusesATiedPairThatDiffers) {
  auto tensors = toy_tensors();
  tensors["lm_head.weight"] = tensors["base.embed.weight"] + 1;
  EXPECT_EQ(loading(tensors),
            "model.weights: " + file() +
                ": 'base.embed.weight' and 'lm_head.weight' should be one tied tensor, but they "
                "differ");
}

TEST_F(WeightsTest, ConvertsOtherTypes) {
  for (const auto dtype : {torch::kFloat16, torch::kBFloat16, torch::kFloat64}) {
    auto tensors = toy_tensors();
    for (auto& [name, tensor] : tensors) tensor = tensor.to(dtype);
    expect_loads(*weights_of(tensors));
  }
}

TEST_F(WeightsTest, IgnoresWhatTheModelSaysAndAHeadThatNobodyAsksFor) {
  auto tensors = toy_tensors();
  tensors["base.layers.0.masked_bias"] = torch::zeros({});
  tensors["score.weight"] = torch::zeros({3, 2});
  expect_loads(*weights_of(tensors));
}

TEST_F(WeightsTest, LoadsAHeadThatFits) {
  auto tensors = toy_tensors();
  tensors["score.weight"] = torch::full({3, 2}, 7.0F);
  const auto weights = weights_of(tensors);
  torch::nn::Module fitting("head");
  auto score = fitting.register_module(
      "score", std::make_shared<Linear>(2, 3, /*has_bias=*/false, torch::kFloat32));
  torch::nn::Module other("head");
  auto other_score = other.register_module(
      "score", std::make_shared<Linear>(2, 4, /*has_bias=*/false, torch::kFloat32));
  torch::NoGradGuard no_grad;
  other_score->weight.fill_(1);
  Toy toy;
  load_weights(toy, &fitting, *weights);
  load_weights(toy, &other, *weights);
  EXPECT_TRUE(torch::equal(score->weight, torch::full({3, 2}, 7.0F)));
  EXPECT_TRUE(torch::equal(other_score->weight, torch::ones({4, 2})));
}

TEST_F(WeightsTest, ListsEverythingThatDoesNotFitAtOnce) {
  auto tensors = toy_tensors();
  tensors["base.embed.weight"] = torch::zeros({4, 2});
  for (const auto* layer : {"0", "1", "2"}) {
    const std::string name = "base.layers." + std::string(layer) + ".weight";
    tensors["base.layers." + std::string(layer) + ".wieght"] = tensors[name];
    tensors.erase(name);
  }
  tensors["base.extra"] = torch::zeros({1});
  EXPECT_EQ(loading(tensors),
            "model.weights: " + file() +
                " does not fit the model:\n"
                "  missing 'base.layers.{0-2}.weight' [2, 2] (nearest: 'base.layers.*.wieght')\n"
                "  wrong shape 'base.embed.weight': [4, 2] in the checkpoint, [5, 2] in the model\n"
                "  no place for 'base.extra' [1]\n"
                "  no place for 'base.layers.{0-2}.wieght' [2, 2] (nearest: "
                "'base.layers.*.weight')");
}

TEST_F(WeightsTest, NamesASingleLayer) {
  auto tensors = toy_tensors();
  tensors.erase("base.layers.1.weight");
  EXPECT_EQ(loading(tensors), "model.weights: " + file() +
                                  " does not fit the model:\n"
                                  "  missing 'base.layers.1.weight' [2, 2]");
}

TEST_F(WeightsTest, ChecksShapesWithoutAModelInMemory) {
  const auto weights = weights_of(toy_tensors());
  const Toy toy(torch::kMeta);
  EXPECT_NO_THROW(check_weights(toy, *weights));
}

TEST_F(WeightsTest, LoadsShards) {
  auto tensors = toy_tensors();
  Tensors first;
  first.insert(tensors.extract("base.embed.weight"));
  write_safetensors(folder_ / "model-00001-of-00002.safetensors", first);
  write_safetensors(folder_ / "model-00002-of-00002.safetensors", tensors);
  folder_.write("model.safetensors.index.json",
                R"({"metadata": {"total_size": 88}, "weight_map": {
                  "base.embed.weight": "model-00001-of-00002.safetensors",
                  "base.layers.0.weight": "model-00002-of-00002.safetensors",
                  "base.layers.1.weight": "model-00002-of-00002.safetensors",
                  "base.layers.2.weight": "model-00002-of-00002.safetensors"}})");
  expect_loads(*open_weights(folder_.path()));
  expect_loads(*open_weights(folder_ / "model.safetensors.index.json"));
}

TEST_F(WeightsTest, RefusesAnIndexThatLies) {
  write_safetensors(folder_ / "a.safetensors",
                    {{"x", torch::zeros({1})}, {"y", torch::zeros({1})}});
  const auto opening = [&](const std::string& weight_map) {
    const auto path =
        folder_.write("model.safetensors.index.json", "{\"weight_map\": " + weight_map + "}");
    std::string message = error_of([&] { open_weights(folder_.path()); });
    return message.starts_with(path.string()) ? message.substr(path.string().size()) : message;
  };
  const std::string plain = "' must be the plain name of a file in the same folder, not ";
  EXPECT_EQ(opening(R"({"x": "../a.safetensors"})"),
            ": the shard of 'x" + plain + "\"../a.safetensors\"");
  EXPECT_EQ(opening(R"({"x": "/etc/passwd"})"), ": the shard of 'x" + plain + "\"/etc/passwd\"");
  EXPECT_EQ(opening(R"({"x": ".."})"), ": the shard of 'x" + plain + "\"..\"");
  EXPECT_EQ(opening(R"({"x": 1})"), ": the shard of 'x" + plain + "1");
  EXPECT_EQ(opening("[]"), ": needs an object 'weight_map'");
  EXPECT_EQ(opening(R"({"z": "a.safetensors"})"),
            ": 'z' should be in a.safetensors, which does not hold it");
  EXPECT_EQ(opening(R"({"x": "a.safetensors"})"), ": does not name 'y' of a.safetensors");
}

TEST_F(WeightsTest, APointerOfGitLfsIsNoCheckpoint) {
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 548105171\n";
  for (const char* name : {"a.safetensors", "a.bin"}) {
    const auto path = folder_.write(name, pointer);
    EXPECT_EQ(error_of([&] { open_weights(path); }),
              path.string() +
                  ": is a Git LFS pointer, not the file of 548105171 bytes that it stands for; run "
                  "'git lfs pull' in the folder's repository");
  }
}

TEST_F(WeightsTest, SaysWhatIsNotThere) {
  const auto folder = folder_.path().string();
  EXPECT_EQ(error_of([&] { open_weights(folder_ / "none"); }),
            "model.weights: '" + folder + "/none' does not exist");
  EXPECT_EQ(error_of([&] { open_weights(folder_.path()); }),
            "model.weights: '" + folder +
                "' holds no weights; looked for model.safetensors, model.safetensors.index.json, "
                "pytorch_model.bin, pytorch_model.bin.index.json");
  folder_.write("weights.gguf", "");
  EXPECT_EQ(error_of([&] { open_weights(folder_ / "weights.gguf"); }),
            "model.weights: '" + folder +
                "/weights.gguf' is neither a folder nor a .safetensors, .bin or .index.json file");
  EXPECT_EQ(error_of([&] { read_model_config(folder_.path()); }),
            "model.weights: '" + folder + "' has no config.json; looked for '" + folder +
                "/config.json'");
}

TEST_F(WeightsTest, SavesWithThePrefixThatItsReaderExpects) {
  Toy toy;
  load_weights(toy, nullptr, *weights_of(toy_tensors()));
  torch::nn::Module head("head");
  auto score = head.register_module(
      "score", std::make_shared<Linear>(2, 3, /*has_bias=*/false, torch::kFloat32));
  const torch::NoGradGuard no_grad;
  score->weight.fill_(1);
  const auto names = [&](HeadKind kind, const torch::nn::Module* module) {
    save_model(toy, module, kind, {{"num_labels", 3}}, folder_ / "saved");
    std::string joined;
    const SafetensorsFile saved(folder_ / "saved/model.safetensors");
    for (const auto& [name, info] : saved.tensors()) joined += name + " ";
    return joined;
  };
  EXPECT_EQ(names(HeadKind::kClassification, &head),
            "base.embed.weight base.layers.0.weight base.layers.1.weight base.layers.2.weight "
            "score.weight ");
  EXPECT_EQ(names(HeadKind::kLanguageModel, nullptr),
            "base.embed.weight base.layers.0.weight base.layers.1.weight base.layers.2.weight ");
  EXPECT_EQ(names(HeadKind::kNone, nullptr),
            "embed.weight layers.0.weight layers.1.weight layers.2.weight ");
  EXPECT_EQ(to_json(Value(read_model_config(folder_ / "saved"))).dump(),
            R"({"model_type":"toy","num_labels":3,"torch_dtype":"float32"})");
  Toy again;
  load_weights(again, nullptr, *open_weights(folder_ / "saved"));
  EXPECT_TRUE(torch::equal(again.named_parameters()["base.embed.weight"],
                           toy.named_parameters()["base.embed.weight"]));
}

}  // namespace
}  // namespace mvn
