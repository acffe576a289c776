#include "probe.h"

#include <torch/optim/lbfgs.h>

#include <algorithm>
#include <numeric>

#include "numpy_shuffle.h"

namespace mvn {
namespace {

constexpr std::uint32_t kSeed = 42;  // MTEB's

torch::Tensor tensor_of(const std::vector<std::int64_t>& labels) {
  return torch::tensor(labels, torch::kLong);
}

// The labels that occur: one that no draw has gets no output, as in scikit-learn.
std::vector<std::int64_t> present(std::vector<std::int64_t> labels) {
  std::ranges::sort(labels);
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  return labels;
}

}  // namespace

std::vector<std::vector<std::int64_t>> probe_draws(const std::vector<std::int64_t>& labels,
                                                   std::int64_t per_label, std::int64_t draws) {
  std::vector<std::int64_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0);
  const auto classes = static_cast<std::size_t>(*std::ranges::max_element(labels)) + 1;
  std::vector<std::vector<std::int64_t>> all;
  for (std::int64_t draw = 0; draw < draws; ++draw) {
    numpy_shuffle(kSeed, order);
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
  const torch::AutoGradMode with_gradients(true);
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
  const auto weight = torch::zeros({outputs, x.size(1)}, torch::kDouble).requires_grad_();
  const auto bias = torch::zeros({outputs}, torch::kDouble).requires_grad_();
  const auto logits_of = [&](const torch::Tensor& rows) {
    return torch::addmm(bias, rows, weight.t());
  };
  torch::optim::LBFGS solver({weight, bias}, torch::optim::LBFGSOptions(1)
                                                 .max_iter(1000)
                                                 .max_eval(2000)
                                                 .tolerance_grad(1e-7)
                                                 .tolerance_change(1e-12)
                                                 .history_size(20)
                                                 .line_search_fn("strong_wolfe"));
  solver.step([&] {
    solver.zero_grad();
    const auto logits = logits_of(x);
    auto loss =
        outputs == 1
            ? (torch::softplus(logits.squeeze(1)) - logits.squeeze(1) * y.to(torch::kDouble)).sum()
            : torch::cross_entropy_loss(logits, y, {}, at::Reduction::Sum);
    loss = loss + weight.square().sum() / 2;
    loss.backward();
    return loss;
  });
  const torch::NoGradGuard no_grad;
  const auto logits = logits_of(test_ND.to(torch::kDouble));
  const auto chosen = outputs == 1 ? logits.squeeze(1).gt(0).to(torch::kLong) : logits.argmax(1);
  std::vector<std::int64_t> predicted;
  for (std::int64_t row = 0; row < chosen.size(0); ++row) {
    predicted.push_back(known[static_cast<std::size_t>(chosen[row].item<std::int64_t>())]);
  }
  return predicted;
}

}  // namespace mvn
