// Products with matrices of few columns, which general libraries are slow at: LoRA's.
//
// T tokens, N features, R columns: the rank, padded with zeros to a multiple of kThinLanes.
// Row-major and contiguous throughout. Every number is the sum of the same terms in the same order
// whatever the number of threads. No LibTorch here: the files that implement it are compiled for
// one instruction set each.
#pragma once

#include <cstdint>

#include "dropout_mask.h"
#include "mvn/half.h"

namespace mvn {

inline constexpr std::int64_t kThinLanes = 16;
inline constexpr std::int64_t kThinColumns = 2 * kThinLanes;
inline constexpr std::int64_t kMaskSpan = 512;  // features of a row whose mask bits lie together

constexpr std::int64_t thin_padded(std::int64_t columns) {
  return (columns + kThinLanes - 1) / kThinLanes * kThinLanes;
}
// 32-bit words that the mask of a row of `features` takes, a bit a feature.
constexpr std::int64_t mask_words(std::int64_t features) {
  return (features + kMaskSpan - 1) / kMaskSpan * kThinLanes;
}

// Which features dropout keeps: those whose hash of seed and index is at least `threshold`.
struct MaskRule {
  std::uint32_t low = 0;  // the two halves of the seed
  std::uint32_t high = 0;
  std::uint32_t threshold = 0;
};

// A mask of null keeps everything.
template <typename Real>
struct ThinProducts {
  // inner[t] = sum_n (mask x)[t][n] thin[n], for the rows begin to end; thin [N, R], inner [T, R].
  void (*reduce)(const Real* x, const std::uint32_t* mask, const float* thin, float* inner,
                 std::int64_t features, std::int64_t rank, std::int64_t begin, std::int64_t end);
  // y[t][n] += mask sum_r inner[t][r] wide[r][n], for the rows begin to end; wide [R, N padded].
  void (*spread)(const float* inner, const std::uint32_t* mask, const float* wide, Real* y,
                 std::int64_t features, std::int64_t rank, std::int64_t begin, std::int64_t end);
  // out[r][n] = sum_t inner[t][r] (mask x)[t][n], for the columns begin to end, begin a multiple of
  // kThinColumns; out [R, N padded].
  void (*collect)(const float* inner, const Real* x, const std::uint32_t* mask, float* out,
                  std::int64_t tokens, std::int64_t features, std::int64_t rank, std::int64_t begin,
                  std::int64_t end);
};

struct ThinKernels {
  const char* name;
  ThinProducts<float> floats;
  ThinProducts<Half> halves;
  ThinProducts<Half> half_gradients;  // these may round all operands to bfloat16
  // The mask of the rows begin to end, [T, mask_words(N)].
  void (*draw)(const MaskRule& rule, std::uint32_t* mask, std::int64_t features, std::int64_t begin,
               std::int64_t end);
  // dropout_mask.h's dropped() of the elements begin to end.
  void (*drop_floats)(const float* from, float* to, std::int64_t begin, std::int64_t end,
                      Mask mask);
  void (*drop_halves)(const Half* from, float* to, std::int64_t begin, std::int64_t end, Mask mask);
  void (*drop_halves_in_place)(Half* values, std::int64_t begin, std::int64_t end, Mask mask);
  // to[c][r] = factor * from[r][c]; the strides are those from row to row.
  void (*scale_transposed)(const float* from, std::int64_t from_stride, std::int64_t rows,
                           std::int64_t columns, float factor, float* to, std::int64_t to_stride);
};

extern const ThinKernels kThinPortable;  // right everywhere
extern const ThinKernels kThinAvx2;
extern const ThinKernels kThinAvx512;
extern const ThinKernels kThinAvx512Bf16;

// Those for the best instruction set (mvn/cpu_isa.h).
const ThinKernels& thin_kernels();

}  // namespace mvn
