// The thin products, written once over the compiler's vectors of kLanes floats, which the including
// file defines with the rest of what suits its registers:
//   kReduceRows rows of reduce(), kSpreadRows x kSpreadVectors of spread() and kCollectRanks x
//   kCollectVectors of collect() are accumulators of one vector each.
// Included once by each of thin_*.cc, inside an anonymous namespace: no function of one instruction
// set may be linked into another's caller.

#include "mvn/lanes_body.h"

// The mask of the kLanes features from `at` on. Bit b of word i of a span is its feature 16 b + i.
[[gnu::always_inline]] inline void apply_mask(const std::uint32_t* row_mask, std::int64_t at,
                                              Floats& value) {
  if (row_mask == nullptr) return;
  Words words;
  __builtin_memcpy(&words, row_mask + at / kMaskSpan * kThinLanes + at % kThinLanes, sizeof words);
  const Words bit = words & (1U << (at % kMaskSpan / kThinLanes));
  value = bit != 0 ? value : Floats{};
}

inline const std::uint32_t* row_of(const std::uint32_t* mask, std::int64_t features,
                                   std::int64_t row) {
  return mask == nullptr ? nullptr : mask + row * mask_words(features);
}

// Asks for `count` elements: many rows at a time are more than the processor sees coming.
template <std::int64_t kCount, typename Real>
[[gnu::always_inline]] inline void prefetch(const Real* from) {
  constexpr std::int64_t kLine = 64 / static_cast<std::int64_t>(sizeof(Real));
#pragma GCC unroll 8
  for (std::int64_t i = 0; i < kCount; i += kLine) __builtin_prefetch(from + i);
}

constexpr std::int64_t kReduceSpan = 128;  // features made floats at a time

template <std::int64_t kRows, typename Real>
void reduce_rows(const Real* x, const std::uint32_t* mask, const float* thin, float* inner,
                 std::int64_t features, std::int64_t rank, std::int64_t row) {
  alignas(64) float wide[kRows][kReduceSpan];
  for (std::int64_t column = 0; column < rank; column += kLanes) {
    Floats sums[kRows] = {};
    for (std::int64_t first = 0; first < features; first += kReduceSpan) {
      const std::int64_t count = features - first < kReduceSpan ? features - first : kReduceSpan;
      for (std::int64_t m = 0; m < kRows; ++m) {
        const std::uint32_t* row_mask = row_of(mask, features, row + m);
        prefetch<kReduceSpan>(x + (row + m) * features + first + kReduceSpan);
        for (std::int64_t i = 0; i < count; i += kLanes) {
          Floats value;
          load(x + (row + m) * features + first + i, count - i, value);
          apply_mask(row_mask, first + i, value);
          __builtin_memcpy(&wide[m][i], &value, sizeof value);
        }
      }
      const float* rows = thin + first * rank + column;
      for (std::int64_t i = 0; i < count; ++i) {
        Floats factor;
        __builtin_memcpy(&factor, rows + i * rank, sizeof factor);
#pragma GCC unroll 12
        for (std::int64_t m = 0; m < kRows; ++m) sums[m] += wide[m][i] * factor;
      }
    }
    for (std::int64_t m = 0; m < kRows; ++m) {
      __builtin_memcpy(inner + (row + m) * rank + column, &sums[m], sizeof sums[m]);
    }
  }
}

template <typename Real>
void reduce(const Real* x, const std::uint32_t* mask, const float* thin, float* inner,
            std::int64_t features, std::int64_t rank, std::int64_t begin, std::int64_t end) {
  std::int64_t row = begin;
  for (; row + kReduceRows <= end; row += kReduceRows) {
    reduce_rows<kReduceRows>(x, mask, thin, inner, features, rank, row);
  }
  for (; row + 4 <= end; row += 4) {
    reduce_rows<4>(x, mask, thin, inner, features, rank, row);
  }
  for (; row < end; ++row) reduce_rows<1>(x, mask, thin, inner, features, rank, row);
}

