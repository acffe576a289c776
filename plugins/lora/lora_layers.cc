#include "lora_layers.h"

#include "lora_cpu.h"
#include "lora_function.h"
#include "mvn/initialise.h"

namespace mvn {
namespace {

// PEFT keeps adapters of half-precision layers in float32.
torch::TensorOptions adapter_options(const torch::Tensor& weight) {
  const bool half =
      weight.scalar_type() == torch::kHalf || weight.scalar_type() == torch::kBFloat16;
  return torch::TensorOptions()
      .dtype(half ? torch::kFloat32 : weight.scalar_type())
      .device(weight.device());
}

struct Decomposition {
  torch::Tensor u;   // [out, r]
  torch::Tensor s;   // [r]
  torch::Tensor vh;  // [r, in]
};

Decomposition leading_singular(const torch::Tensor& matrix, std::int64_t r) {
  const auto [u, s, vh] = torch::linalg_svd(matrix, /*full_matrices=*/false);
  return {u.narrow(1, 0, r), s.narrow(0, 0, r), vh.narrow(0, 0, r)};
}

// torch.svd_lowrank(matrix, q=r, niter=iterations): Halko et al., algorithm 5.1 on the range that
// `iterations` power iterations find.
Decomposition randomised_singular(const torch::Tensor& matrix, std::int64_t r,
                                  std::int64_t iterations, torch::Generator generator) {
  const auto probe =
      torch::randn({matrix.size(1), r}, generator, torch::TensorOptions(torch::kFloat32))
          .to(matrix.device());
  auto q = std::get<0>(torch::linalg_qr(matrix.matmul(probe)));
  for (std::int64_t i = 0; i < iterations; ++i) {
    q = std::get<0>(torch::linalg_qr(matrix.t().matmul(q)));
    q = std::get<0>(torch::linalg_qr(matrix.matmul(q)));
  }
  auto small = leading_singular(q.t().matmul(matrix), r);
  return {q.matmul(small.u), small.s, small.vh};
}

}  // namespace

LoraLinear::LoraLinear(const Linear& base, const LoraLayerSettings& settings)
    : settings_(settings) {
  const auto options = adapter_options(base.weight);
  lora_A = register_parameter("lora_A", torch::empty({settings.r, base.in_features()}, options));
  lora_B = register_parameter("lora_B", torch::empty({base.out_features(), settings.r}, options));
  if (settings.use_dora) {
    lora_magnitude_vector =
        register_parameter("lora_magnitude_vector", torch::empty({base.out_features()}, options));
  }
}

void LoraLinear::initialise(Linear& base, torch::Generator generator) {
  if (base.weight.is_meta()) return;
  const torch::NoGradGuard no_grad;
  switch (settings_.start) {
    case LoraStart::kKaiming:
      fill_kaiming(lora_A, generator);
      lora_B.zero_();
      break;
    case LoraStart::kRandom:
      fill_kaiming(lora_A, generator);
      fill_kaiming(lora_B, generator);
      break;
    case LoraStart::kGaussian:
      fill_normal(lora_A, 1 / static_cast<double>(settings_.r), generator);
      lora_B.zero_();
      break;
    case LoraStart::kPissa:
      start_pissa(base, generator);
      break;
  }
  if (settings_.use_dora) lora_magnitude_vector.copy_(row_norms(base));
}

// W = U S V^T; A and B take the r leading singular values, W keeps the rest.
void LoraLinear::start_pissa(Linear& base, torch::Generator generator) {
  const auto weight = base.weight.to(torch::kFloat32);
  const auto r = settings_.r;
  const auto leading = settings_.pissa_iterations
                           ? randomised_singular(weight, r, *settings_.pissa_iterations, generator)
                           : leading_singular(weight, r);
  const auto root = (leading.s / settings_.scaling).sqrt();
  lora_A.copy_(root.unsqueeze(1) * leading.vh);
  lora_B.copy_(leading.u * root);
  base.weight.copy_(weight - settings_.scaling * lora_B.matmul(lora_A).to(torch::kFloat32));
  start_A = lora_A.clone();
  start_B = lora_B.clone();
}

torch::Tensor LoraLinear::forward(const Linear& base, const torch::Tensor& x) {
  if (settings_.use_dora) return dora_forward(base, x);
  const double dropout = is_training() ? settings_.dropout : 0.0;
  if (can_fuse_lora(x, base.weight, base.bias, lora_A)) {
    const auto frozen = base.frozen();
    if (!frozen) {
      return lora_linear(x, base.weight, base.bias, lora_A, lora_B, settings_.scaling, dropout);
    }
    return lora_linear_cpu(x, frozen, base.bias, lora_A, lora_B, settings_.scaling, dropout);
  }
  const auto y = base.base_forward(x);
  const auto inner = torch::dropout(x.to(lora_A.scalar_type()), settings_.dropout, is_training());
  // The scale goes on the r-wide middle, which is the smallest place for it.
  const auto update = torch::linear(torch::linear(inner, lora_A) * settings_.scaling, lora_B);
  return (y + update).to(y.scalar_type());
}

torch::Tensor LoraLinear::dora_forward(const Linear& base, const torch::Tensor& x) {
  const auto inner = torch::dropout(x.to(lora_A.scalar_type()), settings_.dropout, is_training());
  // W x: of the dropped-out input in training, as the direction W + scaling * B A is one matrix.
  const auto direction = torch::linear(inner.to(base.weight.scalar_type()), base.weight);
  const auto update = torch::linear(torch::linear(inner, lora_A) * settings_.scaling, lora_B);
  // The norm is a constant to the gradient (DoRA paper, section 4.3).
  const auto scale = lora_magnitude_vector / row_norms(base).detach();
  const auto y = base.base_forward(x);
  return (y + (scale - 1) * direction + scale * update).to(y.scalar_type());
}

// Norms of the rows of W + scaling * B A.
torch::Tensor LoraLinear::row_norms(const Linear& base) const {
  const auto product = lora_B.detach().matmul(lora_A.detach());
  return torch::linalg_vector_norm(
      base.weight.detach().to(product.scalar_type()) + settings_.scaling * product, 2, {1});
}

torch::Tensor LoraLinear::merged_weight(const Linear& base) const {
  const auto weight = base.weight.detach().to(lora_A.scalar_type());
  const auto sum = weight + settings_.scaling * lora_B.detach().matmul(lora_A.detach());
  if (!settings_.use_dora) return sum;
  return sum * (lora_magnitude_vector.detach() / row_norms(base)).unsqueeze(1);
}

LoraEmbedding::LoraEmbedding(const Embedding& base, const LoraLayerSettings& settings)
    : settings_(settings) {
  const auto options = adapter_options(base.weight);
  lora_embedding_A = register_parameter("lora_embedding_A",
                                        torch::empty({settings.r, base.weight.size(0)}, options));
  lora_embedding_B = register_parameter("lora_embedding_B",
                                        torch::empty({base.weight.size(1), settings.r}, options));
}

void LoraEmbedding::initialise(torch::Generator generator) {
  if (lora_embedding_A.is_meta()) return;
  const torch::NoGradGuard no_grad;
  if (settings_.start == LoraStart::kRandom) {
    fill_normal(lora_embedding_A, 1, generator);
  } else {
    lora_embedding_A.zero_();
  }
  fill_normal(lora_embedding_B, 1, generator);
}

torch::Tensor LoraEmbedding::forward(const Embedding& base, const torch::Tensor& ids) {
  const auto y = base.base_forward(ids);
  const auto rows = torch::embedding(lora_embedding_A.t(), ids) * settings_.scaling;
  return (y + torch::linear(rows, lora_embedding_B)).to(y.scalar_type());
}

torch::Tensor LoraEmbedding::merged_weight(const Embedding& base) const {
  const auto product = lora_embedding_B.detach().matmul(lora_embedding_A.detach()).t();
  return base.weight.detach().to(product.scalar_type()) + settings_.scaling * product;
}

}  // namespace mvn
