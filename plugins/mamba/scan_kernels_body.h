// The body of the scan kernels, written once over a vector type `Vec` of kLanes floats that the
// including file defines for its instruction set. Included once by each of scan_*.cc, inside an
// anonymous namespace: no function of one instruction set may be linked into another's caller.
//
// Plan of the loops: chunk of 16 tokens outside, block of kLanes channels inside, so that the rows
// of a chunk stay in the caches; 16 states live in registers over a chunk. One lane is one channel:
// the sum over states needs no horizontal step. dB and dC, which sum over channels, are collected
// as vectors over a whole channel group and summed across lanes once.

constexpr float kLog2E = 1.44269504088896341F;

// log(1 + e) for e in (0, 1], to full relative precision: 2 atanh(e / (2 + e)).
inline Vec log1p_unit(Vec e) {
  const Vec s = e / (e + set1(2.0F));
  const Vec s2 = s * s;
  Vec p = set1(1.0F / 15);
  p = fma(p, s2, set1(1.0F / 13));
  p = fma(p, s2, set1(1.0F / 11));
  p = fma(p, s2, set1(1.0F / 9));
  p = fma(p, s2, set1(1.0F / 7));
  p = fma(p, s2, set1(1.0F / 5));
  p = fma(p, s2, set1(1.0F / 3));
  return (s + s) * fma(p, s2, set1(1.0F));
}

// 2^x for the fraction: 1 + f q(f), exact where f is 0, so that slow decays do not drift over
// thousands of tokens. Largest relative error 2.0e-7 at |f| = 0.5, 3e-10 at 0.01.
inline Vec exp2_fraction(Vec f) {
  Vec q = set1(0.001338130254F);
  q = fma(q, f, set1(0.009666368515F));
  q = fma(q, f, set1(0.05550381014F));
  q = fma(q, f, set1(0.2402234904F));
  q = fma(q, f, set1(0.6931471806F));
  return fma(q, f, set1(1.0F));
}

inline Vec exp2(Vec x) {
  const Vec whole = round_to_nearest(x);
  return scale_by_power_of_two(exp2_fraction(x - whole), whole);
}

inline Vec exp(Vec x) { return exp2(x * set1(kLog2E)); }

struct Softplus {
  Vec value;
  Vec slope;  // sigmoid
};

inline Softplus softplus(Vec x) {
  const Vec e = exp(set1(0.0F) - abs(x));
  const Vec inverse = set1(1.0F) / (set1(1.0F) + e);
  return {max(x, set1(0.0F)) + log1p_unit(e), select_negative(x, e * inverse, inverse)};
}

inline Vec sigmoid(Vec x) {
  const Vec e = exp(set1(0.0F) - abs(x));
  const Vec inverse = set1(1.0F) / (set1(1.0F) + e);
  return select_negative(x, e * inverse, inverse);
}

inline float to_float(float x) { return x; }
inline float to_float(Bf16 x) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(x.bits) << 16);
}

// `lanes` is kLanes except in the last block of an odd number of channels.
template <typename Real>
inline Vec load_lanes(const Real* from, int lanes) {
  if (lanes == kLanes) return load(from);
  alignas(64) float values[kLanes] = {};
  for (int i = 0; i < lanes; ++i) values[i] = to_float(from[i]);
  return load(values);
}

// A token's rows lie a page or more apart, where no hardware prefetcher follows: asks for the part
// of the row that the next block reads or writes.
template <typename Real>
[[gnu::always_inline]] inline void prefetch(const Real* row) {
  constexpr std::int64_t kAhead = 32;  // channels; measured best of 16 to 64
  __builtin_prefetch(row + kAhead);
}

inline void store_one(float* to, float value) { *to = value; }
inline void store_one(Bf16* to, float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  const bool nan = (bits & 0x7fffffffU) > 0x7f800000U;
  const std::uint32_t rounded = bits + 0x7fffU + ((bits >> 16) & 1U);
  to->bits = static_cast<std::uint16_t>(nan ? 0x7fc0U : rounded >> 16);
}

