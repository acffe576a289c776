#include "fused.h"

#include <algorithm>

#include "cuda/kernels.h"
#include "mvn/parallel.h"
#include "mvn/stream.h"
#include "scan_kernels.h"

namespace mvn::mamba {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The elements of a tensor as the kernels' type; nullptr for an undefined tensor.
template <typename Real>
Real* data(const torch::Tensor& tensor) {
  return tensor.defined() ? static_cast<Real*>(tensor.data_ptr()) : nullptr;
}

const std::int64_t* indices(const torch::Tensor& tensor) {
  return tensor.const_data_ptr<std::int64_t>();
}

// An autograd function takes no undefined tensors: an absent argument travels as an empty one.
torch::Tensor or_empty(const torch::Tensor& x, const torch::Tensor& like) {
  return x.defined() ? x : torch::empty({0}, like.options());
}

torch::Tensor unless_empty(const torch::Tensor& x) {
  return x.dim() == 1 && x.size(0) == 0 ? torch::Tensor() : x;
}

// A tensor whose rows are contiguous inside, so that one stride describes it.
torch::Tensor with_rows(const torch::Tensor& x) {
  return !x.defined() || x.stride(1) == 1 ? x : x.contiguous();
}

torch::Tensor contiguous_float(const torch::Tensor& x) {
  return x.defined() ? x.detach().to(torch::kFloat32).contiguous() : x;
}

// An uninitialised float32 tensor where its gradient is wanted, else an undefined one.
torch::Tensor floats_if(bool wanted, at::IntArrayRef shape, const torch::Tensor& like) {
  return wanted ? torch::empty(shape, like.options().dtype(torch::kFloat32)) : torch::Tensor();
}

// Sums a gradient's parts, in their order, to the shape and type of its parameter.
torch::Tensor sum_parts(const torch::Tensor& parts, const torch::Tensor& parameter) {
  if (!parts.defined()) return {};
  return parts.sum(0).view(parameter.sizes()).to(parameter.scalar_type());
}

// Sums and products at a token and channel.
template <typename Real>
std::int64_t operations_of(const ScanInputs<Real>& in) {
  return 30 + 10 * in.states;
}
template <typename Real>
std::int64_t operations_of(const ConvInputs<Real>& in) {
  return 20 + 2 * in.width;
}

// Runs `kernel(item)` for every sequence and channel group. Items write to places of their own, so
// the number of threads changes nothing.
template <typename Inputs, typename Kernel>
void for_each_item(const Inputs& in, std::int64_t tokens, const Kernel& kernel) {
  const std::int64_t items = in.sequences * scan_groups(in.channels);
  const auto operations = tokens * in.channels * operations_of(in);
  parallel_for(items, grain_of(operations / std::max<std::int64_t>(1, items)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t item = begin; item < end; ++item) kernel(item);
               });
}

// The kernels for one element type.
template <typename Real>
struct KernelsOf;
template <>
struct KernelsOf<float> {
  static auto forward() { return scan_kernels().forward; }
  static auto backward() { return scan_kernels().backward; }
  static auto conv_forward() { return scan_kernels().conv_forward; }
  static auto conv_backward() { return scan_kernels().conv_backward; }
};
template <>
struct KernelsOf<Half> {
  static auto forward() { return scan_kernels().forward_bf16; }
  static auto backward() { return scan_kernels().backward_bf16; }
  static auto conv_forward() { return scan_kernels().conv_forward_bf16; }
  static auto conv_backward() { return scan_kernels().conv_backward_bf16; }
};

gpu::Launch launch_on(const torch::Tensor& x) {
  return {x.device().index(), current_stream(x.device())};
}

// Calls `run` with a value of the element type of `x`, on its device.
template <typename Run>
void with_type_of(const torch::Tensor& x, const Run& run) {
  const c10::DeviceGuard guard(x.device());
  if (x.scalar_type() == torch::kFloat32) {
    run(float{});
  } else {
    run(Half{});
  }
}

