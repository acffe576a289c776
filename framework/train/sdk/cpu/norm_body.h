// RMS normalisation, row by row. Part of kernels_body.h.

// The elements of a row from `at` on, zeros behind its end.
template <typename Real>
[[gnu::always_inline]] inline Floats part_of(const Real* row, std::int64_t at, std::int64_t width) {
  Floats part;
  load(row + at, width - at, part);
  return part;
}

// a and b in float32, multiplied and summed over a row.
template <typename A, typename B>
float row_product(const A* a, const B* b, std::int64_t width) {
  Floats sums[4] = {};
  for (std::int64_t i = 0; i < width; i += kLanes) {
    sums[i / kLanes % 4] += part_of(a, i, width) * part_of(b, i, width);
  }
  return sum_of((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// As the type Out holds it.
[[gnu::always_inline]] inline Floats rounded_as(float /*type*/, Floats value) { return value; }
[[gnu::always_inline]] inline Floats rounded_as(Half /*type*/, Floats value) {
  Half halves[kLanes];
  store(halves, kLanes, value);
  load(halves, kLanes, value);
  return value;
}

template <typename In, typename Out>
void rms_norm(const NormShape& shape, const In* x, const Out* weight, Out* y, float* scales) {
  for (std::int64_t row = 0; row < shape.rows; ++row, x += shape.width, y += shape.width) {
    const float mean = row_product(x, x, shape.width) / static_cast<float>(shape.width);
    const float scale = 1.0F / __builtin_sqrtf(mean + shape.epsilon);
    scales[row] = scale;
    for (std::int64_t i = 0; i < shape.width; i += kLanes) {
      const Floats normal = rounded_as(Out{}, part_of(x, i, shape.width) * scale);
      store(y + i, shape.width - i, normal * part_of(weight, i, shape.width));
    }
  }
}

// With n = x scale and g = dy weight: dx = scale (g - n mean(g n)).
template <typename In, typename Out>
void rms_norm_backward(const NormShape& shape, const In* x, const Out* weight, const Out* dy,
                       const float* scales, In* dx) {
  for (std::int64_t row = 0; row < shape.rows; ++row) {
    const float scale = scales[row];
    Floats sums = {};
    for (std::int64_t i = 0; i < shape.width; i += kLanes) {
      sums += part_of(x, i, shape.width) * part_of(weight, i, shape.width) *
              part_of(dy, i, shape.width);
    }
    const float mean = sum_of(sums) * scale * scale / static_cast<float>(shape.width);
    for (std::int64_t i = 0; i < shape.width; i += kLanes) {
      const Floats gradient = part_of(dy, i, shape.width) * part_of(weight, i, shape.width);
      store(dx + i, shape.width - i, scale * (gradient - part_of(x, i, shape.width) * mean));
    }
    x += shape.width;
    dy += shape.width;
    dx += shape.width;
  }
}
