// The classification head and its input: the hidden state of the last real token.
#pragma once

#include "mvn/linear.h"
#include "mvn/torch.h"

namespace mvn {

// A linear layer `score` [classes, D] without bias, drawn from N(0, 0.02) as
// transformers' GPTNeoForSequenceClassification draws it.
class ClassificationHead : public torch::nn::Module {
 public:
  ClassificationHead(std::int64_t width, std::int64_t classes, const torch::TensorOptions& options,
                     torch::Generator generator);
  // pooled_BD -> logits [B, classes], in the head's precision.
  torch::Tensor forward(const torch::Tensor& pooled_BD);

 private:
  std::shared_ptr<Linear> score_;
};

// mask_BL bool -> [B] int64: the column of each row's last true position. By the mask and not by a
// padding id, since a text may end with that very token.
torch::Tensor last_token(const torch::Tensor& mask_BL);

}  // namespace mvn
