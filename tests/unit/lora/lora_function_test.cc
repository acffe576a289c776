#include "lora_function.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "cuda/dropout.h"
#include "dropout.h"
#include "dropout_mask.h"
#include "lora_cpu.h"
#include "mvn/cpu_isa.h"
#include "support/dispatched.h"
#include "support/gpu.h"
#include "support/tensors.h"
#include "support/threads.h"
#include "thin_products.h"

namespace mvn::test {
namespace {

using torch::Tensor;

// x, weight, bias, A, B.
std::vector<Tensor> random_arguments(std::vector<std::int64_t> rows, std::int64_t in,
                                     std::int64_t out, std::int64_t r, torch::ScalarType type) {
  rows.push_back(in);
  std::vector<Tensor> all = {torch::randn(rows, generator(1)),
                             torch::randn({out, in}, generator(2)),
                             torch::randn({out}, generator(3)), torch::randn({r, in}, generator(4)),
                             torch::randn({out, r}, generator(5))};
  for (std::size_t i = 0; i < 3; ++i) all[i] = all[i].to(type);
  for (const std::size_t i : {0, 3, 4}) all[i].requires_grad_(true);
  return all;
}

struct Result {
  Tensor y, d_x, d_a, d_b;
};

// The gradients of a weighted sum of the output.
Result with_gradients(const Tensor& y, const std::vector<Tensor>& arguments) {
  const auto weights = torch::randn(y.sizes(), generator(6)).to(y.options());
  const auto gradients =
      torch::autograd::grad({(y * weights).sum()}, {arguments[0], arguments[3], arguments[4]});
  return {y.detach(), gradients[0], gradients[1], gradients[2]};
}

// With the mask that the seeded default generator makes.
Result plain(const std::vector<Tensor>& arguments, double scaling, double p) {
  torch::manual_seed(7);
  const auto mask = drop(torch::ones_like(arguments[0]), draw_dropout(p)).to(torch::kDouble);
  std::vector<Tensor> wide;
  for (const auto& each : arguments) {
    wide.push_back(each.detach().to(torch::kDouble).requires_grad_(each.requires_grad()));
  }
  const auto inner = (wide[0] * mask).matmul(wide[3].t());
  return with_gradients(
      torch::linear(wide[0], wide[1], wide[2]) + scaling * inner.matmul(wide[4].t()), wide);
}

Result fused(const std::vector<Tensor>& arguments, double scaling, double p) {
  torch::manual_seed(7);
  return with_gradients(
      lora_linear(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], scaling, p),
      arguments);
}

void expect_agreement(const Result& expected, const Result& got, double bound) {
  EXPECT_LT(relative_error(expected.y, got.y), bound);
  EXPECT_LT(relative_error(expected.d_x, got.d_x), bound);
  EXPECT_LT(relative_error(expected.d_a, got.d_a), bound);
  EXPECT_LT(relative_error(expected.d_b, got.d_b), bound);
}

// On a GPU each is a launch, and the dropout is one more.
TEST(LoraFunction, IsFewOperations) {
  const std::map<std::string, int> floats = {
      {"aten::mm", 1}, {"aten::addmm", 1}, {"aten::addmm_", 1}};
  auto halves = floats;
  halves["aten::copy_"] = 2;
  halves["aten::sub"] = 2;
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    const auto arguments = random_arguments({7}, 67, 45, 3, type);
    const auto& [x, weight, bias, a, b] =
        std::tie(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4]);
    const Dispatched counted;
    static_cast<void>(lora_linear(x, weight, bias, a, b, 2, 0.1));
    EXPECT_EQ(type == torch::kFloat32 ? floats : halves, Dispatched::counts()) << type;
  }
}

TEST(LoraFunction, IsTheCompositionInFloat64) {
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    for (const double p : {0.0, 0.3}) {
      for (const auto& rows : std::vector<std::vector<std::int64_t>>{{1}, {7}, {3, 1}, {2, 65}}) {
        const auto arguments = random_arguments(rows, 67, 45, 3, type);
        expect_agreement(plain(arguments, 2, p), fused(arguments, 2, p),
                         type == torch::kFloat32 ? 1e-5 : 2e-2);
      }
    }
  }
}

