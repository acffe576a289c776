// What must hold of a forward pass whatever the weights.
#include <gtest/gtest.h>

#include "mvn/real_tokens.h"
#include "support/error_of.h"
#include "support/gpu.h"
#include "support/parse.h"
#include "support/plugin_library.h"
#include "support/tensors.h"
#include "support/value_reads.h"

namespace mvn {
namespace {

using test::make_model;
using test::parse;
using test::relative_error;
using torch::Tensor;

struct Case {
  const char* plugin;
  const char* config;
};

constexpr Case kCases[] = {
    {"mamba", R"({"hidden_size": 16, "vocab_size": 32, "num_hidden_layers": 2})"},
    {"gptneo", R"({"hidden_size": 16, "vocab_size": 32, "num_layers": 2, "num_heads": 2,
                   "window_size": 4, "max_position_embeddings": 32})"},
    {"mistral", R"({"hidden_size": 16, "vocab_size": 32, "num_hidden_layers": 2,
                    "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 24,
                    "sliding_window": 4})"},
};

// A model whose parts all matter: its start, made larger and noisier.
std::shared_ptr<Model> noisy(const Case& c, const torch::TensorOptions& options) {
  auto model = make_model(c.plugin, parse(c.config), options);
  auto generator = torch::make_generator<torch::CPUGeneratorImpl>(7);
  model->initialise(generator);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : model->parameters()) {
    parameter.add_(0.2 * torch::randn(parameter.sizes(), generator, options));
  }
  return model;
}

Tensor ids_of(std::int64_t batch, std::int64_t length) {
  return torch::arange(batch * length).mul(7).remainder(31).reshape({batch, length});
}

class Forward : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Models, Forward, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.plugin); });

TEST_P(Forward, PaddingOnEitherSideChangesNoRealToken) {
  const auto model = noisy(GetParam(), torch::kFloat64);
  model->eval();
  const auto ids = ids_of(1, 9);
  const auto alone = model->forward(ids, torch::ones({1, 9}, torch::kBool));
  const auto padding = torch::full({1, 4}, 3, torch::kInt64);
  const auto on = torch::ones({1, 9}, torch::kBool);
  const auto off = torch::zeros({1, 4}, torch::kBool);
  const auto right = model->forward(torch::cat({ids, padding}, 1), torch::cat({on, off}, 1));
  EXPECT_TRUE(torch::allclose(right.narrow(1, 0, 9), alone, 1e-10, 1e-10));
  // GPT-Neo counts positions from the first column, so padding on the left moves them.
  if (std::string(GetParam().plugin) == "gptneo") return;
  const auto left = model->forward(torch::cat({padding, ids}, 1), torch::cat({off, on}, 1));
  // Mistral's rotations are float32 numbers, as the reference's.
  EXPECT_TRUE(torch::allclose(left.narrow(1, 4, 9), alone, 1e-6, 1e-6));
}

TEST_P(Forward, IsCausal) {
  const auto model = noisy(GetParam(), torch::kFloat64);
  model->eval();
  const auto mask = torch::ones({2, 12}, torch::kBool);
  const auto ids = ids_of(2, 12);
  auto changed = ids.clone();
  changed.narrow(1, 8, 4).fill_(1);
  const auto before = model->forward(ids, mask);
  const auto after = model->forward(changed, mask);
  EXPECT_TRUE(torch::equal(before.narrow(1, 0, 8), after.narrow(1, 0, 8)));
  EXPECT_FALSE(torch::equal(before.narrow(1, 8, 4), after.narrow(1, 8, 4)));
}

// Central differences in float64 along a random direction of all parameters at once.
TEST_P(Forward, GradientsMatchFiniteDifferences) {
  const auto model = noisy(GetParam(), torch::kFloat64);
  const auto ids = ids_of(2, 7);
  const auto mask = torch::arange(7).unsqueeze(0) < torch::tensor({7, 4}).unsqueeze(1);
  auto generator = torch::make_generator<torch::CPUGeneratorImpl>(3);
  const auto weights = torch::randn({2, 7, 32}, generator, torch::kFloat64) * mask.unsqueeze(-1);
  const auto loss = [&] { return (model->lm_logits(model->forward(ids, mask)) * weights).sum(); };
  loss().backward();
  const torch::NoGradGuard no_grad;
  constexpr double kStep = 1e-6;
  for (auto& parameter : model->named_parameters()) {
    const auto direction = torch::randn(parameter.value().sizes(), generator, torch::kFloat64);
    const double expected = (parameter.value().grad() * direction).sum().item<double>();
    parameter.value().add_(kStep * direction);
    const double up = loss().item<double>();
    parameter.value().sub_(2 * kStep * direction);
    const double down = loss().item<double>();
    parameter.value().add_(kStep * direction);
    EXPECT_NEAR((up - down) / (2 * kStep), expected, 1e-5 * std::max(1.0, std::abs(expected)))
        << parameter.key();
  }
}

