// GELU in its tanh form. Part of kernels_body.h.

// GELU is x / (1 + 2^-u), u = kGeluSlope x (1 + kGeluCube x^2): (1 + tanh(t)) / 2 is the logistic
// function of 2 t, which keeps its relative accuracy far below zero.
inline constexpr float kGeluSlope = 2 * 0.797884561F * kLog2E;
inline constexpr float kGeluCube = 0.044715F;

[[gnu::always_inline]] inline Floats gelu_gate(Floats x) {
  const Floats u = x * (kGeluSlope + (kGeluSlope * kGeluCube) * (x * x));
  return reciprocal(1.0F + exp2(-u));
}

template <typename Real>
void gelu(const Real* x, Real* y, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes) {
    Floats value;
    load(x + i, count - i, value);
    store(y + i, count - i, value * gelu_gate(value));
  }
}

template <typename Real>
void gelu_backward(const Real* x, const Real* dy, Real* dx, std::int64_t count) {
  constexpr float kSlope = kGeluSlope / kLog2E;
  for (std::int64_t i = 0; i < count; i += kLanes) {
    Floats value;
    Floats gradient;
    load(x + i, count - i, value);
    load(dy + i, count - i, gradient);
    const Floats gate = gelu_gate(value);
    const Floats inner = kSlope + (3 * kSlope * kGeluCube) * (value * value);
    store(dx + i, count - i, gradient * gate * (1.0F + value * (1.0F - gate) * inner));
  }
}
