// Causal attention of one head in float32, whatever the elements are. Part of kernels_body.h.
//
// Matrices of the scratch memory have rows of whole vectors, filled up with zeros: `wide` floats
// for a head's width, `long` ones for the keys.

constexpr std::int64_t padded(std::int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

// A matrix, or with its strides exchanged its transpose.
struct Matrix {
  const float* at;
  std::int64_t row;
  std::int64_t column;
};

// c[m][n] = sum_k a[m][k] b[k][n] for kCount rows and kWidth vectors of columns.
template <std::int64_t kCount, std::int64_t kWidth>
[[gnu::always_inline]] inline void product_block(Matrix a, const float* b, std::int64_t b_row,
                                                 float* c, std::int64_t c_row, std::int64_t begin,
                                                 std::int64_t end) {
  Floats sums[kCount][kWidth] = {};
  for (std::int64_t k = begin; k < end; ++k) {
    Floats factors[kWidth];
#pragma GCC unroll 4
    for (std::int64_t v = 0; v < kWidth; ++v) {
      __builtin_memcpy(&factors[v], b + k * b_row + v * kLanes, sizeof factors[v]);
    }
#pragma GCC unroll 6
    for (std::int64_t m = 0; m < kCount; ++m) {
      const float value = a.at[m * a.row + k * a.column];
#pragma GCC unroll 4
      for (std::int64_t v = 0; v < kWidth; ++v) sums[m][v] += value * factors[v];
    }
  }
  // By way of memory: g++ 12 would otherwise keep sums there all through the loop above.
  alignas(64) float done[kCount][kWidth * kLanes];
  __builtin_memcpy(done, sums, sizeof done);
  for (std::int64_t m = 0; m < kCount; ++m)
    __builtin_memcpy(c + m * c_row, done[m], sizeof done[m]);
}

template <std::int64_t kCount>
void product_rows(Matrix a, const float* b, std::int64_t b_row, float* c, std::int64_t c_row,
                  std::int64_t columns, std::int64_t begin, std::int64_t end) {
  std::int64_t n = 0;
  for (; n + kVectors * kLanes <= columns; n += kVectors * kLanes) {
    product_block<kCount, kVectors>(a, b + n, b_row, c + n, c_row, begin, end);
  }
  for (; n < columns; n += kLanes) {
    product_block<kCount, 1>(a, b + n, b_row, c + n, c_row, begin, end);
  }
}

// c = a b for `rows` rows, at most kRows, and whole vectors of columns; k from begin to end.
inline void product(Matrix a, const float* b, std::int64_t b_row, float* c, std::int64_t c_row,
                    std::int64_t rows, std::int64_t columns, std::int64_t begin, std::int64_t end) {
  if (rows == kRows) return product_rows<kRows>(a, b, b_row, c, c_row, columns, begin, end);
  std::int64_t m = 0;
  const auto rest = [&] { return Matrix{a.at + m * a.row, a.row, a.column}; };
  for (; m + kRows / 2 <= rows; m += kRows / 2) {
    product_rows<kRows / 2>(rest(), b, b_row, c + m * c_row, c_row, columns, begin, end);
  }
  for (; m < rows; ++m) {
    product_rows<1>(rest(), b, b_row, c + m * c_row, c_row, columns, begin, end);
  }
}

// Rows of a head, [count, wide].
template <typename Real>
void copy_rows(const HeadSpan& span, const Real* from, std::int64_t count, float* to) {
  constexpr std::int64_t kLine = 64 / static_cast<std::int64_t>(sizeof(Real));
  for (std::int64_t i = 0; i < count; ++i) {
    // The next head, which lies beside this one: these are few elements of many long rows.
    for (std::int64_t at = 0; at < span.width; at += kLine) {
      __builtin_prefetch(from + i * span.stride + span.width + at);
    }
    for (std::int64_t at = 0; at < span.width; at += kLanes, to += kLanes) {
      Floats value;
      load(from + i * span.stride + at, span.width - at, value);
      __builtin_memcpy(to, &value, sizeof value);
    }
  }
}

// The rows [count, wide] as columns [width, row], zeros after the last.
inline void transpose_rows(const HeadSpan& span, const float* from, std::int64_t count, float* to) {
  const std::int64_t wide = padded(span.width);
  const std::int64_t row = padded(count);
  for (std::int64_t i = 0; i < count; i += kLanes) {
    for (std::int64_t at = 0; at < span.width; at += kLanes) {
      Floats tile[kLanes];
      for (std::int64_t j = 0; j < kLanes; ++j) {
        tile[j] = Floats{};
        if (i + j < count) __builtin_memcpy(&tile[j], from + (i + j) * wide + at, sizeof tile[j]);
      }
      transpose(tile);
      for (std::int64_t j = 0; j < kLanes && at + j < span.width; ++j) {
        __builtin_memcpy(to + (at + j) * row + i, &tile[j], sizeof tile[j]);
      }
    }
  }
}

template <typename Real>
void store_rows(const HeadSpan& span, const float* from, std::int64_t count, Real* to) {
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t at = 0; at < span.width; at += kLanes) {
      Floats value;
      __builtin_memcpy(&value, from + i * padded(span.width) + at, sizeof value);
      store(to + i * span.stride + at, span.width - at, value);
    }
  }
}

