#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <vector>

#include "mvn/attention.h"
#include "support/tensors.h"

namespace mvn::test {
namespace {

using torch::Tensor;

constexpr std::int64_t kHeads = 3;
constexpr std::int64_t kWidth = 8;

struct Case {
  Tensor mask_BL;
  std::int64_t window;
  bool one_a_row = false;  // the last real token's query alone
};

// q, k and v as they come from linear layers.
std::vector<Tensor> random_projections(const Case& given, torch::ScalarType type) {
  const auto tokens = given.mask_BL.sum().item<std::int64_t>();
  const auto queries = given.one_a_row ? given.mask_BL.size(0) : tokens;
  std::vector<Tensor> qkv;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const auto rows = seed == 1 ? queries : tokens;
    qkv.push_back(torch::randn({rows, kHeads * kWidth}, generator(seed)).to(type));
    qkv.back().requires_grad_(true);
  }
  return qkv;
}

Tensor packed(const Case& given, const std::vector<Tensor>& qkv) {
  const auto tokens = real_tokens(torch::zeros_like(given.mask_BL, torch::kLong), given.mask_BL);
  const auto last_B = given.mask_BL.sum(1) - 1;
  const auto index_B =
      given.one_a_row ? packed_index(last_B, given.mask_BL, tokens) : torch::Tensor();
  EXPECT_TRUE(can_attend_packed(qkv[0], tokens, kHeads, 0));
  return attend_packed(qkv[0], qkv[1], qkv[2], tokens, index_B, kHeads, given.window, 0.5);
}

// The same by attend(), over the padded batch.
Tensor unpacked(const Case& given, const std::vector<Tensor>& qkv) {
  const auto ids = torch::zeros_like(given.mask_BL, torch::kLong);
  const auto tokens = real_tokens(ids, given.mask_BL);
  const auto heads = [&](const Tensor& x) { return split_heads(unpack(x, tokens), kHeads); };
  if (!given.one_a_row) {
    const auto visible = visible_keys(ids, given.mask_BL, given.window);
    return pack(join_heads(attend(heads(qkv[0]), heads(qkv[1]), heads(qkv[2]), visible, 0.5, 0)),
                tokens);
  }
  const auto visible = visible_keys_at(given.mask_BL.sum(1) - 1, ids, given.mask_BL, given.window);
  const auto q = split_heads(qkv[0].unsqueeze(1), kHeads);
  return join_heads(attend(q, heads(qkv[1]), heads(qkv[2]), visible, 0.5, 0)).squeeze(1);
}

// The output and the gradients.
std::vector<Tensor> with_gradients(const Tensor& y, const std::vector<Tensor>& qkv) {
  const auto weights = torch::randn(y.sizes(), generator(4)).to(y.options());
  auto all = torch::autograd::grad({(y * weights).sum()}, qkv);
  all.push_back(y.detach());
  return all;
}

std::vector<Case> cases() {
  auto ragged = torch::ones({4, 21}, torch::kBool);
  ragged[0].narrow(0, 5, 16).fill_(false);
  ragged[2].narrow(0, 1, 20).fill_(false);
  ragged[3].narrow(0, 20, 1).fill_(false);
  std::vector<Case> all;
  for (const auto& mask : {ragged, torch::ones({2, 9}, torch::kBool)}) {
    for (const std::int64_t window : {0, 1, 4}) {
      for (const bool one : {false, true}) all.push_back({mask, window, one});
    }
  }
  return all;
}

TEST(PackedAttention, IsThatOfThePaddedBatch) {
  for (const auto& given : cases()) {
    const auto narrow = random_projections(given, torch::kFloat32);
    std::vector<Tensor> wide;
    for (const auto& each : narrow) {
      wide.push_back(each.detach().to(torch::kDouble).requires_grad_(true));
    }
    const auto expected = with_gradients(unpacked(given, wide), wide);
    const auto got = with_gradients(packed(given, narrow), narrow);
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_LT(largest_difference(expected[i], got[i].to(torch::kDouble)), 1e-5)
          << i << ", window " << given.window << ", one a row " << given.one_a_row;
    }
  }
}

TEST(PackedAttention, DoesNotDependOnTheThreads) {
  const int before = at::get_num_threads();
  for (const auto& given : cases()) {
    const auto qkv = random_projections(given, torch::kBFloat16);
    at::set_num_threads(1);
    const auto one = with_gradients(packed(given, qkv), qkv);
    at::set_num_threads(3);
    const auto three = with_gradients(packed(given, qkv), qkv);
    for (std::size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(torch::equal(one[i], three[i])) << i;
  }
  at::set_num_threads(before);
}

TEST(PackedAttention, LeavesEarlyPaddingDropoutAndLongTextsToOthers) {
  const auto q = torch::zeros({20, 8});
  const auto tokens_of = [](const Tensor& mask) {
    return real_tokens(torch::zeros_like(mask, torch::kLong), mask);
  };
  auto early = torch::ones({2, 10}, torch::kBool);
  early[0][0].fill_(false);
  const auto plain = tokens_of(torch::ones({2, 10}, torch::kBool));
  EXPECT_TRUE(can_attend_packed(q, plain, 2, 0));
  EXPECT_FALSE(can_attend_packed(q, plain, 2, 0.1));
  EXPECT_FALSE(can_attend_packed(q.to(torch::kDouble), plain, 2, 0));
  EXPECT_FALSE(can_attend_packed(q, tokens_of(early), 2, 0));
  EXPECT_FALSE(can_attend_packed(q, tokens_of(torch::ones({1, 1000}, torch::kBool)), 2, 0));
}

}  // namespace
}  // namespace mvn::test