template <typename Real>
inline void store_lanes(Real* to, Vec value, int lanes) {
  if (lanes == kLanes) {
    store(to, value);
    return;
  }
  alignas(64) float values[kLanes];
  store(values, value);
  for (int i = 0; i < lanes; ++i) store_one(to + i, values[i]);
}

// One block of kLanes channels: what does not change over the tokens of a chunk.
struct Block {
  std::int64_t channel;  // its first
  int lanes;
  Vec bias;
  Vec d;
};

template <typename Real>
inline Block block_at(const ScanInputs<Real>& in, std::int64_t channel) {
  const std::int64_t left = in.channels - channel;
  const int lanes = left < kLanes ? static_cast<int>(left) : kLanes;
  return {channel, lanes,
          in.delta_bias == nullptr ? set1(0.0F) : load_lanes(in.delta_bias + channel, lanes),
          in.d == nullptr ? set1(0.0F) : load_lanes(in.d + channel, lanes)};
}

// A of a block, transposed to [states][kLanes].
template <typename Real>
inline void load_a(const ScanInputs<Real>& in, const Block& block, float scale, float* to) {
  for (std::int64_t n = 0; n < in.states; ++n) {
    for (int lane = 0; lane < kLanes; ++lane) {
      to[n * kLanes + lane] =
          lane < block.lanes ? in.a[(block.channel + lane) * in.states + n] * scale : 0.0F;
    }
  }
}

// The rows of B or C of a chunk as floats, so that the inner loop broadcasts them from memory.
template <typename Real>
inline void load_rows(const Real* from, std::int64_t stride, std::int64_t first, std::int64_t count,
                      std::int64_t states, float* to) {
  for (std::int64_t t = 0; t < count; ++t) {
    for (std::int64_t n = 0; n < states; ++n) {
      to[t * states + n] = to_float(from[(first + t) * stride + n]);
    }
  }
}

struct Item {
  std::int64_t sequence;
  std::int64_t group;
  std::int64_t begin;  // tokens
  std::int64_t end;
  std::int64_t first_channel;
  std::int64_t last_channel;
};

template <typename Inputs>
inline Item item_at(const Inputs& in, std::int64_t item) {
  const std::int64_t groups = scan_groups(in.channels);
  const std::int64_t sequence = item / groups;
  const std::int64_t group = item % groups;
  const std::int64_t first = group * kScanGroup;
  const std::int64_t last = first + kScanGroup < in.channels ? first + kScanGroup : in.channels;
  return {sequence, group, in.offsets[sequence], in.offsets[sequence + 1], first, last};
}

// The kept state of a block at the start of a chunk: [states][kLanes].
template <typename Checkpoints, typename Real>
inline Checkpoints* checkpoint(Checkpoints* all, const ScanInputs<Real>& in, std::int64_t chunk,
                               std::int64_t channel) {
  const std::int64_t padded = (in.channels + 15) / 16 * 16;
  return all + (chunk * padded + channel) * in.states;
}

constexpr std::int64_t kBlocks = kScanGroup / kLanes;

// Always inlined: g++ 12 drops a call of a function that does nothing but prefetch.
template <typename Real>
[[gnu::always_inline]] inline void prefetch_inputs(const ScanInputs<Real>& in, std::int64_t row,
                                                   std::int64_t channel) {
  prefetch(in.u + row * in.u_stride + channel);
  prefetch(in.delta + row * in.delta_stride + channel);
  if (in.z != nullptr) prefetch(in.z + row * in.z_stride + channel);
}

// What a chunk's tokens need of a block before their states are walked, in a loop of its own: the
// tokens do not depend on one another there, and the processor works on several at once.
struct Steps {
  Vec delta[kScanChunk];  // after bias and softplus
  Vec du[kScanChunk];     // delta u
  Vec y[kScanChunk];      // D u at first, then the output before the gate
};

