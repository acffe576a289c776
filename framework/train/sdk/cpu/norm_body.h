// RMS normalisation, row by row. Part of kernels_body.h.

// a and b in float32, multiplied and summed over a row.
template <typename A, typename B>
float row_product(const A* a, const B* b, std::int64_t width) {
  Floats sums[4] = {};
  for (std::int64_t i = 0; i < width; i += kLanes) {
    Floats left;
    Floats right;
    load(a + i, width - i, left);
    load(b + i, width - i, right);
    sums[i / kLanes % 4] += left * right;
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
      Floats value;
      Floats factor;
      load(x + i, shape.width - i, value);
      load(weight + i, shape.width - i, factor);
      store(y + i, shape.width - i, rounded_as(Out{}, value * scale) * factor);
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
      Floats value;
      Floats factor;
      Floats gradient;
      load(x + i, shape.width - i, value);
      load(weight + i, shape.width - i, factor);
      load(dy + i, shape.width - i, gradient);
      sums += value * factor * gradient;
    }
    const float mean = sum_of(sums) * scale * scale / static_cast<float>(shape.width);
    for (std::int64_t i = 0; i < shape.width; i += kLanes) {
      Floats value;
      Floats factor;
      Floats gradient;
      load(x + i, shape.width - i, value);
      load(weight + i, shape.width - i, factor);
      load(dy + i, shape.width - i, gradient);
      store(dx + i, shape.width - i, scale * (gradient * factor - value * mean));
    }
    x += shape.width;
    dy += shape.width;
    dx += shape.width;
  }
}
