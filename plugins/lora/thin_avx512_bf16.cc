// The thin products for processors that multiply bfloat16 pairs: compiled with
// -mavx512{f,dq,bw,vl,bf16} and -mfma. Of bfloat16 matrices the other operand is rounded to
// bfloat16 too, and the sums are float32, as in LibTorch's own mixed precision; that halves the
// products.
//
// A pair is a 32-bit lane with two bfloat16s, the first in its low half.
#include <immintrin.h>

#include "thin_products.h"

namespace mvn {
namespace {

constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kReduceRows = 12;
constexpr std::int64_t kSpreadRows = 6;
constexpr std::int64_t kSpreadVectors = 4;
constexpr std::int64_t kCollectRanks = 4;
constexpr std::int64_t kCollectVectors = 4;

#include "thin_products_body.h"

// Ranks whose pairs the blocks below have room for; higher ones go the way of float32.
constexpr std::int64_t kMostRank = 32;
constexpr std::int64_t kSpan = 256;  // features of a block
constexpr std::int64_t kStep = 32;   // bfloat16s of a vector

[[gnu::always_inline]] inline __m512 add_pairs(__m512 sum, __m512i a, __m512i b) {
  return _mm512_dpbf16_ps(sum, __builtin_bit_cast(__m512bh, a), __builtin_bit_cast(__m512bh, b));
}

[[gnu::always_inline]] inline __m512i rounded(__m512 x) {
  return _mm512_cvtepu16_epi32(__builtin_bit_cast(__m256i, _mm512_cvtneps_pbh(x)));
}

[[gnu::always_inline]] inline __m512i pair(__m512 first, __m512 second) {
  return _mm512_or_si512(rounded(first), _mm512_slli_epi32(rounded(second), 16));
}

// Of the features from `at` on, a multiple of kStep, those that there are and that the mask keeps.
[[gnu::always_inline]] inline __mmask32 kept(const std::uint32_t* row_mask, std::int64_t features,
                                             std::int64_t at) {
  const std::int64_t left = features - at;
  const __mmask32 there = left >= kStep ? ~0U : left <= 0 ? 0U : (1U << left) - 1U;
  if (row_mask == nullptr) return there;
  const __m512i words = _mm512_loadu_si512(row_mask + at / kMaskSpan * kThinLanes);
  const std::uint32_t bit = 1U << (at % kMaskSpan / kThinLanes);
  const auto test = [words](std::uint32_t which) {
    return _mm512_test_epi32_mask(words, _mm512_set1_epi32(static_cast<int>(which)));
  };
  const __mmask16 low = test(bit);
  const __mmask16 high = test(2 * bit);
  return (static_cast<__mmask32>(high) << 16U | low) & there;
}

using Pairs = std::uint32_t;

// The pairs of kSpan rows of a thin matrix. Of two parts, the second is what the first rounds off.
template <std::int64_t kParts>
struct ThinPairs {
  __m512i of[kSpan / 2][kParts];
};

template <std::int64_t kParts>
void round_pair(__m512 first, __m512 second, __m512i (&parts)[kParts]) {
  for (std::int64_t part = 0; part < kParts; ++part) {
    const __m512i low = rounded(first);
    const __m512i high = _mm512_slli_epi32(rounded(second), 16);
    parts[part] = _mm512_or_si512(low, high);
    first = _mm512_sub_ps(first, _mm512_castsi512_ps(_mm512_slli_epi32(low, 16)));
    second = _mm512_sub_ps(second, _mm512_castsi512_ps(high));
  }
}

template <std::int64_t kRows, std::int64_t kParts>
void reduce_block(const Half* x, const std::uint32_t* mask, const ThinPairs<kParts>& thin,
                  float* inner, std::int64_t features, std::int64_t rank, std::int64_t row,
                  std::int64_t first) {
  alignas(64) Pairs wide[kRows][kSpan / 2];
  const std::int64_t count = features - first < kSpan ? features - first : kSpan;
  for (std::int64_t m = 0; m < kRows; ++m) {
    const Half* from = x + (row + m) * features + first;
    prefetch<kSpan>(from + kSpan);
    for (std::int64_t i = 0; i < count; i += kStep) {
      const __mmask32 some = kept(row_of(mask, features, row + m), features, first + i);
      _mm512_store_si512(&wide[m][i / 2], _mm512_maskz_loadu_epi16(some, from + i));
    }
  }
  __m512 sums[kRows];
  for (std::int64_t m = 0; m < kRows; ++m) {
    sums[m] = first == 0 ? _mm512_setzero_ps() : _mm512_loadu_ps(inner + (row + m) * rank);
  }
  for (std::int64_t i = 0; i < (count + 1) / 2; ++i) {
#pragma GCC unroll 12
    for (std::int64_t m = 0; m < kRows; ++m) {
      const __m512i value = _mm512_set1_epi32(static_cast<int>(wide[m][i]));
#pragma GCC unroll 2
      for (std::int64_t part = 0; part < kParts; ++part) {
        sums[m] = add_pairs(sums[m], value, thin.of[i][part]);
      }
    }
  }
  for (std::int64_t m = 0; m < kRows; ++m) _mm512_storeu_ps(inner + (row + m) * rank, sums[m]);
}

template <std::int64_t kParts>
void reduce_pairs(const Half* x, const std::uint32_t* mask, const float* thin, float* inner,
                  std::int64_t features, std::int64_t rank, std::int64_t begin, std::int64_t end) {
  for (std::int64_t column = 0; column < rank; column += kLanes) {
    for (std::int64_t first = 0; first < features; first += kSpan) {
      ThinPairs<kParts> pairs;
      for (std::int64_t i = 0; i < kSpan && first + i < features; i += 2) {
        const float* from = thin + (first + i) * rank + column;
        const __m512 second =
            first + i + 1 < features ? _mm512_loadu_ps(from + rank) : _mm512_setzero_ps();
        round_pair(_mm512_loadu_ps(from), second, pairs.of[i / 2]);
      }
      float* to = inner + column;
      std::int64_t row = begin;
      for (; row + kReduceRows <= end; row += kReduceRows) {
        reduce_block<kReduceRows>(x, mask, pairs, to, features, rank, row, first);
      }
      for (; row + 4 <= end; row += 4) {
        reduce_block<4>(x, mask, pairs, to, features, rank, row, first);
      }
      for (; row < end; ++row) reduce_block<1>(x, mask, pairs, to, features, rank, row, first);
    }
  }
}

// y += the masked sums, kStep features of a row.
[[gnu::always_inline]] inline void add_to(Half* y, __m512 low, __m512 high, __mmask32 some,
                                          __mmask32 there) {
  const __m512i old = _mm512_maskz_loadu_epi16(there, y);
  const __m512i old_low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(old));
  const __m512i old_high = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(old, 1));
  low = _mm512_maskz_mov_ps(static_cast<__mmask16>(some), low);
  high = _mm512_maskz_mov_ps(static_cast<__mmask16>(some >> 16U), high);
  low = _mm512_add_ps(low, _mm512_castsi512_ps(_mm512_slli_epi32(old_low, 16)));
  high = _mm512_add_ps(high, _mm512_castsi512_ps(_mm512_slli_epi32(old_high, 16)));
  const __m512i sum = __builtin_bit_cast(__m512i, _mm512_cvtne2ps_pbh(high, low));
  _mm512_mask_storeu_epi16(y, there, sum);
}