template <typename Real>
inline void start_steps(const ScanInputs<Real>& in, const Block& block, std::int64_t first,
                        std::int64_t count, Steps& steps) {
  for (std::int64_t t = 0; t < count; ++t) {
    const std::int64_t row = first + t;
    prefetch_inputs(in, row, block.channel);
    const Vec u = load_lanes(in.u + row * in.u_stride + block.channel, block.lanes);
    const Vec raw = load_lanes(in.delta + row * in.delta_stride + block.channel, block.lanes);
    const Vec delta = softplus(raw + block.bias).value;
    steps.delta[t] = delta;
    steps.du[t] = delta * u;
    steps.y[t] = block.d * u;
  }
}

template <typename Real>
inline void finish_steps(const ScanInputs<Real>& in, const Block& block, std::int64_t first,
                         std::int64_t count, const Steps& steps, Real* out) {
  for (std::int64_t t = 0; t < count; ++t) {
    const std::int64_t row = first + t;
    prefetch(out + row * in.channels + block.channel);
    Vec y = steps.y[t];
    if (in.z != nullptr) {
      const Vec z = load_lanes(in.z + row * in.z_stride + block.channel, block.lanes);
      y = y * z * sigmoid(z);
    }
    store_lanes(out + row * in.channels + block.channel, y, block.lanes);
  }
}

// kStates is 16, Mamba's, for which the states stay in registers, or 0: any number.
template <int kStates, typename Real>
void forward_block(const ScanInputs<Real>& in, const Block& block, const float* a, const float* b,
                   const float* c, std::int64_t first, std::int64_t count, float* state,
                   Real* out) {
  constexpr int kMost = kStates == 0 ? static_cast<int>(kMaxScanStates) : kStates;
  const int states = kStates == 0 ? static_cast<int>(in.states) : kStates;
  Steps steps;
  start_steps(in, block, first, count, steps);
  Vec h[kMost];
  for (int n = 0; n < states; ++n) h[n] = load(state + n * kLanes);
  for (std::int64_t t = 0; t < count; ++t) {
    const Vec delta = steps.delta[t];
    const Vec du = steps.du[t];
    // Two sums, which do not wait for one another.
    Vec y[2] = {steps.y[t], set1(0.0F)};
#pragma GCC unroll 16
    for (int n = 0; n < states; ++n) {
      h[n] = fma(exp2(delta * load(a + n * kLanes)), h[n], du * set1(b[t * states + n]));
      y[n % 2] = fma(h[n], set1(c[t * states + n]), y[n % 2]);
    }
    steps.y[t] = y[0] + y[1];
  }
  for (int n = 0; n < states; ++n) store(state + n * kLanes, h[n]);
  finish_steps(in, block, first, count, steps, out);
}

template <int kStates, typename Real>
void forward_item(const ScanInputs<Real>& in, const ScanOutputs<Real>& out, std::int64_t index) {
  const Item item = item_at(in, index);
  const std::int64_t states = in.states;
  const std::int64_t block_size = states * kLanes;
  alignas(64) static thread_local float state[kScanGroup * kMaxScanStates];
  alignas(64) static thread_local float a[kScanGroup * kMaxScanStates];
  float b[kScanChunk * kMaxScanStates];
  float c[kScanChunk * kMaxScanStates];
  for (std::int64_t i = 0; i < kBlocks; ++i) {
    const std::int64_t channel = item.first_channel + i * kLanes;
    if (channel >= item.last_channel) break;
    load_a(in, block_at(in, channel), kLog2E, a + i * block_size);
  }
  for (std::int64_t i = 0; i < kBlocks * block_size; ++i) state[i] = 0.0F;
  std::int64_t chunk = in.chunk_offsets[item.sequence];
  for (std::int64_t first = item.begin; first < item.end; first += kScanChunk, ++chunk) {
    const std::int64_t count = item.end - first < kScanChunk ? item.end - first : kScanChunk;
    load_rows(in.b, in.b_stride, first, count, states, b);
    load_rows(in.c, in.c_stride, first, count, states, c);
    for (std::int64_t i = 0; i < kBlocks; ++i) {
      const std::int64_t channel = item.first_channel + i * kLanes;
      if (channel >= item.last_channel) break;
      float* block_state = state + i * block_size;
      if (out.checkpoints != nullptr) {
        float* kept = checkpoint(out.checkpoints, in, chunk, channel);
        for (std::int64_t n = 0; n < states; ++n) {
          store(kept + n * kLanes, load(block_state + n * kLanes));
        }
      }
      forward_block<kStates>(in, block_at(in, channel), a + i * block_size, b, c, first, count,
                             block_state, out.out);
    }
  }
}

