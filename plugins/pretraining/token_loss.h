// Cross-entropy of the next token without ever holding all logits: [tokens, V] of a large
// vocabulary outweighs the model's own activations.
#pragma once

#include "mvn/task.h"
#include "mvn/torch.h"

namespace mvn {

// Elements of logits made at a time.
inline constexpr std::int64_t kLogitsAtATime = std::int64_t{1} << 24;

// Summed cross-entropy of hidden_ND against labels_N (kIgnoredLabel counts nothing), float32, with
// its graph. Where the logits have more than `at_a_time` elements they are made in pieces, and made
// again in the backward pass, which then adds to the parameters' .grad by itself: call backward(),
// not torch::autograd::grad().
torch::Tensor summed_token_loss(Model& model, const torch::Tensor& hidden_ND,
                                const torch::Tensor& labels_N,
                                std::int64_t at_a_time = kLogitsAtATime);

struct TokenScores {
  double nats = 0;
  std::int64_t correct = 0;
  std::int64_t count = 0;
};

// The same loss and the number of right first guesses, without a graph.
TokenScores score_tokens(Model& model, const torch::Tensor& hidden_ND,
                         const torch::Tensor& labels_N, std::int64_t at_a_time = kLogitsAtATime);

// Whether the first guess of each token of labels_N is right, and its cross-entropy; on the CPU.
struct TokenGuesses {
  torch::Tensor right_N;  // bool
  torch::Tensor nats_N;   // float32
};
TokenGuesses guess_tokens(Model& model, const torch::Tensor& hidden_ND,
                          const torch::Tensor& labels_N);

}  // namespace mvn