void skip_without_gpu() {
  const auto reason =
      no_gpu([] { return gpu::has_dropout(0) ? "" : "the dropout was not compiled for this GPU"; });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(LoraFunction, IsTheCompositionOnAGpuToo) {
  skip_without_gpu();
  if (testing::Test::IsSkipped()) return;
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    for (const double p : {0.0, 0.3}) {
      const auto arguments = random_arguments({2, 65}, 67, 45, 3, type);
      auto there = arguments;
      for (auto& each : there) {
        each = each.detach().to(torch::kCUDA).requires_grad_(each.requires_grad());
      }
      EXPECT_TRUE(can_fuse_lora(there[0], there[1], there[2], there[3]));
      const auto got = fused(there, 2, p);
      expect_agreement(plain(arguments, 2, p),
                       {got.y.cpu(), got.d_x.cpu(), got.d_a.cpu(), got.d_b.cpu()},
                       type == torch::kFloat32 ? 1e-5 : 2e-2);
    }
  }
}

TEST(Dropout, AGpuDropsTheSame) {
  skip_without_gpu();
  if (testing::Test::IsSkipped()) return;
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    auto x = torch::randn({300, 77}, generator(1)).to(type);
    auto there = x.to(torch::kCUDA);
    EXPECT_TRUE(torch::equal(drop(x, {0.1, 42}), drop(there, {0.1, 42}).cpu()));
    drop_in_place(x, {0.1, 42});
    drop_in_place(there, {0.1, 42});
    EXPECT_TRUE(torch::equal(x, there.cpu()));
  }
}

TEST(Dropout, AMovedMaskIsThatOfTheSum) {
  const Mask mask = {.low = 0xfffffff0U, .high = 7, .threshold = 1, .scale = 2};
  const Mask sum = moved(mask, (std::uint64_t{3} << 32U) + 0x20U);
  EXPECT_EQ(sum.low, 0x10U);
  EXPECT_EQ(sum.high, 11U);
  EXPECT_EQ(sum.threshold, 1U);
}

TEST(Dropout, AGpuAddsTheStepToTheSeed) {
  skip_without_gpu();
  if (testing::Test::IsSkipped()) return;
  const auto x = torch::randn({300, 77}, generator(1));
  const auto step = torch::tensor(40, torch::dtype(torch::kInt64).device(torch::kCUDA));
  EXPECT_TRUE(torch::equal(drop(x, {0.1, 42}), drop(x.to(torch::kCUDA), {0.1, 2, step}).cpu()));
}

TEST(LoraFunction, DoesNotDependOnTheNumberOfThreads) {
  const auto arguments = random_arguments({400}, 256, 128, 4, torch::kFloat32);
  const int threads = torch::get_num_threads();
  torch::set_num_threads(1);
  const auto mask = drop(arguments[0].detach(), {0.1, 42});
  torch::set_num_threads(3);
  EXPECT_TRUE(torch::equal(mask, drop(arguments[0].detach(), {0.1, 42})));
  torch::set_num_threads(threads);
}

TEST(LoraFunction, StandsAsideWhereTheBaseIsTrained) {
  auto arguments = random_arguments({2}, 4, 4, 2, torch::kFloat32);
  EXPECT_TRUE(can_fuse_lora(arguments[0], arguments[1], arguments[2], arguments[3]));
  arguments[1].requires_grad_(true);
  EXPECT_FALSE(can_fuse_lora(arguments[0], arguments[1], arguments[2], arguments[3]));
}

Result fused_on_cpu(const std::vector<Tensor>& arguments, double scaling, double p) {
  torch::manual_seed(7);
  return with_gradients(
      lora_linear_cpu(arguments[0], c10::make_intrusive<FrozenWeight>(arguments[1]), arguments[2],
                      arguments[3], arguments[4], scaling, p),
      arguments);
}