// What the backward pass keeps of a (token, state), each a vector.
constexpr int kDecay = 0;               // exp(delta A)
constexpr int kDecayed = kLanes;        // exp(delta A) times the state before
constexpr int kGradientB = 2 * kLanes;  // summed over the blocks of a group
constexpr int kGradientC = 3 * kLanes;  // likewise
constexpr int kStepSize = 4 * kLanes;

// What the backward pass of a block recomputes and collects over a chunk.
struct Scratch {
  // Four vectors a (token, state), side by side: four arrays, a multiple of 4 KB apart, would share
  // the same sets of the cache, and a load would wait for a store to another that looks the same.
  alignas(64) float steps[kScanChunk * kMaxScanStates * kStepSize];
  alignas(64) float d_state[kScanGroup * kMaxScanStates];  // gradient of the state, all blocks
  alignas(64) float a[kScanGroup * kMaxScanStates];
  alignas(64) float d_a[kScanGroup * kMaxScanStates];
  float d_d[kScanGroup];
  float d_bias[kScanGroup];
};

// What the backward pass of a block needs of each token of a chunk, and finds out about it.
struct BackSteps {
  Vec delta[kScanChunk];
  Vec slope[kScanChunk];  // of the softplus
  Vec u[kScanChunk];
  Vec du[kScanChunk];       // delta u
  Vec y[kScanChunk];        // before the gate
  Vec dy[kScanChunk];       // its gradient
  Vec along_b[kScanChunk];  // the sum over n of g[n] B[n]
  Vec along_a[kScanChunk];  // and of g[n] exp(delta A[n]) state[n] A[n]
};

template <typename Real>
inline void start_back_steps(const ScanInputs<Real>& in, const Block& block, std::int64_t first,
                             std::int64_t count, BackSteps& steps) {
  for (std::int64_t t = 0; t < count; ++t) {
    const std::int64_t row = first + t;
    prefetch_inputs(in, row, block.channel);
    const Vec u = load_lanes(in.u + row * in.u_stride + block.channel, block.lanes);
    const Vec raw = load_lanes(in.delta + row * in.delta_stride + block.channel, block.lanes);
    const Softplus delta = softplus(raw + block.bias);
    steps.delta[t] = delta.value;
    steps.slope[t] = delta.slope;
    steps.u[t] = u;
    steps.du[t] = delta.value * u;
    steps.y[t] = block.d * u;
  }
}

template <int kStates, typename Real>
void recompute_block(const ScanInputs<Real>& in, const float* a, const float* b, const float* c,
                     std::int64_t count, const float* kept, Scratch& scratch, BackSteps& steps) {
  constexpr int kMost = kStates == 0 ? static_cast<int>(kMaxScanStates) : kStates;
  const int states = kStates == 0 ? static_cast<int>(in.states) : kStates;
  Vec h[kMost];
  for (int n = 0; n < states; ++n) h[n] = load(kept + n * kLanes);
  for (std::int64_t t = 0; t < count; ++t) {
    const Vec exponent = steps.delta[t] * set1(kLog2E);
    const Vec du = steps.du[t];
    Vec y[2] = {steps.y[t], set1(0.0F)};
    float* place = scratch.steps + t * states * kStepSize;
#pragma GCC unroll 16
    for (int n = 0; n < states; ++n) {
      const Vec an = exp2(exponent * load(a + n * kLanes));
      const Vec ah = an * h[n];
      store(place + n * kStepSize + kDecay, an);
      store(place + n * kStepSize + kDecayed, ah);
      h[n] = fma(du, set1(b[t * states + n]), ah);
      y[n % 2] = fma(h[n], set1(c[t * states + n]), y[n % 2]);
    }
    steps.y[t] = y[0] + y[1];
  }
}

