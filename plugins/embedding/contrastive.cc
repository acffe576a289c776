#include "contrastive.h"

#include <limits>

#include "pooling.h"

namespace mvn {
namespace {

// The cross entropy of the diagonal, row by row.
torch::Tensor entropy_of_diagonal(const torch::Tensor& logits) {
  return (logits.logsumexp(1) - logits.diagonal()).sum();
}

}  // namespace

torch::Tensor not_negatives(const BatchKeys& keys) {
  const auto anchors_B = torch::tensor(keys.anchors, torch::kLong);
  const auto documents_M = torch::tensor(keys.documents, torch::kLong);
  const auto count = anchors_B.size(0);
  auto mask_BM = documents_M.narrow(0, 0, count).unsqueeze(1).eq(documents_M.unsqueeze(0));
  mask_BM.narrow(1, 0, count).logical_or_(anchors_B.unsqueeze(1).eq(anchors_B.unsqueeze(0)));
  mask_BM.diagonal().fill_(false);
  return mask_BM;
}

torch::Tensor info_nce(const torch::Tensor& anchors_BD, const torch::Tensor& documents_MD,
                       const torch::Tensor& hidden_BM, double temperature, bool symmetric) {
  const auto logits_BM = (torch::mm(unit(anchors_BD), unit(documents_MD).t()) / temperature)
                             .masked_fill(hidden_BM, -std::numeric_limits<double>::infinity());
  auto forth = entropy_of_diagonal(logits_BM);
  if (!symmetric) return forth;
  const auto back = entropy_of_diagonal(logits_BM.narrow(1, 0, logits_BM.size(0)).t());
  return (forth + back) / 2;
}

torch::Tensor cosent(const torch::Tensor& first_BD, const torch::Tensor& second_BD,
                     const torch::Tensor& scores_B, double temperature) {
  const auto cosine_B = (unit(first_BD) * unit(second_BD)).sum(1) / temperature;
  const auto difference = cosine_B.unsqueeze(0) - cosine_B.unsqueeze(1);  // [i, j]: j - i
  const auto wrong_way = scores_B.unsqueeze(1).gt(scores_B.unsqueeze(0)).logical_not();
  const auto terms =
      difference.masked_fill(wrong_way, -std::numeric_limits<double>::infinity()).flatten();
  return torch::cat({torch::zeros({1}, terms.options()), terms}).logsumexp(0);
}

}  // namespace mvn
