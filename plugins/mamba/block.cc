// Source: mamba_ssm/modules/mamba_simple.py and models/mixer_seq_simple.py of state-spaces/mamba;
// padding is left out, which is what transformers' masks amount to (modeling_mamba.py,
// slow_forward).
#include "block.h"

#include <cmath>

#include "fused.h"
#include "mvn/initialise.h"
#include "plain.h"

namespace mvn::mamba {

using torch::Tensor;

namespace {

// A_log and D stay float32 in a model of half precision: the dynamics need it.
torch::TensorOptions at_least_float(const torch::TensorOptions& options) {
  const auto dtype = c10::typeMetaToScalarType(options.dtype());
  return dtype == torch::kDouble ? options : options.dtype(torch::kFloat32);
}

// The tokens whose output is asked for.
Tensor asked(const Tensor& x_TD, const Tensor& index_P) {
  return index_P.defined() ? x_TD.index_select(0, index_P) : x_TD;
}

}  // namespace

CausalConv::CausalConv(std::int64_t channels, std::int64_t kernel, bool has_bias,
                       const torch::TensorOptions& options)
    : torch::nn::Module("CausalConv"),
      weight(register_parameter("weight", torch::empty({channels, 1, kernel}, options))) {
  if (has_bias) bias = register_parameter("bias", torch::empty({channels}, options));
}

Tensor CausalConv::forward(const Tensor& x_TI, const Packing& packing) {
  if (can_fuse_conv(x_TI, weight.size(2))) {
    return fused_conv(x_TI, weight, bias, packing);
  }
  return pack(plain_conv(unpack(x_TI, packing), weight, bias), packing);
}

Mixer::Mixer(const MambaConfig& config, const torch::TensorOptions& options)
    : torch::nn::Module("Mixer"),
      rank_(config.rank),
      states_(config.states),
      in_proj_(register_module("in_proj", std::make_shared<Linear>(config.width, 2 * config.inner,
                                                                   config.bias, options))),
      conv1d_(register_module("conv1d", std::make_shared<CausalConv>(config.inner, config.kernel,
                                                                     config.conv_bias, options))),
      x_proj_(register_module(
          "x_proj", std::make_shared<Linear>(config.inner, config.rank + 2 * config.states,
                                             /*has_bias=*/false, options))),
      dt_proj_(register_module("dt_proj", std::make_shared<Linear>(config.rank, config.inner,
                                                                   /*has_bias=*/true, options))),
      out_proj_(register_module(
          "out_proj", std::make_shared<Linear>(config.inner, config.width, config.bias, options))),
      a_log_(register_parameter(
          "A_log", torch::empty({config.inner, config.states}, at_least_float(options)))),
      d_(register_parameter("D", torch::empty({config.inner}, at_least_float(options)))) {}

Tensor Mixer::forward(const Tensor& x_TD, const Packing& packing, const Tensor& index_P) {
  const auto halves = in_proj_->forward(x_TD).chunk(2, -1);
  const auto x_TI = conv1d_->forward(halves[0], packing);
  return out_proj_->forward(asked(scan(x_TI, halves[1], packing), index_P));
}

Tensor Mixer::scan(const Tensor& x_TI, const Tensor& gate_TI, const Packing& packing) {
  const auto parts = x_proj_->forward(x_TI).split_with_sizes({rank_, states_, states_}, -1);
  Tensor delta_TI;
  Tensor delta_bias;
  if (dt_proj_->adapter()) {
    delta_TI = dt_proj_->forward(parts[0]);
  } else {
    // The bias holds the size of the steps: it is added in the scan's own precision.
    delta_TI = torch::matmul(parts[0], dt_proj_->weight.t());
    delta_bias = dt_proj_->bias;
  }
  const auto a_IN = -torch::exp(a_log_);
  if (can_fuse_scan(x_TI, states_)) {
    return fused_scan(x_TI, delta_TI, a_IN, parts[1], parts[2], d_, gate_TI, delta_bias, packing);
  }
  const auto padded = [&](const Tensor& t) { return unpack(t, packing); };
  return pack(plain_scan(padded(x_TI), padded(delta_TI), a_IN, padded(parts[1]), padded(parts[2]),
                         d_, padded(gate_TI), delta_bias),
              packing);
}

void Mixer::initialise(const MambaConfig& config, torch::Generator generator) {
  fill_kaiming(in_proj_->weight, generator);
  if (in_proj_->bias.defined()) fill_constant(in_proj_->bias, 0.0);
  fill_kaiming(conv1d_->weight, generator);
  if (conv1d_->bias.defined()) {
    fill_uniform(conv1d_->bias, 1.0 / std::sqrt(static_cast<double>(config.kernel)), generator);
  }
  fill_kaiming(x_proj_->weight, generator);
  const double step_bound = config.step_scale / std::sqrt(static_cast<double>(config.rank));
  if (config.constant_steps) {
    fill_constant(dt_proj_->weight, step_bound);
  } else {
    fill_uniform(dt_proj_->weight, step_bound, generator);
  }
  // Step sizes spread evenly over their logarithms; the bias is their inverse softplus.
  const double low = std::log(config.step_min);
  const double high = std::log(config.step_max);
  const auto draw = torch::rand({config.inner}, generator, torch::kFloat32);
  const auto steps = torch::exp(draw * (high - low) + low).clamp_min(config.step_floor);
  fill_values(dt_proj_->bias, steps + torch::log(-torch::expm1(-steps)));
  // S4D-real: every channel's A is -1, -2, ..., -N.
  const auto counted = torch::arange(1, config.states + 1, torch::kFloat32);
  fill_values(a_log_, torch::log(counted).expand({config.inner, config.states}));
  fill_constant(d_, 1.0);
  // One residual branch a layer: its output shrinks with the square root of their number.
  fill_kaiming(out_proj_->weight, generator);
  const torch::NoGradGuard no_grad;
  out_proj_->weight.div_(std::sqrt(static_cast<double>(config.layers)));
  if (out_proj_->bias.defined()) out_proj_->bias.zero_();
}

Block::Block(const MambaConfig& config, const torch::TensorOptions& options)
    : torch::nn::Module("Block"),
      norm_(register_module("norm",
                            std::make_shared<RmsNorm>(config.width, config.norm_epsilon, options))),
      mixer_(register_module("mixer", std::make_shared<Mixer>(config, options))) {}

Tensor Block::forward(const Tensor& residual_TD, const Packing& packing, const Tensor& index_P) {
  auto change_TD = mixer_->forward(norm_->forward(residual_TD), packing, index_P);
  // A sum of two types is one kernel on a GPU, but several times as slow as two on a CPU.
  if (change_TD.is_cpu()) change_TD = change_TD.to(residual_TD.scalar_type());
  return asked(residual_TD, index_P) + change_TD;
}

void Block::initialise(const MambaConfig& config, torch::Generator generator) {
  fill_constant(norm_->weight, 1.0);
  mixer_->initialise(config, std::move(generator));
}

}  // namespace mvn::mamba