// The gradient of the gate, and of what went through it.
template <typename Real>
inline void walk_through_gate(const ScanInputs<Real>& in, const ScanGradients<Real>& out,
                              const Block& block, std::int64_t first, std::int64_t count,
                              BackSteps& steps) {
  for (std::int64_t t = 0; t < count; ++t) {
    const std::int64_t row = first + t;
    prefetch(out.d_out + row * out.d_out_stride + block.channel);
    if (out.d_z != nullptr) prefetch(out.d_z + row * out.d_z_stride + block.channel);
    Vec dy = load_lanes(out.d_out + row * out.d_out_stride + block.channel, block.lanes);
    if (in.z != nullptr) {
      const Vec z = load_lanes(in.z + row * in.z_stride + block.channel, block.lanes);
      const Vec s = sigmoid(z);
      if (out.d_z != nullptr) {
        const Vec slope = s * fma(z, set1(1.0F) - s, set1(1.0F));
        store_lanes(out.d_z + row * out.d_z_stride + block.channel, dy * steps.y[t] * slope,
                    block.lanes);
      }
      dy = dy * z * s;
    }
    steps.dy[t] = dy;
  }
}

// Walks a chunk's states back. kA: gradients of A are wanted too.
template <int kStates, bool kA, typename Real>
void walk_back(const ScanInputs<Real>& in, const float* a, const float* b, const float* c,
               std::int64_t count, Scratch& scratch, std::int64_t in_group, BackSteps& steps) {
  constexpr int kMost = kStates == 0 ? static_cast<int>(kMaxScanStates) : kStates;
  const int states = kStates == 0 ? static_cast<int>(in.states) : kStates;
  float* d_state = scratch.d_state + in_group * states;
  float* d_a = scratch.d_a + in_group * states;
  Vec g[kMost];
  for (int n = 0; n < states; ++n) g[n] = load(d_state + n * kLanes);
  for (std::int64_t t = count - 1; t >= 0; --t) {
    const Vec dy = steps.dy[t];
    const Vec delta = steps.delta[t];
    const Vec du = steps.du[t];
    float* place = scratch.steps + t * states * kStepSize;
    Vec along_b[2] = {set1(0.0F), set1(0.0F)};
    Vec along_a[2] = {set1(0.0F), set1(0.0F)};
#pragma GCC unroll 16
    for (int n = 0; n < states; ++n) {
      float* step = place + n * kStepSize;
      const Vec bn = set1(b[t * states + n]);
      const Vec ah = load(step + kDecayed);
      store(step + kGradientC, fma(dy, fma(du, bn, ah), load(step + kGradientC)));
      g[n] = fma(dy, set1(c[t * states + n]), g[n]);
      store(step + kGradientB, fma(g[n], du, load(step + kGradientB)));
      const Vec w = g[n] * ah;
      if constexpr (kA) store(d_a + n * kLanes, fma(w, delta, load(d_a + n * kLanes)));
      along_b[n % 2] = fma(g[n], bn, along_b[n % 2]);
      along_a[n % 2] = fma(w, load(a + n * kLanes), along_a[n % 2]);
      g[n] = g[n] * load(step + kDecay);
    }
    steps.along_b[t] = along_b[0] + along_b[1];
    steps.along_a[t] = along_a[0] + along_a[1];
  }
  for (int n = 0; n < states; ++n) store(d_state + n * kLanes, g[n]);
}