struct ConvTensors {
  torch::Tensor x;       // [T, D], rows strided
  torch::Tensor weight;  // [D, K] float32
  torch::Tensor bias;    // [D] float32 or undefined
  torch::Tensor offsets;
};

template <typename Real>
ConvInputs<Real> inputs_of(const ConvTensors& t) {
  ConvInputs<Real> in;
  in.channels = t.x.size(1);
  in.width = t.weight.size(1);
  in.offsets = indices(t.offsets);
  in.sequences = t.offsets.size(0) - 1;
  in.x = data<Real>(t.x);
  in.x_stride = t.x.stride(0);
  in.weight = data<float>(t.weight);
  in.bias = data<float>(t.bias);
  return in;
}

class FusedConv : public torch::autograd::Function<FusedConv> {
 public:
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& x,
                               const torch::Tensor& weight, const torch::Tensor& bias,
                               const torch::Tensor& offsets) {
    const ConvTensors tensors{with_rows(x), contiguous_float(weight.squeeze(1)),
                              contiguous_float(unless_empty(bias)), offsets};
    auto out = torch::empty({x.size(0), x.size(1)}, x.options());
    with_type_of(x, [&]<typename Real>(Real) {
      const auto in = inputs_of<Real>(tensors);
      if (x.is_cuda()) {
        return gpu::conv_forward(in, data<Real>(out), x.size(0), launch_on(x));
      }
      for_each_item(in, x.size(0), [&](std::int64_t item) {
        KernelsOf<Real>::conv_forward()(in, data<Real>(out), item);
      });
    });
    ctx->save_for_backward({tensors.x, weight, bias, offsets});
    return out;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto& weight = saved[1];
    const auto bias = unless_empty(saved[2]);
    const ConvTensors tensors{saved[0], contiguous_float(weight.squeeze(1)), contiguous_float(bias),
                              saved[3]};
    const auto& x = tensors.x;
    const std::int64_t parts =
        x.is_cuda() ? gpu::conv_parts(x.size(0)) : tensors.offsets.size(0) - 1;
    const auto d_out = gradients[0].contiguous();
    const auto d_x = torch::empty({x.size(0), x.size(1)}, x.options());
    const auto d_weight =
        floats_if(ctx->needs_input_grad(1), {parts, weight.size(0), weight.size(2)}, x);
    const auto d_bias =
        floats_if(bias.defined() && ctx->needs_input_grad(2), {parts, x.size(1)}, x);
    with_type_of(x, [&]<typename Real>(Real) {
      const auto in = inputs_of<Real>(tensors);
      const ConvGradients<Real> out{data<Real>(d_out), data<Real>(d_x), d_x.stride(0),
                                    data<float>(d_weight), data<float>(d_bias)};
      if (x.is_cuda()) return gpu::conv_backward(in, out, x.size(0), launch_on(x));
      for_each_item(in, x.size(0),
                    [&](std::int64_t item) { KernelsOf<Real>::conv_backward()(in, out, item); });
    });
    return {d_x, sum_parts(d_weight, weight), sum_parts(d_bias, bias), {}};
  }
};

// The arguments of the scan in the order of its autograd function.
struct ScanTensors {
  torch::Tensor u, delta, a, b, c, d, z, delta_bias, offsets, chunk_offsets;

  static ScanTensors from(const variable_list& list) {
    return {with_rows(list[0]),
            with_rows(list[1]),
            contiguous_float(list[2]),
            with_rows(list[3]),
            with_rows(list[4]),
            contiguous_float(unless_empty(list[5])),
            with_rows(unless_empty(list[6])),
            contiguous_float(unless_empty(list[7])),
            list[8],
            list[9]};
  }
};

