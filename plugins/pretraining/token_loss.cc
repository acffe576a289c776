#include "token_loss.h"

#include <ATen/autocast_mode.h>

#include <algorithm>

namespace mvn {
namespace {

// Cross-entropy of rows of logits; labels of kIgnoredLabel count as nothing.
torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& labels,
                            at::Reduction::Reduction reduction) {
  return torch::cross_entropy_loss(logits, labels, /*weight=*/{}, reduction, kIgnoredLabel);
}

torch::Tensor piece_loss(Model& model, const torch::Tensor& hidden, const torch::Tensor& labels) {
  return cross_entropy(model.lm_logits(hidden).to(torch::kFloat32), labels, at::Reduction::Sum);
}

// Rows of a piece whose logits have at most `at_a_time` elements.
std::int64_t rows_at_a_time(const Model& model, std::int64_t at_a_time) {
  return std::max<std::int64_t>(1, at_a_time / model.vocabulary());
}

// Calls `use(hidden, labels)` for each piece in turn.
template <typename Use>
void for_pieces(const torch::Tensor& hidden, const torch::Tensor& labels, std::int64_t rows,
                const Use& use) {
  for (std::int64_t start = 0; start < hidden.size(0); start += rows) {
    const auto count = std::min(rows, hidden.size(0) - start);
    use(hidden.narrow(0, start, count), labels.narrow(0, start, count));
  }
}

// The autocast state of a thread; the backward pass may run in another one than the forward pass.
struct AutocastState {
  c10::DeviceType device;
  bool enabled;
  at::ScalarType dtype;

  static AutocastState of(c10::DeviceType device) {
    return {device, at::autocast::is_autocast_enabled(device),
            at::autocast::get_autocast_dtype(device)};
  }
  void apply() const {
    at::autocast::set_autocast_enabled(device, enabled);
    at::autocast::set_autocast_dtype(device, dtype);
  }
};

class AutocastGuard {
 public:
  explicit AutocastGuard(const AutocastState& state) : before_(AutocastState::of(state.device)) {
    state.apply();
    // A copy of a weight that was kept here would still be used after the weight has changed.
    at::autocast::set_autocast_cache_enabled(false);
  }
  ~AutocastGuard() {
    at::autocast::set_autocast_cache_enabled(cached_before_);
    before_.apply();
  }
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  AutocastState before_;
  bool cached_before_ = at::autocast::is_autocast_cache_enabled();
};

class PiecewiseLoss : public torch::autograd::Function<PiecewiseLoss> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& hidden, const torch::Tensor& labels,
                               Model* model, std::int64_t rows) {
    const auto autocast = AutocastState::of(hidden.device().type());
    auto sum = torch::zeros({}, hidden.options().dtype(torch::kFloat32));
    for_pieces(hidden, labels, rows, [&](const auto& some, const auto& their_labels) {
      sum += piece_loss(*model, some, their_labels);
    });
    context->save_for_backward({hidden, labels});
    context->saved_data["model"] = reinterpret_cast<std::int64_t>(model);
    context->saved_data["rows"] = rows;
    context->saved_data["autocast"] = autocast.enabled;
    context->saved_data["autocast_dtype"] = static_cast<std::int64_t>(autocast.dtype);
    return sum;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    auto* model = reinterpret_cast<Model*>(context->saved_data["model"].toInt());
    auto hidden_gradient = torch::empty_like(saved[0]);
    std::int64_t done = 0;
    const torch::AutoGradMode enable_grad(true);
    const AutocastGuard autocast(
        {.device = saved[0].device().type(),
         .enabled = context->saved_data["autocast"].toBool(),
         .dtype = static_cast<at::ScalarType>(context->saved_data["autocast_dtype"].toInt())});
    for_pieces(saved[0].detach(), saved[1], context->saved_data["rows"].toInt(),
               [&](const auto& some, const auto& their_labels) {
                 const auto leaf = some.detach().requires_grad_(true);
                 const auto loss = piece_loss(*model, leaf, their_labels);
                 torch::autograd::backward({loss}, {gradients[0]});
                 const torch::NoGradGuard no_grad;
                 hidden_gradient.narrow(0, done, some.size(0)).copy_(leaf.grad());
                 done += some.size(0);
               });
    return {hidden_gradient, {}, {}, {}};
  }
};

}  // namespace

torch::Tensor summed_token_loss(Model& model, const torch::Tensor& hidden_ND,
                                const torch::Tensor& labels_N, std::int64_t at_a_time) {
  const bool fits = hidden_ND.size(0) * model.vocabulary() <= at_a_time;
  // A frozen trunk leaves nothing to differentiate through, so the pieces would get no backward.
  if (fits || !hidden_ND.requires_grad()) return piece_loss(model, hidden_ND, labels_N);
  return PiecewiseLoss::apply(hidden_ND, labels_N, &model, rows_at_a_time(model, at_a_time));
}

TokenScores score_tokens(Model& model, const torch::Tensor& hidden_ND,
                         const torch::Tensor& labels_N, std::int64_t at_a_time) {
  const torch::NoGradGuard no_grad;
  TokenScores scores;
  for_pieces(hidden_ND, labels_N, rows_at_a_time(model, at_a_time),
             [&](const auto& hidden, const auto& labels) {
               const auto logits = model.lm_logits(hidden).to(torch::kFloat32);
               scores.nats +=
                   cross_entropy(logits, labels, at::Reduction::Sum).template item<double>();
               scores.correct += logits.argmax(1).eq(labels).sum().template item<std::int64_t>();
               scores.count += labels.ne(kIgnoredLabel).sum().template item<std::int64_t>();
             });
  return scores;
}

TokenGuesses guess_tokens(Model& model, const torch::Tensor& hidden_ND,
                          const torch::Tensor& labels_N) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> right;
  std::vector<torch::Tensor> nats;
  for_pieces(hidden_ND, labels_N, rows_at_a_time(model, kLogitsAtATime),
             [&](const auto& hidden, const auto& labels) {
               const auto logits = model.lm_logits(hidden).to(torch::kFloat32);
               right.push_back(logits.argmax(1).eq(labels));
               nats.push_back(cross_entropy(logits, labels, at::Reduction::None));
             });
  return {torch::cat(right).cpu(), torch::cat(nats).cpu()};
}

}  // namespace mvn
