// One vector of a text's hidden states.
#pragma once

#include <string>
#include <vector>

#include "mvn/model.h"
#include "mvn/torch.h"

namespace mvn {

// kWeightedMean: position i of the real tokens counts i times (SGPT, Muennighoff 2022).
enum class Pooling { kLast, kMean, kWeightedMean, kCls, kMax };

// "last", "mean", "weighted_mean", "cls", "max".
const std::vector<std::string>& pooling_names();
Pooling pooling_from(const std::string& name);

// hidden_BLD and mask_BL (true on real tokens, of which each row has one at least) -> [B, D] in
// fp32. Padding, on either side, is not seen.
torch::Tensor pooled(Pooling pooling, const torch::Tensor& hidden_BLD,
                     const torch::Tensor& mask_BL);

// Rows of length 1; a zero vector stays one.
torch::Tensor unit(const torch::Tensor& x_ND);

// pooled() of a model's hidden states, of which it leaves out what is not needed.
torch::Tensor embed(Model& model, Pooling pooling, const torch::Tensor& ids_BL,
                    const torch::Tensor& mask_BL);

}  // namespace mvn
