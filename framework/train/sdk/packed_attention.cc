#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "mvn/attention.h"
#include "mvn/parallel.h"
#include "train/sdk/cpu/typed.h"

namespace mvn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Longer sequences go through LibTorch's products, and keep no matrix of scores.
constexpr std::int64_t kMostKeys = 256;

// One row of a batch in the packed matrices.
struct Row {
  std::int64_t first_query;  // rows of q
  std::int64_t first_key;    // rows of k and v
  HeadSpan span;
};

struct Rows {
  std::vector<Row> rows;
  std::int64_t heads;
  std::int64_t scratch = 0;
  std::int64_t operations = 0;  // forward, of one head of each row
};

Rows lay_out(const Tensor& k_TD, const RealTokens& tokens, const Tensor& index_B,
             std::int64_t heads, std::int64_t window, double scale) {
  Rows all{.rows = {}, .heads = heads};
  const auto stride = k_TD.size(1);
  const auto* index = index_B.defined() ? index_B.const_data_ptr<std::int64_t>() : nullptr;
  const auto* offsets = tokens.offsets.const_data_ptr<std::int64_t>();
  for (std::int64_t b = 0; b < tokens.batch; ++b) {
    const auto first_key = offsets[b];
    const auto keys = offsets[b + 1] - first_key;
    const HeadSpan span{.queries = index == nullptr ? keys : 1,
                        .keys = keys,
                        .first = index == nullptr ? 0 : index[b] - first_key,
                        .window = window == 0 ? keys : window,
                        .width = stride / heads,
                        .stride = stride,
                        .scale = static_cast<float>(scale)};
    all.rows.push_back({index == nullptr ? first_key : b, first_key, span});
    all.operations += 2 * span.queries * std::min(span.window, keys) * span.width;
    all.scratch = std::max(all.scratch, attention_scratch(span.queries, keys, span.width));
  }
  return all;
}

// Calls `run` with each row, the offsets of each of its heads in q and in k and v, and memory.
template <typename Run>
void for_each_head(const Rows& all, const Run& run) {
  const auto count = static_cast<std::int64_t>(all.rows.size()) * all.heads;
  const auto grain = grain_of(all.operations * all.heads / std::max<std::int64_t>(1, count));
  parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
    const auto scratch = torch::empty({all.scratch}, torch::kFloat32);
    for (std::int64_t i = begin; i < end; ++i) {
      const Row& row = all.rows[static_cast<std::size_t>(i / all.heads)];
      const auto head = i % all.heads * row.span.width;
      run(row.span, row.first_query * row.span.stride + head,
          row.first_key * row.span.stride + head, scratch.mutable_data_ptr<float>());
    }
  });
}

class PackedAttention : public torch::autograd::Function<PackedAttention> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& q_given, const Tensor& k_given,
                        const Tensor& v_given, const Rows& all) {
    const auto q = q_given.contiguous();
    const auto k = k_given.contiguous();
    const auto v = v_given.contiguous();
    ctx->save_for_backward({q, k, v});
    ctx->saved_data["rows"] = c10::IValue::make_capsule(c10::make_intrusive<Kept>(all));
    auto y = torch::empty_like(q);
    with_cpu_kernels(q, [&]<typename Real>(Real, const TypedKernels<Real>& kernels) {
      for_each_head(all,
                    [&](const HeadSpan& span, std::int64_t at, std::int64_t key, float* scratch) {
                      kernels.attend(span, in<Real>(q) + at, in<Real>(k) + key, in<Real>(v) + key,
                                     out<Real>(y) + at, scratch);
                    });
    });
    return y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto& [q, k, v] = std::tie(saved[0], saved[1], saved[2]);
    const auto kept = c10::static_intrusive_pointer_cast<Kept>(ctx->saved_data["rows"].toCapsule());
    const auto dy = gradients[0].to(q.scalar_type()).contiguous();
    const auto dq = torch::empty_like(q);
    const auto dk = torch::empty_like(k);
    const auto dv = torch::empty_like(v);
    with_cpu_kernels(q, [&]<typename Real>(Real, const TypedKernels<Real>& kernels) {
      for_each_head(
          kept->rows, [&](const HeadSpan& span, std::int64_t at, std::int64_t key, float* scratch) {
            kernels.attend_backward(span, in<Real>(q) + at, in<Real>(k) + key, in<Real>(v) + key,
                                    in<Real>(dy) + at, out<Real>(dq) + at, out<Real>(dk) + key,
                                    out<Real>(dv) + key, scratch);
          });
    });
    return {dq, dk, dv, {}};
  }

 private:
  struct Kept : torch::CustomClassHolder {
    explicit Kept(Rows all) : rows(std::move(all)) {}
    Rows rows;
  };
};

}  // namespace

bool can_attend_packed(const Tensor& q, const RealTokens& tokens, std::int64_t heads,
                       double dropout) {
  return dropout == 0 && has_cpu_kernels(q) && !tokens.early_padding && q.size(-1) % heads == 0 &&
         tokens.length <= kMostKeys;
}

Tensor attend_packed(const Tensor& q, const Tensor& k_TD, const Tensor& v_TD,
                     const RealTokens& tokens, const Tensor& index_B, std::int64_t heads,
                     std::int64_t window, double scale) {
  return PackedAttention::apply(q, k_TD, v_TD,
                                lay_out(k_TD, tokens, index_B, heads, window, scale));
}

}  // namespace mvn
