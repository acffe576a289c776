#include "probe.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "minimize.h"
#include "peer_random.h"

namespace mvn {
namespace {

torch::Tensor tensor_of(const std::vector<std::int64_t>& labels) {
  return torch::tensor(labels, torch::kLong);
}

// The labels that occur: one that no draw has gets no output, as in scikit-learn.
std::vector<std::int64_t> present(std::vector<std::int64_t> labels) {
  std::ranges::sort(labels);
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  return labels;
}

// Of weights whose last column is added to each row.
torch::Tensor logits_of(const torch::Tensor& rows_ND, const torch::Tensor& weights_CW) {
  const auto width = rows_ND.size(1);
  return torch::addmm(weights_CW.select(1, width), rows_ND, weights_CW.narrow(1, 0, width).t());
}

using Loss = std::function<ValueAndSlope(const torch::Tensor& weights)>;

// The mean of what `each` makes of logits (the losses, and their slopes by the logits), and half of
// the squared weights over the number of rows, without those that are added.
template <typename Each>
Loss penalised(const torch::Tensor& x_ND, std::int64_t outputs, Each each) {
  return [=](const torch::Tensor& weights) {
    const auto rows = static_cast<double>(x_ND.size(0));
    const auto width = x_ND.size(1);
    const auto weights_CW = weights.view({outputs, width + 1});
    const auto kept = weights_CW.narrow(1, 0, width);
    const auto [losses, slope_NC] = each(logits_of(x_ND, weights_CW));
    const auto slope_CW =
        torch::cat({torch::mm(slope_NC.t(), x_ND).add_(kept), slope_NC.sum(0).unsqueeze(1)}, 1);
    const auto value = losses.sum() + kept.square().sum() / 2;
    return ValueAndSlope{value.template item<double>() / rows, slope_CW.div(rows).view({-1})};
  };
}

Loss logistic_loss(const torch::Tensor& x_ND, const torch::Tensor& y_N) {
  const auto y_N1 = y_N.to(torch::kDouble).unsqueeze(1);
  return penalised(x_ND, 1, [=](const torch::Tensor& logits_N1) {
    return std::pair(torch::softplus(logits_N1) - logits_N1 * y_N1, logits_N1.sigmoid() - y_N1);
  });
}

Loss softmax_loss(const torch::Tensor& x_ND, const torch::Tensor& y_N, std::int64_t outputs) {
  const auto y_NC = torch::one_hot(y_N, outputs).to(torch::kDouble);
  return penalised(x_ND, outputs, [=](const torch::Tensor& logits_NC) {
    const auto log_NC = logits_NC.log_softmax(1);
    return std::pair(-(log_NC * y_NC), log_NC.exp() - y_NC);
  });
}

}  // namespace

std::vector<std::vector<std::int64_t>> probe_draws(const std::vector<std::int64_t>& labels,
                                                   std::int64_t per_label, std::int64_t draws) {
  std::vector<std::int64_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0);
  const auto classes = static_cast<std::size_t>(*std::ranges::max_element(labels)) + 1;
  std::vector<std::vector<std::int64_t>> all;
  for (std::int64_t draw = 0; draw < draws; ++draw) {
    NumpyRandom(kMtebSeed).shuffle(order);
    std::vector<std::int64_t> taken(classes);
    std::vector<std::int64_t> rows;
    for (const auto row : order) {
      const auto label = static_cast<std::size_t>(labels[static_cast<std::size_t>(row)]);
      if (taken[label]++ < per_label) rows.push_back(row);
    }
    all.push_back(std::move(rows));
  }
  return all;
}

std::vector<std::int64_t> logistic_regression(const torch::Tensor& train_ND,
                                              const std::vector<std::int64_t>& labels,
                                              std::int64_t classes, const torch::Tensor& test_ND) {
  const torch::NoGradGuard no_grad;
  const auto known = present(labels);
  const auto outputs = known.size() == 2 ? 1 : static_cast<std::int64_t>(known.size());
  std::vector<std::int64_t> index(static_cast<std::size_t>(classes));
  for (std::size_t i = 0; i < known.size(); ++i) {
    index[static_cast<std::size_t>(known[i])] = static_cast<std::int64_t>(i);
  }
  std::vector<std::int64_t> targets;
  for (const auto label : labels) targets.push_back(index[static_cast<std::size_t>(label)]);
  const auto x = train_ND.detach().to(torch::kDouble);
  const auto y = tensor_of(targets);
  const auto weights = minimize(torch::zeros({outputs * (x.size(1) + 1)}, torch::kDouble),
                                outputs == 1 ? logistic_loss(x, y) : softmax_loss(x, y, outputs));
  const auto logits = logits_of(test_ND.to(torch::kDouble), weights.view({outputs, -1}));
  const auto chosen = outputs == 1 ? logits.squeeze(1).gt(0).to(torch::kLong) : logits.argmax(1);
  std::vector<std::int64_t> predicted;
  for (std::int64_t row = 0; row < chosen.size(0); ++row) {
    predicted.push_back(known[static_cast<std::size_t>(chosen[row].item<std::int64_t>())]);
  }
  return predicted;
}

}  // namespace mvn