// The gradients of the tokens' inputs. kA: of D and the bias too.
template <bool kA, typename Real>
inline void finish_back_steps(const ScanInputs<Real>& in, const ScanGradients<Real>& out,
                              const Block& block, std::int64_t first, std::int64_t count,
                              const BackSteps& steps, Scratch& scratch, std::int64_t in_group) {
  Vec d_d = set1(0.0F);
  Vec d_bias = set1(0.0F);
  for (std::int64_t t = count - 1; t >= 0; --t) {
    const std::int64_t row = first + t;
    if (out.d_u != nullptr) prefetch(out.d_u + row * in.channels + block.channel);
    prefetch(out.d_delta + row * in.channels + block.channel);
    if (out.d_u != nullptr) {
      store_lanes(out.d_u + row * in.channels + block.channel,
                  fma(steps.delta[t], steps.along_b[t], block.d * steps.dy[t]), block.lanes);
    }
    const Vec d_raw = fma(steps.u[t], steps.along_b[t], steps.along_a[t]) * steps.slope[t];
    store_lanes(out.d_delta + row * in.channels + block.channel, d_raw, block.lanes);
    if constexpr (kA) {
      d_d = fma(steps.dy[t], steps.u[t], d_d);
      d_bias = d_bias + d_raw;
    }
  }
  if constexpr (kA) {
    store(scratch.d_d + in_group, load(scratch.d_d + in_group) + d_d);
    store(scratch.d_bias + in_group, load(scratch.d_bias + in_group) + d_bias);
  }
}

// Sums the lanes of a chunk's collected dB or dC into rows of the group's part.
inline void sum_lanes(const float* collected, std::int64_t rows, float* to) {
  for (std::int64_t i = 0; i < rows; ++i) to[i] = sum(load(collected + i * kStepSize));
}

inline void zero(float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = 0.0F;
}

template <typename Real>
void store_parameter_gradients(const ScanInputs<Real>& in, const ScanGradients<Real>& out,
                               const Item& item, const Scratch& scratch) {
  const std::int64_t row = item.sequence * in.channels;
  for (std::int64_t channel = item.first_channel; channel < item.last_channel; ++channel) {
    const std::int64_t in_group = channel - item.first_channel;
    if (out.d_d != nullptr) out.d_d[row + channel] = scratch.d_d[in_group];
    if (out.d_delta_bias != nullptr) out.d_delta_bias[row + channel] = scratch.d_bias[in_group];
    if (out.d_a == nullptr) continue;
    const float* block = scratch.d_a + in_group / kLanes * kLanes * in.states;
    for (std::int64_t n = 0; n < in.states; ++n) {
      out.d_a[(row + channel) * in.states + n] = block[n * kLanes + in_group % kLanes];
    }
  }
}

template <int kStates, bool kA, typename Real>
void backward_item(const ScanInputs<Real>& in, const ScanGradients<Real>& out, std::int64_t index) {
  const Item item = item_at(in, index);
  const std::int64_t states = in.states;
  const std::int64_t block_size = states * kLanes;
  static thread_local Scratch scratch;
  float b[kScanChunk * kMaxScanStates];
  float c[kScanChunk * kMaxScanStates];
  for (std::int64_t i = 0; i < kBlocks; ++i) {
    const std::int64_t channel = item.first_channel + i * kLanes;
    if (channel >= item.last_channel) break;
    load_a(in, block_at(in, channel), 1.0F, scratch.a + i * block_size);
  }
  zero(scratch.d_state, kScanGroup * states);
  zero(scratch.d_a, kScanGroup * states);
  zero(scratch.d_d, kScanGroup);
  zero(scratch.d_bias, kScanGroup);
  const std::int64_t tokens = in.offsets[in.sequences];
  const std::int64_t chunks = scan_chunks(item.end - item.begin);
  for (std::int64_t k = chunks - 1; k >= 0; --k) {
    const std::int64_t first = item.begin + k * kScanChunk;
    const std::int64_t count = item.end - first < kScanChunk ? item.end - first : kScanChunk;
    load_rows(in.b, in.b_stride, first, count, states, b);
    load_rows(in.c, in.c_stride, first, count, states, c);
    zero(scratch.steps, count * states * kStepSize);
    for (std::int64_t i = 0; i < kBlocks; ++i) {
      const std::int64_t channel = item.first_channel + i * kLanes;
      if (channel >= item.last_channel) break;
      const Block block = block_at(in, channel);
      const float* a = scratch.a + i * block_size;
      const float* kept =
          checkpoint(out.checkpoints, in, in.chunk_offsets[item.sequence] + k, channel);
      BackSteps steps;
      start_back_steps(in, block, first, count, steps);
      recompute_block<kStates>(in, a, b, c, count, kept, scratch, steps);
      walk_through_gate(in, out, block, first, count, steps);
      walk_back<kStates, kA>(in, a, b, c, count, scratch, i * kLanes, steps);
      finish_back_steps<kA>(in, out, block, first, count, steps, scratch, i * kLanes);
    }
    const std::int64_t part = item.group * tokens + first;
    sum_lanes(scratch.steps + kGradientB, count * states, out.d_b + part * states);
    sum_lanes(scratch.steps + kGradientC, count * states, out.d_c + part * states);
  }
  if constexpr (kA) store_parameter_gradients(in, out, item, scratch);
}