using WidePairs = Pairs[kMostRank / 2][kSpan];

// kRows rows of y, the features from `first` on whose pairs `wide` has.
template <std::int64_t kRows>
void spread_span(const float* inner, const std::uint32_t* mask, const WidePairs& wide, Half* y,
                 std::int64_t features, std::int64_t rank, std::int64_t row, std::int64_t first) {
  alignas(64) Pairs narrow[kRows][kMostRank / 2];
  for (std::int64_t m = 0; m < kRows; ++m) {
    for (std::int64_t r = 0; r < rank; r += kLanes) {
      const __m256bh some = _mm512_cvtneps_pbh(_mm512_loadu_ps(inner + (row + m) * rank + r));
      __builtin_memcpy(&narrow[m][r / 2], &some, sizeof some);
    }
  }
  constexpr std::int64_t kWidth = kSpreadVectors * kLanes;
  for (std::int64_t at = first; at < first + kSpan && at < features; at += kWidth) {
    for (std::int64_t m = 0; m < kRows; ++m) prefetch<kWidth>(y + (row + m) * features + at);
    __m512 sums[kRows][kSpreadVectors] = {};
    for (std::int64_t r = 0; r < rank / 2; ++r) {
      __m512i factors[kSpreadVectors];
#pragma GCC unroll 4
      for (std::int64_t v = 0; v < kSpreadVectors; ++v) {
        factors[v] = _mm512_load_si512(&wide[r][at - first + v * kLanes]);
      }
#pragma GCC unroll 6
      for (std::int64_t m = 0; m < kRows; ++m) {
        const __m512i value = _mm512_set1_epi32(static_cast<int>(narrow[m][r]));
#pragma GCC unroll 4
        for (std::int64_t v = 0; v < kSpreadVectors; ++v) {
          sums[m][v] = add_pairs(sums[m][v], value, factors[v]);
        }
      }
    }
    // By way of memory: g++ 12 would otherwise keep sums there all through the loop above.
    alignas(64) float done[kRows][kWidth];
    __builtin_memcpy(done, sums, sizeof done);
    for (std::int64_t m = 0; m < kRows; ++m) {
      for (std::int64_t i = 0; i < kWidth && at + i < features; i += kStep) {
        add_to(y + (row + m) * features + at + i, _mm512_load_ps(&done[m][i]),
               _mm512_load_ps(&done[m][i + kLanes]),
               kept(row_of(mask, features, row + m), features, at + i),
               kept(nullptr, features, at + i));
      }
    }
  }
}