template <typename Real>
ScanInputs<Real> inputs_of(const ScanTensors& t) {
  ScanInputs<Real> in;
  in.channels = t.u.size(1);
  in.states = t.a.size(1);
  in.offsets = indices(t.offsets);
  in.chunk_offsets = indices(t.chunk_offsets);
  in.sequences = t.offsets.size(0) - 1;
  in.u = data<Real>(t.u);
  in.u_stride = t.u.stride(0);
  in.delta = data<Real>(t.delta);
  in.delta_stride = t.delta.stride(0);
  in.delta_bias = data<float>(t.delta_bias);
  in.a = data<float>(t.a);
  in.b = data<Real>(t.b);
  in.b_stride = t.b.stride(0);
  in.c = data<Real>(t.c);
  in.c_stride = t.c.stride(0);
  in.d = data<float>(t.d);
  in.z = data<Real>(t.z);
  in.z_stride = t.z.defined() ? t.z.stride(0) : 0;
  return in;
}

// What a backward pass of the scan writes.
struct ScanGradientTensors {
  torch::Tensor d_u, d_delta, d_z, d_b, d_c, d_a, d_d, d_delta_bias;
};

ScanGradientTensors allocate_gradients(AutogradContext* ctx, const ScanTensors& t) {
  const std::int64_t tokens = t.u.size(0);
  const std::int64_t channels = t.u.size(1);
  const std::int64_t states = t.a.size(1);
  const std::int64_t parts = t.offsets.size(0) - 1;
  const std::int64_t groups = t.u.is_cuda() ? gpu::scan_parts(parts, channels, t.u.device().index())
                                            : scan_groups(channels);
  ScanGradientTensors g;
  g.d_u = torch::empty({tokens, channels}, t.u.options());
  g.d_delta = torch::empty_like(g.d_u);
  if (t.z.defined()) g.d_z = torch::empty_like(g.d_u);
  g.d_b = floats_if(true, {groups, tokens, states}, t.u);
  g.d_c = torch::empty_like(g.d_b);
  g.d_a = floats_if(ctx->needs_input_grad(2), {parts, channels, states}, t.u);
  g.d_d = floats_if(t.d.defined() && ctx->needs_input_grad(5), {parts, channels}, t.u);
  g.d_delta_bias =
      floats_if(t.delta_bias.defined() && ctx->needs_input_grad(7), {parts, channels}, t.u);
  return g;
}

template <typename Real>
ScanGradients<Real> gradients_of(const ScanGradientTensors& g, const torch::Tensor& d_out,
                                 const torch::Tensor& checkpoints) {
  ScanGradients<Real> out;
  out.d_out = data<Real>(d_out);
  out.d_out_stride = d_out.stride(0);
  out.checkpoints = data<float>(checkpoints);
  out.d_u = data<Real>(g.d_u);
  out.d_delta = data<Real>(g.d_delta);
  out.d_z = data<Real>(g.d_z);
  out.d_z_stride = g.d_z.defined() ? g.d_z.stride(0) : 0;
  out.d_b = data<float>(g.d_b);
  out.d_c = data<float>(g.d_c);
  out.d_a = data<float>(g.d_a);
  out.d_d = data<float>(g.d_d);
  out.d_delta_bias = data<float>(g.d_delta_bias);
  return out;
}