TEST_P(Forward, ReadsNoValuesWhereTheTokensAreKnown) {
  const auto model = noisy(GetParam(), torch::kFloat32);
  const auto ids = ids_of(3, 9);
  const auto mask = torch::arange(9).unsqueeze(0) < torch::tensor({9, 3, 5}).unsqueeze(1);
  const auto positions = torch::tensor({8, 2, 4});
  const auto reads = [&] {
    const test::ValueReads counted;
    (model->forward_at(ids, mask, positions).sum() + model->forward(ids, mask).sum()).backward();
    return test::ValueReads::names();
  };
  EXPECT_FALSE(reads().empty());
  const KnownTokens known(mask, real_tokens(ids, mask));
  EXPECT_EQ(std::set<std::string>{}, reads());
}

TEST_P(Forward, AGpuGivesTheSame) {
  if (const auto reason = test::no_gpu(); !reason.empty()) GTEST_SKIP() << reason;
  const auto model = noisy(GetParam(), torch::kFloat32);
  const auto ids = ids_of(3, 20);
  const auto mask = torch::arange(20).unsqueeze(0) < torch::tensor({20, 3, 11}).unsqueeze(1);
  const auto run = [&](torch::Device device) {
    model->zero_grad();
    model->to(device);
    const auto hidden =
        model->forward(ids.to(device), mask.to(device)) * mask.to(device).unsqueeze(-1);
    hidden.square().sum().backward();
    std::vector<Tensor> all = {hidden.detach().cpu()};
    for (const auto& parameter : model->parameters()) {
      // An output head of its own has no part in the hidden states.
      if (parameter.grad().defined()) all.push_back(parameter.grad().cpu());
    }
    return all;
  };
  const auto here = run(torch::kCPU);
  const auto there = run(torch::kCUDA);
  ASSERT_EQ(here.size(), there.size());
  for (std::size_t i = 0; i < here.size(); ++i) {
    EXPECT_LT(relative_error(here[i], there[i]), 1e-4) << i;
  }
}

TEST_P(Forward, IsTheSameForAnyNumberOfThreads) {
  const auto model = noisy(GetParam(), torch::kFloat32);
  const auto ids = ids_of(5, 20);
  const auto mask = torch::arange(20).unsqueeze(0) < torch::tensor({20, 3, 11, 1, 17}).unsqueeze(1);
  const auto run = [&](int threads) {
    torch::set_num_threads(threads);
    model->zero_grad();
    const auto hidden = model->forward(ids, mask);
    hidden.square().sum().backward();
    std::vector<Tensor> results = {hidden.detach()};
    for (const auto& parameter : model->parameters()) {
      // An output head of its own has no part in the hidden states.
      if (parameter.grad().defined()) results.push_back(parameter.grad().clone());
    }
    return results;
  };
  const auto one = run(1);
  const auto two = run(2);
  ASSERT_EQ(one.size(), two.size());
  // LibTorch itself splits the gradient of a layer norm's weight among its threads.
  EXPECT_TRUE(torch::equal(one[0], two[0]));
  for (std::size_t i = 1; i < one.size(); ++i) {
    EXPECT_TRUE(torch::allclose(one[i], two[i], 1e-4, 1e-5)) << i;
  }
}