// The keys from `begin` to `end` that the queries i to i + count - 1 see at all.
struct Reach {
  std::int64_t begin;
  std::int64_t end;
};

inline Reach reach_of(const HeadSpan& span, std::int64_t query, std::int64_t count) {
  const std::int64_t position = span.first + query;
  const std::int64_t begin = position - span.window + 1;
  return {begin < 0 ? 0 : begin / kLanes * kLanes, position + count};
}

// Products of one query and the keys become probabilities, 0 where it sees nothing.
inline void softmax(const HeadSpan& span, std::int64_t query, float* row) {
  const std::int64_t position = span.first + query;
  const std::int64_t first = position - span.window + 1 < 0 ? 0 : position - span.window + 1;
  const std::int64_t begin = first / kLanes * kLanes;
  const std::int64_t end = padded(position + 1);
  const float least = -__builtin_inff();
  for (std::int64_t j = begin; j < first; ++j) row[j] = least;
  for (std::int64_t j = position + 1; j < end; ++j) row[j] = least;
  Floats most = Floats{} + least;
  for (std::int64_t j = begin; j < end; j += kLanes) {
    Floats value;
    __builtin_memcpy(&value, row + j, sizeof value);
    most = value > most ? value : most;
  }
  const float top = most_of(most);
  const float scale = span.scale * kLog2E;
  Floats sums = {};
  for (std::int64_t j = begin; j < end; j += kLanes) {
    Floats value;
    __builtin_memcpy(&value, row + j, sizeof value);
    value = exp2((value - top) * scale);
    sums += value;
    __builtin_memcpy(row + j, &value, sizeof value);
  }
  const float share = 1 / sum_of(sums);
  for (std::int64_t j = begin; j < end; j += kLanes) {
    Floats value;
    __builtin_memcpy(&value, row + j, sizeof value);
    value *= share;
    __builtin_memcpy(row + j, &value, sizeof value);
  }
  for (std::int64_t j = 0; j < begin; ++j) row[j] = 0;
  for (std::int64_t j = end; j < padded(span.keys); ++j) row[j] = 0;
}

// The probabilities of `count` queries, [count, long]; q [queries, wide] and the keys as columns.
inline void probabilities(const HeadSpan& span, const float* q, const float* keys,
                          std::int64_t query, std::int64_t count, float* p) {
  const std::int64_t wide = padded(span.width);
  const std::int64_t row = padded(span.keys);
  const Reach reach = reach_of(span, query, count);
  product({q + query * wide, wide, 1}, keys + reach.begin, row, p + reach.begin, row, count,
          padded(reach.end) - reach.begin, 0, span.width);
  for (std::int64_t m = 0; m < count; ++m) softmax(span, query + m, p + m * row);
}

inline std::int64_t at_most_rows(std::int64_t left) { return left < kRows ? left : kRows; }

template <typename Real>
void attend(const HeadSpan& span, const Real* q, const Real* k, const Real* v, Real* y,
            float* scratch) {
  const std::int64_t wide = padded(span.width);
  const std::int64_t row = padded(span.keys);
  float* q_rows = scratch;
  float* k_rows = q_rows + span.queries * wide;
  float* v_rows = k_rows + span.keys * wide;
  float* k_columns = v_rows + span.keys * wide;
  float* p = k_columns + wide * row;
  float* y_rows = p + kRows * row;
  copy_rows(span, q, span.queries, q_rows);
  copy_rows(span, k, span.keys, k_rows);
  copy_rows(span, v, span.keys, v_rows);
  transpose_rows(span, k_rows, span.keys, k_columns);
  for (std::int64_t i = 0; i < span.queries; i += kRows) {
    const std::int64_t count = at_most_rows(span.queries - i);
    probabilities(span, q_rows, k_columns, i, count, p);
    const Reach reach = reach_of(span, i, count);
    product({p, row, 1}, v_rows, wide, y_rows, wide, count, wide, reach.begin, reach.end);
    store_rows(span, y_rows, count, y + i * span.stride);
  }
}

