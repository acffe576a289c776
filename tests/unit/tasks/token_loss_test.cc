#include "token_loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/tiny_model.h"

namespace mvn::test {
namespace {

struct Case {
  TinyModel model{11, 6, 1, torch::kFloat64};
  torch::Tensor ids = torch::tensor({{1, 2, 3, 4, 5}, {6, 7, 8, 0, 0}}, torch::kLong);
  torch::Tensor mask = torch::tensor({{1, 1, 1, 1, 1}, {1, 1, 1, 0, 0}}, torch::kBool);
  torch::Tensor labels =
      torch::tensor({2, 3, 4, 5, 6, 7, 8, 9, -100, -100}, torch::TensorOptions(torch::kLong));

  torch::Tensor hidden() { return model.forward(ids, mask).flatten(0, 1); }

  // Loss times 3 backwards; the gradients of every parameter.
  std::pair<double, std::vector<torch::Tensor>> differentiate(std::int64_t at_a_time) {
    model.zero_grad();
    const auto loss = summed_token_loss(model, hidden(), labels, at_a_time);
    (3 * loss).backward();
    std::vector<torch::Tensor> gradients;
    for (const auto& parameter : model.parameters()) gradients.push_back(parameter.grad().clone());
    return {loss.item<double>(), gradients};
  }
};

TEST(TokenLoss, IsMinusTheLogProbabilityOfTheLabels) {
  Case c;
  const auto log_probabilities = c.model.lm_logits(c.hidden()).log_softmax(1);
  double expected = 0;
  for (std::int64_t i = 0; i < 8; ++i) {
    expected -= log_probabilities[i][c.labels[i].item<std::int64_t>()].item<double>();
  }
  EXPECT_NEAR(expected, summed_token_loss(c.model, c.hidden(), c.labels).item<double>(), 1e-5);
}

TEST(TokenLoss, InPiecesIsTheSameLossWithTheSameGradients) {
  Case c;
  const auto [whole, whole_gradients] = c.differentiate(1 << 20);
  for (const std::int64_t at_a_time : {1, 22, 33, 109}) {
    const auto [pieces, gradients] = c.differentiate(at_a_time);
    EXPECT_NEAR(whole, pieces, 1e-5) << at_a_time;
    ASSERT_EQ(whole_gradients.size(), gradients.size());
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      EXPECT_TRUE(torch::allclose(whole_gradients[i], gradients[i], 1e-5, 1e-6)) << i;
    }
  }
}

TEST(TokenLoss, AHeadOnAFrozenTrunkStillGetsItsGradient) {
  Case c;
  const auto hidden = c.hidden().detach();
  summed_token_loss(c.model, hidden, c.labels, 1).backward();
  EXPECT_GT(
      c.model.named_parameters()["backbone.embeddings.weight"].grad().abs().sum().item<double>(),
      0);
}

TEST(TokenLoss, ScoresCountNatsRightGuessesAndTokens) {
  Case c;
  const auto scores = score_tokens(c.model, c.hidden(), c.labels, 22);
  EXPECT_NEAR(summed_token_loss(c.model, c.hidden(), c.labels).item<double>(), scores.nats, 1e-4);
  EXPECT_EQ(8, scores.count);
  const auto guesses = c.model.lm_logits(c.hidden()).argmax(1);
  EXPECT_EQ(guesses.eq(c.labels).sum().item<std::int64_t>(), scores.correct);
}

}  // namespace
}  // namespace mvn::test