// kRows rows and kVectors vectors of y.
template <std::int64_t kRows, std::int64_t kVectors, typename Real>
[[gnu::always_inline]] inline void spread_block(const float* inner, const std::uint32_t* mask,
                                                const float* wide, Real* y, std::int64_t features,
                                                std::int64_t rank, std::int64_t row,
                                                std::int64_t column) {
  const std::int64_t stride = thin_padded(features);
  for (std::int64_t m = 0; m < kRows; ++m) {
    prefetch<kVectors * kLanes>(y + (row + m) * features + column);
  }
  Floats sums[kRows][kVectors] = {};
  for (std::int64_t r = 0; r < rank; ++r) {
    Floats factors[kVectors];
#pragma GCC unroll 4
    for (std::int64_t v = 0; v < kVectors; ++v) {
      __builtin_memcpy(&factors[v], wide + r * stride + column + v * kLanes, sizeof factors[v]);
    }
#pragma GCC unroll 6
    for (std::int64_t m = 0; m < kRows; ++m) {
      const float value = inner[(row + m) * rank + r];
#pragma GCC unroll 4
      for (std::int64_t v = 0; v < kVectors; ++v) sums[m][v] += value * factors[v];
    }
  }
  // By way of memory: g++ 12 would otherwise keep sums there all through the loop above.
  alignas(64) float done[kRows][kVectors][kLanes];
  __builtin_memcpy(done, sums, sizeof done);
  for (std::int64_t m = 0; m < kRows; ++m) {
    const std::uint32_t* row_mask = row_of(mask, features, row + m);
    for (std::int64_t v = 0; v < kVectors; ++v) {
      const std::int64_t at = column + v * kLanes;
      Floats old;
      Floats sum;
      load(done[m][v], kLanes, sum);
      load(y + (row + m) * features + at, features - at, old);
      apply_mask(row_mask, at, sum);
      store(y + (row + m) * features + at, features - at, old + sum);
    }
  }
}

template <std::int64_t kRows, typename Real>
void spread_rows(const float* inner, const std::uint32_t* mask, const float* wide, Real* y,
                 std::int64_t features, std::int64_t rank, std::int64_t row) {
  std::int64_t column = 0;
  constexpr std::int64_t kWidth = kSpreadVectors * kLanes;
  for (; column + kWidth <= features; column += kWidth) {
    spread_block<kRows, kSpreadVectors>(inner, mask, wide, y, features, rank, row, column);
  }
  for (; column < features; column += kLanes) {
    spread_block<kRows, 1>(inner, mask, wide, y, features, rank, row, column);
  }
}

template <typename Real>
void spread(const float* inner, const std::uint32_t* mask, const float* wide, Real* y,
            std::int64_t features, std::int64_t rank, std::int64_t begin, std::int64_t end) {
  std::int64_t row = begin;
  for (; row + kSpreadRows <= end; row += kSpreadRows) {
    spread_rows<kSpreadRows>(inner, mask, wide, y, features, rank, row);
  }
  for (; row < end; ++row) spread_rows<1>(inner, mask, wide, y, features, rank, row);
}

// Rows of x whose part of a block of columns is made floats at a time, in the nearest cache.
constexpr std::int64_t kCollectRows = 64;

// A block of kVectors vectors of columns: all ranks, for the rows begin to end, which `x` has.
template <std::int64_t kVectors>
[[gnu::always_inline]] inline void collect_block(const float* inner, const float* x, float* out,
                                                 std::int64_t stride, std::int64_t rank,
                                                 std::int64_t begin, std::int64_t end) {
  for (std::int64_t r = 0; r < rank; r += kCollectRanks) {
    Floats sums[kCollectRanks][kVectors] = {};
    if (begin > 0) {
      for (std::int64_t i = 0; i < kCollectRanks; ++i) {
        __builtin_memcpy(sums[i], out + (r + i) * stride, sizeof sums[i]);
      }
    }
    for (std::int64_t t = begin; t < end; ++t) {
      Floats values[kVectors];
      __builtin_memcpy(values, x + (t - begin) * kVectors * kLanes, sizeof values);
#pragma GCC unroll 8
      for (std::int64_t i = 0; i < kCollectRanks; ++i) {
        const float factor = inner[t * rank + r + i];
#pragma GCC unroll 4
        for (std::int64_t v = 0; v < kVectors; ++v) sums[i][v] += factor * values[v];
      }
    }
    alignas(64) float done[kCollectRanks][kVectors * kLanes];
    __builtin_memcpy(done, sums, sizeof done);
    for (std::int64_t i = 0; i < kCollectRanks; ++i) {
      __builtin_memcpy(out + (r + i) * stride, done[i], sizeof done[i]);
    }
  }
}

// The columns from `at` on of the rows begin to end, at most kCollectRows.
template <std::int64_t kVectors, typename Real>
void collect_columns(const float* inner, const Real* x, const std::uint32_t* mask, float* out,
                     std::int64_t features, std::int64_t rank, std::int64_t at, std::int64_t begin,
                     std::int64_t end) {
  alignas(64) float wide[kCollectRows * kVectors * kLanes];
  float* to = wide;
  for (std::int64_t t = begin; t < end; ++t) {
    const std::uint32_t* row_mask = row_of(mask, features, t);
    const Real* row = x + t * features;
    prefetch<kVectors * kLanes>(row + at + kVectors * kLanes);
    for (std::int64_t v = 0; v < kVectors; ++v, to += kLanes) {
      const std::int64_t column = at + v * kLanes;
      Floats value;
      load(row + column, features - column, value);
      apply_mask(row_mask, column, value);
      __builtin_memcpy(to, &value, sizeof value);
    }
  }
  collect_block<kVectors>(inner, wide, out + at, thin_padded(features), rank, begin, end);
}