struct Sizes {
  std::vector<std::int64_t> rows;
  std::int64_t in, out, r;
};

TEST(LoraOnCpu, IsTheCompositionInFloat64) {
  const std::vector<Sizes> all = {{{1}, 67, 45, 3},       {{7}, 16, 64, 16},
                                  {{3, 1}, 1, 1, 1},      {{2, 65}, 67, 45, 3},
                                  {{5, 7}, 130, 523, 17}, {{29}, 1030, 80, 40}};
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    for (const double p : {0.0, 0.3}) {
      for (const auto& [rows, in, out, r] : all) {
        const auto arguments = random_arguments(rows, in, out, r, type);
        expect_agreement(plain(arguments, 2, p), fused_on_cpu(arguments, 2, p),
                         type == torch::kFloat32 ? 1e-5 : 2e-2);
      }
    }
  }
}

TEST(LoraOnCpu, DoesNotDependOnTheNumberOfThreads) {
  const int threads = torch::get_num_threads();
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    const auto arguments = random_arguments({401}, 768, 769, 16, type);
    torch::set_num_threads(1);
    const auto alone = fused_on_cpu(arguments, 2, 0.1);
    torch::set_num_threads(3);
    const auto together = fused_on_cpu(arguments, 2, 0.1);
    expect_same(alone.y, together.y, type);
    expect_same(alone.d_x, together.d_x, type);
    expect_same(alone.d_a, together.d_a, type);
    expect_same(alone.d_b, together.d_b, type);
  }
  torch::set_num_threads(threads);
}

// The instruction sets that this processor has.
std::vector<const ThinKernels*> instruction_sets() {
  std::vector<const ThinKernels*> all = {&kThinPortable};
#if defined(__x86_64__)
  if (processor_isa() >= CpuIsa::kAvx2) all.push_back(&kThinAvx2);
  if (processor_isa() >= CpuIsa::kAvx512) all.push_back(&kThinAvx512);
  if (processor_isa() >= CpuIsa::kAvx512Bf16) all.push_back(&kThinAvx512Bf16);
#endif
  return all;
}

TEST(ThinProducts, AreThoseOfTheBestInstructionSet) {
  EXPECT_EQ(name_of(best_isa()), thin_kernels().name);
}

std::uint32_t* words(const Tensor& mask) { return static_cast<std::uint32_t*>(mask.data_ptr()); }

const Dropout kDropout = {.p = 0.3, .seed = (5ULL << 32U) + 3};

Tensor draw(const ThinKernels& kernels, std::int64_t rows, std::int64_t features) {
  auto mask = torch::zeros({rows, mask_words(features)}, torch::kInt32);
  const MaskRule rule = {.low = 3, .high = 5, .threshold = 1288490189U};
  kernels.draw(rule, words(mask), features, 0, rows);
  return mask;
}

// 0 and 1 [rows, features], as thin_products.h says where their bits lie.
Tensor unpacked(const Tensor& mask, std::int64_t features) {
  const auto feature = torch::arange(features);
  const auto in_span = feature % kMaskSpan;
  const auto word = feature.div(kMaskSpan, "floor") * kThinLanes + in_span % kThinLanes;
  const auto bit = in_span.div(kThinLanes, "floor").to(torch::kInt32);
  return mask.index_select(1, word).bitwise_right_shift(bit).bitwise_and(1).to(torch::kBool);
}

TEST(ThinProducts, EveryInstructionSetDrawsTheMaskOfTheDropout) {
  for (const std::int64_t features : {1, 67, 512, 1030}) {
    const auto expected = drop(torch::ones({9, features}), kDropout) != 0;
    for (const auto* kernels : instruction_sets()) {
      EXPECT_TRUE(torch::equal(expected, unpacked(draw(*kernels, 9, features), features)))
          << kernels->name << ", " << features;
    }
  }
}