// d = scale p (d - sum_j p d): the gradient of the scores from that of the probabilities.
inline void softmax_backward(const HeadSpan& span, std::int64_t query, const float* p, float* d) {
  const Reach reach = reach_of(span, query, 1);
  Floats sums = {};
  for (std::int64_t j = reach.begin; j < reach.end; j += kLanes) {
    Floats share;
    Floats gradient;
    __builtin_memcpy(&share, p + j, sizeof share);
    __builtin_memcpy(&gradient, d + j, sizeof gradient);
    sums += share * gradient;
  }
  const float mean = sum_of(sums);
  for (std::int64_t j = 0; j < reach.begin; ++j) d[j] = 0;
  for (std::int64_t j = reach.begin; j < reach.end; j += kLanes) {
    Floats share;
    Floats gradient;
    __builtin_memcpy(&share, p + j, sizeof share);
    __builtin_memcpy(&gradient, d + j, sizeof gradient);
    gradient = share * (gradient - mean) * span.scale;
    __builtin_memcpy(d + j, &gradient, sizeof gradient);
  }
  for (std::int64_t j = padded(reach.end); j < padded(span.keys); ++j) d[j] = 0;
}

// to[j] = sum_i weights[i][j] rows[i], over the queries i that see key j; weights [queries, long].
template <typename Real>
void gather_queries(const HeadSpan& span, const float* weights, const float* rows, float* scratch,
                    Real* to) {
  const std::int64_t wide = padded(span.width);
  const std::int64_t row = padded(span.keys);
  for (std::int64_t j = 0; j < span.keys; j += kRows) {
    const std::int64_t count = at_most_rows(span.keys - j);
    const std::int64_t begin = j < span.first ? 0 : j - span.first;
    const std::int64_t last = j + count - span.first + span.window - 1;
    const std::int64_t end = last < span.queries ? last : span.queries;
    product({weights + j, 1, row}, rows, wide, scratch, wide, count, wide, begin, end);
    store_rows(span, scratch, count, to + j * span.stride);
  }
}

template <typename Real>
void attend_backward(const HeadSpan& span, const Real* q, const Real* k, const Real* v,
                     const Real* dy, Real* dq, Real* dk, Real* dv, float* scratch) {
  const std::int64_t wide = padded(span.width);
  const std::int64_t row = padded(span.keys);
  float* q_rows = scratch;
  float* dy_rows = q_rows + span.queries * wide;
  float* k_rows = dy_rows + span.queries * wide;
  float* v_rows = k_rows + span.keys * wide;
  float* k_columns = v_rows + span.keys * wide;
  float* v_columns = k_columns + wide * row;
  float* p = v_columns + wide * row;
  float* d = p + span.queries * row;
  float* some_rows = d + span.queries * row;
  copy_rows(span, q, span.queries, q_rows);
  copy_rows(span, dy, span.queries, dy_rows);
  copy_rows(span, k, span.keys, k_rows);
  copy_rows(span, v, span.keys, v_rows);
  transpose_rows(span, k_rows, span.keys, k_columns);
  transpose_rows(span, v_rows, span.keys, v_columns);
  for (std::int64_t i = 0; i < span.queries; i += kRows) {
    const std::int64_t count = at_most_rows(span.queries - i);
    const Reach reach = reach_of(span, i, count);
    float* shares = p + i * row;
    float* rows = d + i * row;
    probabilities(span, q_rows, k_columns, i, count, shares);
    product({dy_rows + i * wide, wide, 1}, v_columns + reach.begin, row, rows + reach.begin, row,
            count, padded(reach.end) - reach.begin, 0, span.width);
    for (std::int64_t m = 0; m < count; ++m) {
      softmax_backward(span, i + m, shares + m * row, rows + m * row);
    }
    product({rows, row, 1}, k_rows, wide, some_rows, wide, count, wide, reach.begin, reach.end);
    store_rows(span, some_rows, count, dq + i * span.stride);
  }
  gather_queries(span, p, dy_rows, some_rows, dv);
  gather_queries(span, d, q_rows, some_rows, dk);
}