template <typename Real>
void collect(const float* inner, const Real* x, const std::uint32_t* mask, float* out,
             std::int64_t tokens, std::int64_t features, std::int64_t rank, std::int64_t begin,
             std::int64_t end) {
  constexpr std::int64_t kWidth = kCollectVectors * kLanes;
  for (std::int64_t row = 0; row == 0 || row < tokens; row += kCollectRows) {
    const std::int64_t until = row + kCollectRows < tokens ? row + kCollectRows : tokens;
    std::int64_t at = begin;
    for (; at + kWidth <= end; at += kWidth) {
      collect_columns<kCollectVectors>(inner, x, mask, out, features, rank, at, row, until);
    }
    for (; at < end; at += kLanes) {
      collect_columns<1>(inner, x, mask, out, features, rank, at, row, until);
    }
  }
}

inline void scale_transposed(const float* from, std::int64_t from_stride, std::int64_t rows,
                             std::int64_t columns, float factor, float* to,
                             std::int64_t to_stride) {
  for (std::int64_t row = 0; row < rows; row += kLanes) {
    for (std::int64_t column = 0; column < columns; column += kLanes) {
      Floats tile[kLanes] = {};
      for (std::int64_t i = 0; i < kLanes && row + i < rows; ++i) {
        const float* part = from + (row + i) * from_stride + column;
        prefetch<kLanes>(part + 4 * kLanes);
        load(part, columns - column, tile[i]);
        tile[i] *= factor;
      }
      transpose(tile);
      for (std::int64_t i = 0; i < kLanes && column + i < columns; ++i) {
        store(to + (column + i) * to_stride + row, rows - row, tile[i]);
      }
    }
  }
}

// Chris Wellons' lowbias32: a mix of 32 bits whose every output bit depends on every input bit.
[[gnu::always_inline]] inline void mix(Words& x) {
  x ^= x >> 16;
  x *= 0x7feb352dU;
  x ^= x >> 15;
  x *= 0x846ca68bU;
  x ^= x >> 16;
}

// The two halves of the seed enter at different depths, so that seeds do not shift one sequence.
inline void draw(const MaskRule& rule, std::uint32_t* mask, std::int64_t features,
                 std::int64_t begin, std::int64_t end) {
  const Words counted = lane_numbers();
  for (std::int64_t row = begin; row < end; ++row) {
    std::uint32_t* words = mask + row * mask_words(features);
    for (std::int64_t word = 0; word < mask_words(features); word += kLanes) {
      const std::int64_t feature = word / kThinLanes * kMaskSpan + word % kThinLanes;
      const auto first = static_cast<std::uint32_t>(row * features + feature) + rule.low;
      Words kept = {};
      for (std::uint32_t b = 0; b < 32; ++b) {
        Words hash = counted + (first + b * static_cast<std::uint32_t>(kThinLanes));
        mix(hash);
        hash ^= rule.high;
        mix(hash);
        kept |= hash >= rule.threshold ? Words{} + (1U << b) : Words{};
      }
      __builtin_memcpy(words + word, &kept, sizeof kept);
    }
  }
}

inline void drop_floats(const float* from, float* to, std::int64_t begin, std::int64_t end,
                        Mask mask) {
  for (std::int64_t i = begin; i < end; ++i) {
    to[i] = dropped(from[i], static_cast<std::uint32_t>(i), mask);
  }
}

inline void drop_halves(const Half* from, float* to, std::int64_t begin, std::int64_t end,
                        Mask mask) {
  for (std::int64_t i = begin; i < end; ++i) {
    to[i] = dropped(as_float(from[i]), static_cast<std::uint32_t>(i), mask);
  }
}

inline void drop_halves_in_place(Half* values, std::int64_t begin, std::int64_t end, Mask mask) {
  for (std::int64_t i = begin; i < end; ++i) {
    values[i] = as_half(dropped(as_float(values[i]), static_cast<std::uint32_t>(i), mask));
  }
}

constexpr ThinKernels kernels(const char* name) {
  return {name,
          {&reduce<float>, &spread<float>, &collect<float>},
          {&reduce<Half>, &spread<Half>, &collect<Half>},
          {&reduce<Half>, &spread<Half>, &collect<Half>},
          &draw,
          &drop_floats,
          &drop_halves,
          &drop_halves_in_place,
          &scale_transposed};
}