TEST(ThinProducts, EveryInstructionSetTransposes) {
  for (const auto* set : instruction_sets()) {
    for (const auto& [rows, columns] :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1}, {16, 67}, {3, 130}, {48, 16}}) {
      const auto from = torch::randn({rows, columns + 5}, generator(1));
      auto to = torch::full({columns, rows + 2}, 7.0F);
      set->scale_transposed(from.data_ptr<float>(), columns + 5, rows, columns, 2,
                            to.data_ptr<float>(), rows + 2);
      EXPECT_TRUE(torch::equal(from.narrow(1, 0, columns).t() * 2, to.narrow(1, 0, rows)));
      EXPECT_TRUE((to.narrow(1, rows, 2) == 7).all().item<bool>()) << set->name;
    }
  }
}

struct ThinCase {
  std::int64_t rows, features, rank;
};

template <typename Real>
void expect_thin_products(const ThinKernels& set, const ThinProducts<Real>& kernels,
                          const ThinCase& given, torch::ScalarType type, double bound) {
  SCOPED_TRACE(testing::Message() << set.name << ": " << given.rows << ", " << given.features
                                  << ", " << given.rank);
  const auto& [rows, features, rank] = given;
  const auto x = torch::randn({rows, features}, generator(1)).to(type);
  const auto thin = torch::randn({features, rank}, generator(2));
  const auto wide = torch::randn({rank, thin_padded(features)}, generator(3));
  const auto inner = torch::randn({rows, rank}, generator(4));
  const auto mask = draw(kThinPortable, rows, features);
  const auto kept = unpacked(mask, features).to(torch::kDouble);
  const auto masked = kept * x.to(torch::kDouble);
  const auto elements = [](const Tensor& each) { return static_cast<Real*>(each.data_ptr()); };

  auto reduced = torch::full_like(inner, NAN);
  kernels.reduce(elements(x), words(mask), thin.data_ptr<float>(), reduced.data_ptr<float>(),
                 features, rank, 0, rows);
  EXPECT_LT(relative_error(masked.mm(thin.to(torch::kDouble)), reduced), bound);
  auto y = x.clone();
  kernels.spread(inner.data_ptr<float>(), words(mask), wide.data_ptr<float>(), elements(y),
                 features, rank, 0, rows);
  const auto update = inner.to(torch::kDouble).mm(wide.narrow(1, 0, features).to(torch::kDouble));
  EXPECT_LT(relative_error(x.to(torch::kDouble) + kept * update, y), bound);
  auto collected = torch::full_like(wide, NAN);
  kernels.collect(inner.data_ptr<float>(), elements(x), words(mask), collected.data_ptr<float>(),
                  rows, features, rank, 0, features);
  EXPECT_LT(
      relative_error(inner.to(torch::kDouble).t().mm(masked), collected.narrow(1, 0, features)),
      bound);
}

// PEFT's adapters stay in float32 beside a base in bfloat16.
TEST(ThinProducts, ForwardNoInstructionSetRoundsTheAdapter) {
  const auto x = torch::randn({13, 530}, generator(1)).to(torch::kBFloat16);
  const auto thin = torch::randn({530, 16}, generator(2));
  for (const auto* set : instruction_sets()) {
    auto inner = torch::empty({13, 16});
    set->halves.reduce(static_cast<const Half*>(x.const_data_ptr()), nullptr,
                       thin.data_ptr<float>(), inner.data_ptr<float>(), 530, 16, 0, 13);
    EXPECT_LT(relative_error(x.to(torch::kDouble).mm(thin.to(torch::kDouble)), inner), 2e-5)
        << set->name;
  }
}

// Rounded to bfloat16 as a number, this NaN would be -0.
TEST(ThinProducts, ANaNStaysOneInBfloat16) {
  const auto inner =
      torch::full({7, 16}, 0x7fffffff, torch::kInt32).view(torch::kFloat32).contiguous();
  const auto wide = torch::ones({16, thin_padded(37)});
  for (const auto* set : instruction_sets()) {
    for (const auto* kernels : {&set->halves, &set->half_gradients}) {
      auto y = torch::ones({7, 37}, torch::kBFloat16);
      kernels->spread(inner.const_data_ptr<float>(), nullptr, wide.const_data_ptr<float>(),
                      static_cast<Half*>(y.data_ptr()), 37, 16, 0, 7);
      EXPECT_TRUE(y.isnan().all().item<bool>()) << set->name;
    }
  }
}