template <typename Real>
void forward(const ScanInputs<Real>& in, const ScanOutputs<Real>& out, std::int64_t item) {
  if (in.states == 16) {
    forward_item<16>(in, out, item);
  } else {
    forward_item<0>(in, out, item);
  }
}

template <typename Real>
void backward(const ScanInputs<Real>& in, const ScanGradients<Real>& out, std::int64_t item) {
  const bool parameters = out.d_a != nullptr || out.d_d != nullptr || out.d_delta_bias != nullptr;
  if (in.states == 16 && parameters) {
    backward_item<16, true>(in, out, item);
  } else if (in.states == 16) {
    backward_item<16, false>(in, out, item);
  } else {
    backward_item<0, true>(in, out, item);
  }
}

// The convolution. Weights of a block, transposed to [width][kLanes], and its bias.
struct ConvBlock {
  std::int64_t channel;
  int lanes;
  Vec weight[kMaxConvWidth];
  Vec bias;
};

template <typename Real>
inline ConvBlock conv_block_at(const ConvInputs<Real>& in, std::int64_t channel) {
  ConvBlock block;
  const std::int64_t left = in.channels - channel;
  block.channel = channel;
  block.lanes = left < kLanes ? static_cast<int>(left) : kLanes;
  for (std::int64_t k = 0; k < in.width; ++k) {
    alignas(64) float values[kLanes] = {};
    for (int lane = 0; lane < block.lanes; ++lane) {
      values[lane] = in.weight[(channel + lane) * in.width + k];
    }
    block.weight[k] = load(values);
  }
  block.bias = in.bias == nullptr ? set1(0.0F) : load_lanes(in.bias + channel, block.lanes);
  return block;
}

// The sum before the activation, at token t of a sequence that begins at `begin`.
template <typename Real>
inline Vec conv_sum(const ConvInputs<Real>& in, const ConvBlock& block, std::int64_t begin,
                    std::int64_t t) {
  Vec sum = block.bias;
  for (std::int64_t k = 0; k < in.width; ++k) {
    const std::int64_t row = t - in.width + 1 + k;
    if (row < begin) continue;
    sum = fma(block.weight[k], load_lanes(in.x + row * in.x_stride + block.channel, block.lanes),
              sum);
  }
  return sum;
}

template <typename Real>
void conv_forward(const ConvInputs<Real>& in, Real* out, std::int64_t index) {
  const Item item = item_at(in, index);
  for (std::int64_t first = item.begin; first < item.end; first += kScanChunk) {
    const std::int64_t last = first + kScanChunk < item.end ? first + kScanChunk : item.end;
    for (std::int64_t channel = item.first_channel; channel < item.last_channel;
         channel += kLanes) {
      const ConvBlock block = conv_block_at(in, channel);
      for (std::int64_t t = first; t < last; ++t) {
        const Vec sum = conv_sum(in, block, item.begin, t);
        store_lanes(out + t * in.channels + channel, sum * sigmoid(sum), block.lanes);
      }
    }
  }
}