void spread_pairs(const float* inner, const std::uint32_t* mask, const float* wide, Half* y,
                  std::int64_t features, std::int64_t rank, std::int64_t begin, std::int64_t end) {
  if (rank > kMostRank) return spread(inner, mask, wide, y, features, rank, begin, end);
  const std::int64_t stride = thin_padded(features);
  for (std::int64_t first = 0; first < features; first += kSpan) {
    alignas(64) WidePairs pairs = {};
    for (std::int64_t r = 0; r < rank; r += 2) {
      for (std::int64_t i = 0; i < kSpan && first + i < stride; i += kLanes) {
        const float* from = wide + r * stride + first + i;
        _mm512_store_si512(&pairs[r / 2][i],
                           pair(_mm512_loadu_ps(from), _mm512_loadu_ps(from + stride)));
      }
    }
    std::int64_t row = begin;
    for (; row + kSpreadRows <= end; row += kSpreadRows) {
      spread_span<kSpreadRows>(inner, mask, pairs, y, features, rank, row, first);
    }
    for (; row < end; ++row) spread_span<1>(inner, mask, pairs, y, features, rank, row, first);
  }
}

constexpr std::int64_t kCollectWidth = kCollectVectors * kLanes;

// The features from `at` on of the rows begin to end, two rows a pair; zeros after the last row.
inline void interleave(const Half* x, const std::uint32_t* mask, std::int64_t features,
                       std::int64_t at, std::int64_t begin, std::int64_t end,
                       Pairs (&to)[kCollectRows / 2][kCollectWidth]) {
  alignas(64) std::uint16_t order[2][kStep];
  for (std::uint16_t i = 0; i < kStep; ++i) {
    order[0][i] = static_cast<std::uint16_t>(i / 2 + i % 2 * kStep);
    order[1][i] = static_cast<std::uint16_t>(order[0][i] + kLanes);
  }
  const auto row = [&](std::int64_t t, std::int64_t column) {
    if (t >= end) return _mm512_setzero_si512();
    const Half* from = x + t * features + column;
    __builtin_prefetch(from + kCollectWidth);
    return _mm512_maskz_loadu_epi16(kept(row_of(mask, features, t), features, column), from);
  };
  for (std::int64_t t = begin; t < end; t += 2) {
    Pairs* place = to[(t - begin) / 2];
    for (std::int64_t i = 0; i < kCollectWidth; i += kStep) {
      const __m512i first = row(t, at + i);
      const __m512i second = row(t + 1, at + i);
      for (std::int64_t half = 0; half < 2; ++half) {
        const __m512i index = _mm512_load_si512(order[half]);
        _mm512_store_si512(place + i + half * kLanes,
                           _mm512_permutex2var_epi16(first, index, second));
      }
    }
  }
}