TEST(Dropout, EveryInstructionSetDropsTheSame) {
  const Mask mask{.low = 3, .high = 5, .threshold = 1288490189U, .scale = 1 / 0.7F};
  const auto x = torch::randn({1001}, generator(1)).to(torch::kBFloat16);
  const auto wide = x.to(torch::kFloat32);
  const auto halves_of = [](const Tensor& each) { return static_cast<Half*>(each.data_ptr()); };
  const auto expected = torch::empty_like(wide);
  for (std::int64_t i = 0; i < 1001; ++i) {
    expected[i] = dropped(wide[i].item<float>(), static_cast<std::uint32_t>(i), mask);
  }
  for (const auto* set : instruction_sets()) {
    const auto floats = torch::empty_like(wide);
    set->drop_floats(wide.data_ptr<float>(), floats.data_ptr<float>(), 0, 1001, mask);
    EXPECT_TRUE(torch::equal(expected, floats)) << set->name;
    set->drop_halves(halves_of(x), floats.data_ptr<float>(), 0, 1001, mask);
    EXPECT_TRUE(torch::equal(expected, floats)) << set->name;
    const auto in_place = x.clone();
    set->drop_halves_in_place(halves_of(in_place), 0, 1001, mask);
    EXPECT_TRUE(torch::equal(expected.to(torch::kBFloat16), in_place)) << set->name;
  }
}

TEST(ThinProducts, EveryInstructionSetComputesTheProductsOfFloat64) {
  const std::vector<ThinCase> cases = {{1, 1, 16},    {13, 67, 32},  {29, 130, 16},
                                       {70, 530, 32}, {65, 256, 16}, {9, 300, 48}};
  for (const auto* set : instruction_sets()) {
    for (const auto& given : cases) {
      expect_thin_products(*set, set->floats, given, torch::kFloat32, 1e-5);
      expect_thin_products(*set, set->halves, given, torch::kBFloat16, 2e-2);
      expect_thin_products(*set, set->half_gradients, given, torch::kBFloat16, 2e-2);
    }
  }
}

TEST(Dropout, KeepsItsShareAndTheMean) {
  for (const double p : {0.1, 0.5}) {
    const auto dropped = drop(torch::ones({1000, 1000}), {p, 1});
    // Four standard deviations of a mean of 10^6 draws.
    EXPECT_NEAR(1 - p, (dropped != 0).to(torch::kFloat32).mean().item<double>(), 2e-3);
    EXPECT_NEAR(1, dropped.mean().item<double>(), 4e-3);
  }
}

// Neither the same mask again, nor one that follows from another: rows, columns and seeds that
// differ by one agree as often as chance has it.
TEST(Dropout, MasksAreIndependent) {
  const auto mask = [](std::uint64_t seed) {
    return drop(torch::ones({512, 768}), {0.5, seed}) != 0;
  };
  const auto agreement = [](const Tensor& one, const Tensor& two) {
    return (one == two).to(torch::kFloat32).mean().item<double>();
  };
  const auto first = mask(1);
  EXPECT_NEAR(0.5, agreement(first, mask(2)), 5e-3);
  EXPECT_NEAR(0.5, agreement(first, mask(1ULL << 32U)), 5e-3);
  EXPECT_NEAR(0.5, agreement(first.narrow(0, 0, 511), first.narrow(0, 1, 511)), 5e-3);
  EXPECT_NEAR(0.5, agreement(first.narrow(1, 0, 767), first.narrow(1, 1, 767)), 5e-3);
  EXPECT_NEAR(0.5, agreement(first.narrow(1, 0, 767), mask(2).narrow(1, 1, 767)), 5e-3);
}

}  // namespace
}  // namespace mvn::test