// The gradient of the sum before the activation, at token t.
template <typename Real>
inline Vec conv_sum_gradient(const ConvInputs<Real>& in, const ConvGradients<Real>& out,
                             const ConvBlock& block, std::int64_t begin, std::int64_t t) {
  const Vec sum = conv_sum(in, block, begin, t);
  const Vec s = sigmoid(sum);
  const Vec d_out = load_lanes(out.d_out + t * in.channels + block.channel, block.lanes);
  return d_out * s * fma(sum, set1(1.0F) - s, set1(1.0F));
}

template <typename Real>
void conv_backward_chunk(const ConvInputs<Real>& in, const ConvGradients<Real>& out,
                         const ConvBlock& block, const Item& item, std::int64_t first,
                         std::int64_t last, Vec* d_weight, Vec* d_bias) {
  // A token's x reaches the sums of the next width - 1 tokens too.
  Vec gradient[kScanChunk + kMaxConvWidth];
  const std::int64_t reach = last + in.width - 1 < item.end ? last + in.width - 1 : item.end;
  for (std::int64_t t = first; t < reach; ++t) {
    gradient[t - first] = conv_sum_gradient(in, out, block, item.begin, t);
  }
  for (std::int64_t t = first; t < last; ++t) {
    Vec d_x = set1(0.0F);
    for (std::int64_t k = 0; k < in.width; ++k) {
      const std::int64_t reached = t + in.width - 1 - k;
      if (reached < reach) d_x = fma(block.weight[k], gradient[reached - first], d_x);
      const std::int64_t row = t - in.width + 1 + k;
      if (d_weight == nullptr || row < item.begin) continue;
      d_weight[k] =
          fma(gradient[t - first],
              load_lanes(in.x + row * in.x_stride + block.channel, block.lanes), d_weight[k]);
    }
    store_lanes(out.d_x + t * out.d_x_stride + block.channel, d_x, block.lanes);
    if (d_bias != nullptr) *d_bias = *d_bias + gradient[t - first];
  }
}

template <typename Real>
void conv_backward(const ConvInputs<Real>& in, const ConvGradients<Real>& out, std::int64_t index) {
  const Item item = item_at(in, index);
  const bool parameters = out.d_weight != nullptr || out.d_bias != nullptr;
  Vec d_weight[kBlocks][kMaxConvWidth];
  Vec d_bias[kBlocks];
  for (std::int64_t i = 0; i < kBlocks; ++i) {
    d_bias[i] = set1(0.0F);
    for (auto& each : d_weight[i]) each = set1(0.0F);
  }
  for (std::int64_t first = item.begin; first < item.end; first += kScanChunk) {
    const std::int64_t last = first + kScanChunk < item.end ? first + kScanChunk : item.end;
    for (std::int64_t i = 0; i < kBlocks; ++i) {
      const std::int64_t channel = item.first_channel + i * kLanes;
      if (channel >= item.last_channel) break;
      conv_backward_chunk(in, out, conv_block_at(in, channel), item, first, last,
                          parameters ? d_weight[i] : nullptr, parameters ? &d_bias[i] : nullptr);
    }
  }
  if (!parameters) return;
  alignas(64) float lanes[kLanes];
  const std::int64_t row = item.sequence * in.channels;
  for (std::int64_t channel = item.first_channel; channel < item.last_channel; ++channel) {
    const std::int64_t block = (channel - item.first_channel) / kLanes;
    const std::int64_t lane = (channel - item.first_channel) % kLanes;
    for (std::int64_t k = 0; k < in.width && out.d_weight != nullptr; ++k) {
      store(lanes, d_weight[block][k]);
      out.d_weight[(row + channel) * in.width + k] = lanes[lane];
    }
    if (out.d_bias == nullptr) continue;
    store(lanes, d_bias[block]);
    out.d_bias[row + channel] = lanes[lane];
  }
}
