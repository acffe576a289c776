// Source: selective_scan_ref in mamba_ssm/ops/selective_scan_interface.py.
#include "plain.h"

#include <vector>

namespace mvn::mamba {

using torch::Tensor;

Tensor plain_conv(const Tensor& x_BLI, const Tensor& weight_I1K, const Tensor& bias_I) {
  const auto length = x_BLI.size(1);
  const auto kernel = weight_I1K.size(2);
  const auto padded = torch::constant_pad_nd(x_BLI, {0, 0, kernel - 1, 0});
  Tensor y_BLI;
  for (std::int64_t k = 0; k < kernel; ++k) {
    const auto tap = padded.narrow(1, k, length) * weight_I1K.select(2, k).squeeze(1);
    y_BLI = y_BLI.defined() ? y_BLI + tap : tap;
  }
  return torch::silu(bias_I.defined() ? y_BLI + bias_I : y_BLI);
}

Tensor plain_scan(const Tensor& u_BLI, const Tensor& delta_BLI, const Tensor& a_IN,
                  const Tensor& b_BLN, const Tensor& c_BLN, const Tensor& d_I, const Tensor& z_BLI,
                  const Tensor& delta_bias_I) {
  const auto dtype = u_BLI.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
  const auto wide = [&](const Tensor& t) { return t.defined() ? t.to(dtype) : t; };
  const auto u = wide(u_BLI);
  const auto raw = wide(delta_BLI);
  const auto step_BLI = torch::softplus(delta_bias_I.defined() ? raw + wide(delta_bias_I) : raw);
  const auto decay_BLIN = torch::exp(step_BLI.unsqueeze(-1) * wide(a_IN));
  const auto input_BLIN = (step_BLI * u).unsqueeze(-1) * wide(b_BLN).unsqueeze(2);
  const auto c_BLN1 = wide(c_BLN).unsqueeze(-1);
  auto state_BIN = torch::zeros_like(decay_BLIN.select(1, 0));
  std::vector<Tensor> y;
  for (std::int64_t t = 0; t < u.size(1); ++t) {
    state_BIN = decay_BLIN.select(1, t) * state_BIN + input_BLIN.select(1, t);
    y.push_back(torch::matmul(state_BIN, c_BLN1.select(1, t)).squeeze(-1));
  }
  auto y_BLI = torch::stack(y, 1);
  if (d_I.defined()) y_BLI = y_BLI + u * wide(d_I);
  if (z_BLI.defined()) y_BLI = y_BLI * torch::silu(wide(z_BLI));
  return y_BLI.to(u_BLI.scalar_type());
}

}  // namespace mvn::mamba