// The block of columns up to `limit` of the ranks r to r + kCollectRanks.
inline void collect_pairs_of(const Pairs (&inner)[kCollectRows / 2][kMostRank],
                             const Pairs (&x)[kCollectRows / 2][kCollectWidth], std::int64_t pairs,
                             bool fresh, std::int64_t r, float* out, std::int64_t stride,
                             std::int64_t limit) {
  __m512 sums[kCollectRanks][kCollectVectors] = {};
  for (std::int64_t i = 0; i < kCollectRanks && !fresh; ++i) {
    for (std::int64_t v = 0; v < kCollectVectors && v * kLanes < limit; ++v) {
      sums[i][v] = _mm512_loadu_ps(out + (r + i) * stride + v * kLanes);
    }
  }
  for (std::int64_t t = 0; t < pairs; ++t) {
    __m512i values[kCollectVectors];
#pragma GCC unroll 4
    for (std::int64_t v = 0; v < kCollectVectors; ++v) {
      values[v] = _mm512_load_si512(&x[t][v * kLanes]);
    }
#pragma GCC unroll 4
    for (std::int64_t i = 0; i < kCollectRanks; ++i) {
      const __m512i factor = _mm512_set1_epi32(static_cast<int>(inner[t][r + i]));
#pragma GCC unroll 4
      for (std::int64_t v = 0; v < kCollectVectors; ++v) {
        sums[i][v] = add_pairs(sums[i][v], factor, values[v]);
      }
    }
  }
  alignas(64) float done[kCollectRanks][kCollectWidth];
  __builtin_memcpy(done, sums, sizeof done);
  for (std::int64_t i = 0; i < kCollectRanks; ++i) {
    for (std::int64_t v = 0; v < kCollectVectors && v * kLanes < limit; ++v) {
      _mm512_storeu_ps(out + (r + i) * stride + v * kLanes, _mm512_load_ps(&done[i][v * kLanes]));
    }
  }
}

void collect_pairs(const float* inner, const Half* x, const std::uint32_t* mask, float* out,
                   std::int64_t tokens, std::int64_t features, std::int64_t rank,
                   std::int64_t begin, std::int64_t end) {
  if (rank > kMostRank) {
    return collect(inner, x, mask, out, tokens, features, rank, begin, end);
  }
  for (std::int64_t first = 0; first == 0 || first < tokens; first += kCollectRows) {
    const std::int64_t until = first + kCollectRows < tokens ? first + kCollectRows : tokens;
    alignas(64) Pairs narrow[kCollectRows / 2][kMostRank];
    for (std::int64_t t = first; t < until; t += 2) {
      for (std::int64_t r = 0; r < rank; r += kLanes) {
        const float* from = inner + t * rank + r;
        const __m512 second = t + 1 < until ? _mm512_loadu_ps(from + rank) : _mm512_setzero_ps();
        _mm512_store_si512(&narrow[(t - first) / 2][r], pair(_mm512_loadu_ps(from), second));
      }
    }
    for (std::int64_t at = begin; at < end; at += kCollectWidth) {
      alignas(64) Pairs wide[kCollectRows / 2][kCollectWidth];
      interleave(x, mask, features, at, first, until, wide);
      for (std::int64_t r = 0; r < rank; r += kCollectRanks) {
        collect_pairs_of(narrow, wide, (until - first + 1) / 2, first == 0, r, out + at,
                         thin_padded(features), end - at);
      }
    }
  }
}

constexpr ThinKernels with_pairs(ThinKernels kernels) {
  kernels.halves.reduce = &reduce_pairs<2>;
  kernels.half_gradients = {&reduce_pairs<1>, &spread_pairs, &collect_pairs};
  return kernels;
}

}  // namespace

extern const ThinKernels kThinAvx512Bf16 = with_pairs(kernels("avx512_bf16"));

}  // namespace mvn