class FusedScan : public torch::autograd::Function<FusedScan> {
 public:
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& u,
                               const torch::Tensor& delta, const torch::Tensor& a,
                               const torch::Tensor& b, const torch::Tensor& c,
                               const torch::Tensor& d, const torch::Tensor& z,
                               const torch::Tensor& delta_bias, const torch::Tensor& offsets,
                               const torch::Tensor& chunk_offsets, std::int64_t kept_chunks) {
    const variable_list given = {u, delta, a, b, c, d, z, delta_bias, offsets, chunk_offsets};
    const auto tensors = ScanTensors::from(given);
    auto out = torch::empty({u.size(0), u.size(1)}, u.options());
    torch::Tensor checkpoints;
    if (kept_chunks > 0) {
      const auto size = scan_checkpoint_size(kept_chunks, u.size(1), a.size(1));
      checkpoints = floats_if(true, {static_cast<std::int64_t>(size)}, u);
    }
    with_type_of(u, [&]<typename Real>(Real) {
      const auto in = inputs_of<Real>(tensors);
      const ScanOutputs<Real> outputs{data<Real>(out), data<float>(checkpoints)};
      if (u.is_cuda()) return gpu::scan_forward(in, outputs, launch_on(u));
      for_each_item(in, u.size(0),
                    [&](std::int64_t item) { KernelsOf<Real>::forward()(in, outputs, item); });
    });
    auto saved = given;
    saved.push_back(checkpoints);
    ctx->save_for_backward(saved);
    return out;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto tensors = ScanTensors::from(saved);
    const auto& checkpoints = saved[10];
    const auto d_out = with_rows(gradients[0]);
    const auto g = allocate_gradients(ctx, tensors);
    with_type_of(tensors.u, [&]<typename Real>(Real) {
      const auto in = inputs_of<Real>(tensors);
      const auto out = gradients_of<Real>(g, d_out, checkpoints);
      if (tensors.u.is_cuda()) {
        return gpu::scan_backward(in, out, g.d_b.size(0), launch_on(tensors.u));
      }
      for_each_item(in, tensors.u.size(0),
                    [&](std::int64_t item) { KernelsOf<Real>::backward()(in, out, item); });
    });
    return {g.d_u,
            g.d_delta,
            sum_parts(g.d_a, saved[2]),
            sum_parts(g.d_b, saved[3]),
            sum_parts(g.d_c, saved[4]),
            sum_parts(g.d_d, saved[5]),
            g.d_z,
            sum_parts(g.d_delta_bias, saved[7]),
            {},
            {},
            {}};
  }
};

bool gpu_runs_kernels(int device) {
  const auto& refusal = gpu::refusal(device);
  if (!refusal.empty()) {
    TORCH_WARN_ONCE(
        "Mamba runs on this GPU in LibTorch's operations, one token after another, "
        "which is slow: ",
        refusal);
  }
  return refusal.empty();
}

// Kernels for the type, on the device.
bool has_kernels(const torch::Tensor& x) {
  const auto type = x.scalar_type();
  if (type != torch::kFloat32 && type != torch::kBFloat16) return false;
  return x.is_cpu() || (x.is_cuda() && x.numel() > 0 && gpu_runs_kernels(x.device().index()));
}

// As many as so many sequences can be cut into: their own number may be a GPU's alone to know.
std::int64_t scan_chunks_at_most(std::int64_t tokens, std::int64_t sequences) {
  return (tokens + sequences * (kScanChunk - 1)) / kScanChunk;
}

}  // namespace

bool can_fuse_conv(const torch::Tensor& x, std::int64_t width) {
  return has_kernels(x) && width <= (x.is_cuda() ? gpu::kLongestConv : kMaxConvWidth);
}

bool can_fuse_scan(const torch::Tensor& x, std::int64_t states) {
  return has_kernels(x) && (x.is_cuda() ? states == gpu::kScanStates : states <= kMaxScanStates);
}

torch::Tensor fused_conv(const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, const Packing& packing) {
  return FusedConv::apply(x, weight, or_empty(bias, x), packing.offsets);
}

torch::Tensor fused_scan(const torch::Tensor& u, const torch::Tensor& delta, const torch::Tensor& a,
                         const torch::Tensor& b, const torch::Tensor& c, const torch::Tensor& d,
                         const torch::Tensor& z, const torch::Tensor& delta_bias,
                         const Packing& packing) {
  bool keep_states = false;
  for (const auto* each : {&u, &delta, &a, &b, &c, &d, &z, &delta_bias}) {
    keep_states = keep_states || (each->defined() && each->requires_grad());
  }
  keep_states = keep_states && torch::GradMode::is_enabled();
  const std::int64_t chunks = scan_chunks_at_most(u.size(0), packing.batch);
  return FusedScan::apply(u, delta, a, b, c, or_empty(d, u), or_empty(z, u),
                          or_empty(delta_bias, u), packing.offsets, packing.chunk_offsets,
                          keep_states ? chunks : 0);
}

}  // namespace mvn::mamba