// Padding on both sides, a single token, a window that hides most of the text: forward() and its
// gradients, of the one token of each row that is asked for.
TEST_P(Forward, OfOneTokenARowIsTheForwardPassThere) {
  const auto model = noisy(GetParam(), torch::kFloat64);
  const auto ids = ids_of(4, 12);
  const auto column = torch::arange(12).unsqueeze(0);
  const auto first = torch::tensor({0, 0, 11, 3}).unsqueeze(1);
  const auto last = torch::tensor({11, 0, 11, 8});
  const auto mask = (column >= first) & (column <= last.unsqueeze(1));
  for (const auto& positions : {last, torch::tensor({5, 0, 11, 3})}) {
    const auto run = [&](bool alone) {
      model->zero_grad();
      const auto hidden = alone ? model->forward_at(ids, mask, positions)
                                : model->Model::forward_at(ids, mask, positions);
      hidden.square().sum().backward();
      std::vector<Tensor> results = {hidden.detach()};
      for (const auto& parameter : model->parameters()) {
        if (parameter.grad().defined()) results.push_back(parameter.grad().clone());
      }
      return results;
    };
    const auto expected = run(false);
    const auto got = run(true);
    ASSERT_EQ(expected.size(), got.size());
    EXPECT_EQ((std::vector<std::int64_t>{4, model->width()}), got[0].sizes().vec());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(torch::allclose(expected[i], got[i], 1e-6, 1e-8)) << i;
    }
  }
}

TEST_P(Forward, OfOneTokenARowNeedsNoMask) {
  const auto model = noisy(GetParam(), torch::kFloat64);
  const torch::NoGradGuard no_grad;
  for (const std::int64_t length : {1, 9}) {
    const auto ids = ids_of(2, length);
    const auto positions = torch::tensor({length - 1, length / 2});
    EXPECT_TRUE(torch::allclose(model->forward(ids, {}).index({torch::arange(2), positions}),
                                model->forward_at(ids, {}, positions), 1e-6, 1e-8));
  }
}

// As a step with adapters has it: packed weights, and one token a row, in either precision.
TEST_P(Forward, FrozenModelsAgreeWithFloat64) {
  const auto wide = noisy(GetParam(), torch::kFloat64);
  const auto ids = ids_of(3, 25);
  const auto column = torch::arange(25).unsqueeze(0);
  const auto first = torch::tensor({0, 20, 3}).unsqueeze(1);
  const auto last = torch::tensor({24, 24, 3});
  const auto mask = (column >= first) & (column <= last.unsqueeze(1));
  const torch::NoGradGuard no_grad;
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    const auto narrow = make_model(GetParam().plugin, parse(GetParam().config), type);
    auto values = narrow->named_parameters();
    for (auto& parameter : wide->named_parameters()) {
      values[parameter.key()].copy_(parameter.value());
      values[parameter.key()].requires_grad_(false);
      parameter.value().copy_(values[parameter.key()]);
    }
    const auto expected = wide->Model::forward_at(ids, mask, last);
    EXPECT_LT(relative_error(expected, narrow->forward_at(ids, mask, last)),
              type == torch::kFloat32 ? 1e-5 : 2e-2);
  }
}

// float32 on a CPU takes the fused scan, float64 the plain one.
TEST_P(Forward, AgreesBetweenFloat32AndFloat64) {
  const auto narrow = noisy(GetParam(), torch::kFloat32);
  const auto wide = make_model(GetParam().plugin, parse(GetParam().config), torch::kFloat64);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : wide->named_parameters()) {
    parameter.value().copy_(narrow->named_parameters()[parameter.key()]);
  }
  const auto ids = ids_of(3, 25);
  const auto mask = torch::arange(25).unsqueeze(0) < torch::tensor({25, 2, 14}).unsqueeze(1);
  const auto a = narrow->forward(ids, mask).index({mask});
  const auto b = wide->forward(ids, mask).index({mask});
  EXPECT_LT(relative_error(b, a), 1e-5);
}

TEST(GptNeoForward, RefusesMoreTokensThanPositions) {
  const auto model = noisy(kCases[1], torch::kFloat32);
  const auto ids = ids_of(1, 33);
  EXPECT_EQ(test::error_of([&] { model->forward(ids, torch::ones_like(ids, torch::kBool)); }),
            "gptneo: an input of 33 tokens, but the model has 32 positions "
            "(max_position_embeddings)");
}

TEST(GptNeoForward, DropsOnlyInTraining) {
  auto config = parse(kCases[1].config);
  for (const auto* key : {"embed_dropout", "attention_dropout", "resid_dropout"}) config[key] = 0.5;
  const auto model = make_model("gptneo", config);
  model->initialise(torch::make_generator<torch::CPUGeneratorImpl>(7));
  const auto ids = ids_of(1, 8);
  const auto mask = torch::ones({1, 8}, torch::kBool);
  model->eval();
  EXPECT_TRUE(torch::equal(model->forward(ids, mask), model->forward(ids, mask)));
  model->train();
  EXPECT_FALSE(torch::equal(model->forward(ids, mask), model->forward(ids, mask)));
}

}  // namespace
}  // namespace mvn
