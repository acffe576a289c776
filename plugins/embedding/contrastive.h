// Losses of vectors that are to lie close together, or in an order.
#pragma once

#include <cstdint>
#include <vector>

#include "mvn/torch.h"

namespace mvn {

// What is known of a batch of B anchors and M documents, of which the first B are the anchors'
// positives. Equal keys are equal things.
struct BatchKeys {
  std::vector<std::int64_t> anchors;    // [B]
  std::vector<std::int64_t> documents;  // [M]
};

// [B, M] bool: documents that are no negatives of an anchor, though not its positive itself: they
// equal its positive, or are the positive of an equal anchor.
torch::Tensor not_negatives(const BatchKeys& keys);

// InfoNCE: for each anchor, the cross entropy of its positive among all documents (less those of
// `hidden_BM`) by their cosine / temperature; summed over the anchors. `symmetric`: the mean of
// that and the same of each positive among the anchors. 0 for an anchor without negatives.
torch::Tensor info_nce(const torch::Tensor& anchors_BD, const torch::Tensor& documents_MD,
                       const torch::Tensor& hidden_BM, double temperature, bool symmetric);

// CoSENT (Su 2022): log(1 + the sum over all two pairs i, j of which i scores higher of
// exp((cosine_j - cosine_i) / temperature)).
torch::Tensor cosent(const torch::Tensor& first_BD, const torch::Tensor& second_BD,
                     const torch::Tensor& scores_B, double temperature);

}  // namespace mvn
