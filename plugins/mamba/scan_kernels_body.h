// The body of the scan kernels, written once over the vectors of mvn/lanes_body.h, which the
// including file has included, with what no operator of the compiler's says: fma(),
// round_to_nearest(), scale_by_power_of_two(), store_far(), finish_far_stores(). Included once by
// each of scan_*.cc, inside an anonymous namespace: no function of one instruction set may be
// linked into another's caller.
//
// Plan of the loops: chunk of 16 tokens outside, block of kLanes channels inside, so that the rows
// of a chunk stay in the caches; 16 states live in registers over a chunk, or 8 on the way back.
// One lane is one channel: the sum over states needs no horizontal step. dB and dC, which sum over
// channels, are collected over a whole channel group, folded two states to a vector, and summed
// across lanes once.

using Vec = Floats;

// Nothing is subtracted, which adding would not say of -0.
inline Vec set1(float x) { return x - Vec{}; }

inline Vec load(const float* from) {
  Vec a;
  load(from, kLanes, a);
  return a;
}
inline void store(float* to, Vec a) { store(to, kLanes, a); }

// The halves of a, added, and those of b, one after the other.
inline Vec fold(Vec a, Vec b) {
  constexpr std::uint32_t kHalf = kLanes / 2;
  const Words lane = lane_numbers();
  const Words low = lane < kHalf ? lane : lane + kHalf;
  return shuffle(a, b, low) + shuffle(a, b, low + kHalf);
}

struct Halves {
  float low;
  float high;
};
inline Halves sum_halves(Vec a) {
#pragma GCC unroll 3
  for (std::uint32_t apart = kLanes / 4; apart > 0; apart /= 2) {
    a += shuffle(a, a, lane_numbers() ^ apart);
  }
  return {a[0], a[kLanes / 2]};
}

// x + log(1 + e) for e in (0, 1], to full relative precision: 2 atanh(e / (2 + e)).
inline Vec add_log1p_unit(Vec x, Vec e) {
  const Vec s = e / (e + set1(2.0F));
  const Vec s2 = s * s;
  Vec p = set1(1.0F / 15);
  p = fma(p, s2, set1(1.0F / 13));
  p = fma(p, s2, set1(1.0F / 11));
  p = fma(p, s2, set1(1.0F / 9));
  p = fma(p, s2, set1(1.0F / 7));
  p = fma(p, s2, set1(1.0F / 5));
  p = fma(p, s2, set1(1.0F / 3));
  return fma(s + s, fma(p, s2, set1(1.0F)), x);
}

// 2^f of a fraction: 1 + f q(f), exact where f is 0, so that slow decays do not drift over
// thousands of tokens. Largest relative error 2.0e-7 at |f| = 0.5, 3e-10 at 0.01.
constexpr float kExp2Terms[] = {0.001338130254F, 0.009666368515F, 0.05550381014F,
                                0.2402234904F,   0.6931471806F,   1.0F};

inline Vec exp(Vec x) {
  const Vec exponent = x * set1(kLog2E);
  const Vec whole = round_to_nearest(exponent);
  Vec q = set1(kExp2Terms[0]);
  for (int k = 1; k < 6; ++k) q = fma(q, exponent - whole, set1(kExp2Terms[k]));
  return scale_by_power_of_two(q, whole);
}

// So many exponentials are taken step by step together. Each waits for its own steps, and the
// processor looks only so far ahead for something to begin meanwhile: here it lies beside it.
constexpr int kTogether = 4;

// x[i] = 2^x[i].
[[gnu::always_inline]] inline void exp2_each(Vec* x) {
  Vec whole[kTogether];
  Vec q[kTogether];
#pragma GCC unroll 4
  for (int i = 0; i < kTogether; ++i) whole[i] = round_to_nearest(x[i]);
#pragma GCC unroll 4
  for (int i = 0; i < kTogether; ++i) x[i] = x[i] - whole[i];
#pragma GCC unroll 4
  for (int i = 0; i < kTogether; ++i) q[i] = set1(kExp2Terms[0]);
#pragma GCC unroll 5
  for (int k = 1; k < 6; ++k) {
#pragma GCC unroll 4
    for (int i = 0; i < kTogether; ++i) q[i] = fma(q[i], x[i], set1(kExp2Terms[k]));
  }
#pragma GCC unroll 4
  for (int i = 0; i < kTogether; ++i) x[i] = scale_by_power_of_two(q[i], whole[i]);
}

struct Softplus {
  Vec value;
  Vec slope;  // sigmoid
};

inline Vec minus_abs(Vec x) {
  const Words bits = __builtin_bit_cast(Words, x) & 0x7fffffffU;
  return Vec{} - __builtin_bit_cast(Vec, bits);
}

inline Softplus softplus(Vec x) {
  const Vec e = exp(minus_abs(x));
  const Vec inverse = set1(1.0F) / (set1(1.0F) + e);
  return {add_log1p_unit(x > 0.0F ? x : Vec{}, e), x < 0.0F ? e * inverse : inverse};
}

// From x and e^-|x|.
inline Vec sigmoid_from(Vec x, Vec e) {
  const Vec inverse = set1(1.0F) / (set1(1.0F) + e);
  return x < 0.0F ? e * inverse : inverse;
}

inline Vec sigmoid(Vec x) { return sigmoid_from(x, exp(minus_abs(x))); }

inline float to_float(float x) { return x; }
inline float to_float(Half x) { return as_float(x); }

// `lanes` is kLanes except in the last block of an odd number of channels.
template <typename Real>
inline Vec load_lanes(const Real* from, int lanes) {
  Vec a;
  load(from, lanes, a);
  return a;
}

template <typename Real>
inline void store_lanes(Real* to, Vec value, int lanes) {
  store(to, lanes, value);
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

// Up to kScanChunk tokens of a sequence.
struct Chunk {
  std::int64_t index;  // among all chunks
  std::int64_t first;  // token
  std::int64_t count;
};

template <typename Real>
inline Chunk chunk_at(const ScanInputs<Real>& in, const Item& item, std::int64_t k) {
  const std::int64_t first = item.begin + k * kScanChunk;
  return {in.chunk_offsets[item.sequence] + k, first,
          item.end - first < kScanChunk ? item.end - first : kScanChunk};
}

// Where the walk comes soon. A token's rows lie a page or more apart, where no hardware prefetcher
// follows; and asked for all at once, they would fill the processor's list of what it waits for. So
// while a token's states are walked, the same token's row of that place is asked for. It goes to
// the second cache: the rows of a chunk fall on few of the first one's sets.
struct Ahead {
  Chunk chunk;
  std::int64_t channel;
  bool exists;
};

// `step` is 1 where the walk goes on, -1 where it goes back.
inline Ahead ahead_of(const Item& item, const Chunk& chunk, std::int64_t channel, int step) {
  constexpr std::int64_t kFar = 32;  // channels; 64 and 96 are no faster
  const std::int64_t further = channel + kFar;
  if (further < item.last_channel) return {chunk, further, true};
  const Chunk next{chunk.index + step, chunk.first + step * kScanChunk, kScanChunk};
  const std::int64_t wrapped = item.first_channel + further - item.last_channel;
  return {next, wrapped < item.last_channel ? wrapped : item.first_channel,
          next.first >= item.begin && next.first < item.end};
}

// Always inlined: g++ 12 drops a call of a function that does nothing but prefetch.
template <typename Real>
[[gnu::always_inline]] inline void prefetch_inputs(const ScanInputs<Real>& in, const Ahead& ahead,
                                                   std::int64_t t) {
  const std::int64_t row = ahead.chunk.first + t;
  __builtin_prefetch(in.u + row * in.u_stride + ahead.channel, 0, 2);
  __builtin_prefetch(in.delta + row * in.delta_stride + ahead.channel, 0, 2);
  if (in.z != nullptr) __builtin_prefetch(in.z + row * in.z_stride + ahead.channel, 0, 2);
}

template <typename Real>
[[gnu::always_inline]] inline void prefetch_inputs(const ScanInputs<Real>& in,
                                                   const ScanGradients<Real>& out,
                                                   const Ahead& ahead, std::int64_t t) {
  prefetch_inputs(in, ahead, t);
  __builtin_prefetch(out.d_out + (ahead.chunk.first + t) * out.d_out_stride + ahead.channel, 0, 2);
  const float* kept = checkpoint(out.checkpoints, in, ahead.chunk.index, ahead.channel);
  __builtin_prefetch(kept + t * in.states);  // a line a token
}

template <typename Real>
[[gnu::always_inline]] inline void prefetch_outputs(const ScanInputs<Real>& in,
                                                    const ScanGradients<Real>& out,
                                                    const Ahead& ahead, std::int64_t t) {
  const std::int64_t row = ahead.chunk.first + t;
  if (out.d_u != nullptr) __builtin_prefetch(out.d_u + row * in.channels + ahead.channel, 1, 2);
  __builtin_prefetch(out.d_delta + row * in.channels + ahead.channel, 1, 2);
  if (out.d_z != nullptr) __builtin_prefetch(out.d_z + row * out.d_z_stride + ahead.channel, 1, 2);
}

// A chunk's rows of B and C as floats: [kScanChunk][states].
struct Rows {
  float b[kScanChunk * kMaxScanStates];
  float c[kScanChunk * kMaxScanStates];
};

inline void zero(float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = 0.0F;
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
void forward_block(const ScanInputs<Real>& in, const Item& item, const Chunk& chunk,
                   std::int64_t channel, const float* a, const Rows& rows, float* state,
                   Real* out) {
  constexpr int kMost = kStates == 0 ? static_cast<int>(kMaxScanStates) : kStates;
  const int states = kStates == 0 ? static_cast<int>(in.states) : kStates;
  const Block block = block_at(in, channel);
  const Ahead ahead = ahead_of(item, chunk, channel, 1);
  Steps steps;
  start_steps(in, block, chunk.first, chunk.count, steps);
  Vec h[kMost];
  for (int n = 0; n < states; ++n) h[n] = load(state + n * kLanes);
  for (std::int64_t t = 0; t < chunk.count; ++t) {
    if (ahead.exists) {
      prefetch_inputs(in, ahead, t);
      __builtin_prefetch(out + (ahead.chunk.first + t) * in.channels + ahead.channel, 1, 2);
    }
    const Vec delta = steps.delta[t];
    const Vec du = steps.du[t];
    Vec decay[kTogether];
    // Two sums, which do not wait for one another.
    Vec y[2] = {steps.y[t], set1(0.0F)};
#pragma GCC unroll 16
    for (int n = 0; n < states; ++n) {
      if (n % kTogether == 0) {
        for (int i = 0; i < kTogether; ++i) decay[i] = delta * load(a + (n + i) * kLanes);
        exp2_each(decay);
      }
      h[n] = fma(decay[n % kTogether], h[n], du * set1(rows.b[t * states + n]));
      y[n % 2] = fma(h[n], set1(rows.c[t * states + n]), y[n % 2]);
    }
    steps.y[t] = y[0] + y[1];
  }
  for (int n = 0; n < states; ++n) store(state + n * kLanes, h[n]);
  finish_steps(in, block, chunk.first, chunk.count, steps, out);
}

template <int kStates, typename Real>
void forward_item(const ScanInputs<Real>& in, const ScanOutputs<Real>& out, std::int64_t index) {
  const Item item = item_at(in, index);
  const std::int64_t states = in.states;
  alignas(64) static thread_local float state[kScanGroup * kMaxScanStates];
  alignas(64) static thread_local float a[kScanGroup * kMaxScanStates];
  Rows rows;
  for (std::int64_t channel = item.first_channel; channel < item.last_channel; channel += kLanes) {
    load_a(in, block_at(in, channel), kLog2E, a + (channel - item.first_channel) * states);
  }
  zero(state, kScanGroup * states);
  for (std::int64_t k = 0; k < scan_chunks(item.end - item.begin); ++k) {
    const Chunk chunk = chunk_at(in, item, k);
    load_rows(in.b, in.b_stride, chunk.first, chunk.count, states, rows.b);
    load_rows(in.c, in.c_stride, chunk.first, chunk.count, states, rows.c);
    for (std::int64_t channel = item.first_channel; channel < item.last_channel;
         channel += kLanes) {
      const std::int64_t of_block = (channel - item.first_channel) * states;
      if (out.checkpoints != nullptr) {
        float* kept = checkpoint(out.checkpoints, in, chunk.index, channel);
        for (std::int64_t n = 0; n < states * kLanes; n += kLanes) {
          store_far(kept + n, load(state + of_block + n));
        }
      }
      forward_block<kStates>(in, item, chunk, channel, a + of_block, rows, state + of_block,
                             out.out);
    }
  }
  finish_far_stores();
}

// The backward pass walks so many states of a block at once: they stay in registers beside what
// their sums need, and what it keeps of them over a chunk stays in the first cache.
constexpr int kPart = 8;

// What it keeps of a (token, state of a part), each a vector, side by side: arrays that lie a
// multiple of 4 KB apart would share the same sets of the cache.
constexpr int kDecay = 0;         // exp(delta A)
constexpr int kDecayed = kLanes;  // exp(delta A) times the state before
constexpr int kStepSize = 2 * kLanes;

// dB and dC, summed over the blocks of a group, of a (token, pair of states): see fold().
constexpr int kGradientB = 0;
constexpr int kGradientC = kLanes;
constexpr int kPairSize = 2 * kLanes;

struct Scratch {
  alignas(64) float steps[kScanChunk * kPart * kStepSize];
  alignas(64) float pairs[kScanChunk * (kMaxScanStates / 2) * kPairSize];
  alignas(64) float d_state[kScanGroup * kMaxScanStates];  // gradient of the state, all blocks
  alignas(64) float a[kScanGroup * kMaxScanStates];
  alignas(64) float d_a[kScanGroup * kMaxScanStates];
  float d_d[kScanGroup];
  float d_bias[kScanGroup];
};

// What the backward pass of a block needs of each token of a chunk, and finds out about it.
struct BackSteps {
  Vec delta[kScanChunk];
  Vec slope[kScanChunk];    // of the softplus
  Vec du[kScanChunk];       // delta u
  Vec y[kScanChunk];        // before the gate
  Vec dy[kScanChunk];       // its gradient
  Vec d_gate[kScanChunk];   // the gate's gradient, but for the factor y
  Vec along_b[kScanChunk];  // the sum over n of g[n] B[n]
  Vec along_a[kScanChunk];  // and of g[n] exp(delta A[n]) state[n] A[n]
};

// The gradient of what went through the gate, and what the gate's own needs.
template <typename Real>
inline void start_back_through_gate(const ScanInputs<Real>& in, const Block& block,
                                    std::int64_t row, Vec d_out, Vec& dy, Vec& d_gate) {
  dy = d_out;
  if (in.z == nullptr) return;
  const Vec z = load_lanes(in.z + row * in.z_stride + block.channel, block.lanes);
  const Vec s = sigmoid(z);
  d_gate = d_out * s * fma(z, set1(1.0F) - s, set1(1.0F));
  dy = d_out * z * s;
}

template <typename Real>
inline void start_back_steps(const ScanInputs<Real>& in, const ScanGradients<Real>& out,
                             const Block& block, std::int64_t first, std::int64_t count,
                             BackSteps& steps) {
  for (std::int64_t t = 0; t < count; ++t) {
    const std::int64_t row = first + t;
    const Vec u = load_lanes(in.u + row * in.u_stride + block.channel, block.lanes);
    const Vec raw = load_lanes(in.delta + row * in.delta_stride + block.channel, block.lanes);
    const Vec d_out = load_lanes(out.d_out + row * out.d_out_stride + block.channel, block.lanes);
    const Softplus delta = softplus(raw + block.bias);
    steps.delta[t] = delta.value;
    steps.slope[t] = delta.slope;
    steps.du[t] = delta.value * u;
    steps.y[t] = block.d * u;
    steps.along_b[t] = set1(0.0F);
    steps.along_a[t] = set1(0.0F);
    start_back_through_gate(in, block, row, d_out, steps.dy[t], steps.d_gate[t]);
  }
}

// A part of a block's states: `count` of them from state `first`, kCount unless that is 0.
template <int kCount>
struct Part {
  int first;
  int given;
  [[nodiscard]] constexpr int count() const { return kCount == 0 ? given : kCount; }
};

// Adds the products of a part's states, two by two, to the pairs of a token.
template <int kCount>
[[gnu::always_inline]] inline void add_pairs(Part<kCount> part, Vec* products, float* pairs) {
  const int size = part.count();
  if (size % 2 != 0) products[size] = set1(0.0F);
#pragma GCC unroll 4
  for (int n = 0; n < size; n += 2) {
    float* pair = pairs + (part.first + n) / 2 * kPairSize;
    store(pair, load(pair) + fold(products[n], products[n + 1]));
  }
}

// Makes a part's states of a chunk again. `touch(t)` asks for memory that is needed soon.
template <int kCount, typename Touch>
inline void recompute_part(Part<kCount> part, std::int64_t states, const float* a, const Rows& rows,
                           std::int64_t count, const float* kept, Scratch& scratch,
                           BackSteps& steps, const Touch& touch) {
  const int size = part.count();
  const std::int64_t pair_row = (states + 1) / 2 * kPairSize;
  Vec h[kPart];
  Vec products[kPart];
  for (int n = 0; n < size; ++n) h[n] = load(kept + n * kLanes);
  for (std::int64_t t = 0; t < count; ++t) {
    touch(t);
    const Vec exponent = steps.delta[t] * set1(kLog2E);
    const Vec du = steps.du[t];
    const Vec dy = steps.dy[t];
    const float* b = rows.b + t * states + part.first;
    const float* c = rows.c + t * states + part.first;
    float* place = scratch.steps + t * kPart * kStepSize;
    Vec y[2] = {steps.y[t], set1(0.0F)};
    Vec decay[kTogether];
#pragma GCC unroll 8
    for (int n = 0; n < size; ++n) {
      if (n % kTogether == 0) {
        for (int i = 0; i < kTogether; ++i) decay[i] = exponent * load(a + (n + i) * kLanes);
        exp2_each(decay);
      }
      const Vec an = decay[n % kTogether];
      const Vec ah = an * h[n];
      store(place + n * kStepSize + kDecay, an);
      store(place + n * kStepSize + kDecayed, ah);
      h[n] = fma(du, set1(b[n]), ah);
      y[n % 2] = fma(h[n], set1(c[n]), y[n % 2]);
      products[n] = dy * h[n];
    }
    steps.y[t] = y[0] + y[1];
    add_pairs(part, products, scratch.pairs + t * pair_row + kGradientC);
  }
}

// Walks a part's states of a chunk back. kA: gradients of A are wanted too.
template <int kCount, bool kA, typename Touch>
inline void walk_part_back(Part<kCount> part, std::int64_t states, const float* a, const Rows& rows,
                           std::int64_t count, float* d_state, float* d_a, Scratch& scratch,
                           BackSteps& steps, const Touch& touch) {
  const int size = part.count();
  const std::int64_t pair_row = (states + 1) / 2 * kPairSize;
  Vec g[kPart];
  Vec products[kPart];
  for (int n = 0; n < size; ++n) g[n] = load(d_state + n * kLanes);
  for (std::int64_t t = count - 1; t >= 0; --t) {
    touch(t);
    const Vec dy = steps.dy[t];
    const Vec delta = steps.delta[t];
    const Vec du = steps.du[t];
    const float* b = rows.b + t * states + part.first;
    const float* c = rows.c + t * states + part.first;
    const float* place = scratch.steps + t * kPart * kStepSize;
    Vec along_b[2] = {steps.along_b[t], set1(0.0F)};
    Vec along_a[2] = {steps.along_a[t], set1(0.0F)};
#pragma GCC unroll 8
    for (int n = 0; n < size; ++n) {
      g[n] = fma(dy, set1(c[n]), g[n]);
      products[n] = g[n] * du;
      along_b[n % 2] = fma(g[n], set1(b[n]), along_b[n % 2]);
      const Vec w = g[n] * load(place + n * kStepSize + kDecayed);
      if constexpr (kA) store(d_a + n * kLanes, fma(w, delta, load(d_a + n * kLanes)));
      along_a[n % 2] = fma(w, load(a + n * kLanes), along_a[n % 2]);
      g[n] = g[n] * load(place + n * kStepSize + kDecay);
    }
    steps.along_b[t] = along_b[0] + along_b[1];
    steps.along_a[t] = along_a[0] + along_a[1];
    add_pairs(part, products, scratch.pairs + t * pair_row + kGradientB);
  }
  for (int n = 0; n < size; ++n) store(d_state + n * kLanes, g[n]);
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
    const std::int64_t place = row * in.channels + block.channel;
    const Vec u = load_lanes(in.u + row * in.u_stride + block.channel, block.lanes);
    if (out.d_u != nullptr) {
      store_lanes(out.d_u + place, fma(steps.delta[t], steps.along_b[t], block.d * steps.dy[t]),
                  block.lanes);
    }
    if (in.z != nullptr && out.d_z != nullptr) {
      store_lanes(out.d_z + row * out.d_z_stride + block.channel, steps.d_gate[t] * steps.y[t],
                  block.lanes);
    }
    const Vec d_raw = fma(u, steps.along_b[t], steps.along_a[t]) * steps.slope[t];
    store_lanes(out.d_delta + place, d_raw, block.lanes);
    if constexpr (kA) {
      d_d = fma(steps.dy[t], u, d_d);
      d_bias = d_bias + d_raw;
    }
  }
  if constexpr (kA) {
    store(scratch.d_d + in_group, load(scratch.d_d + in_group) + d_d);
    store(scratch.d_bias + in_group, load(scratch.d_bias + in_group) + d_bias);
  }
}

// One block of a chunk. kCount: kPart where that divides the number of states, else 0.
template <int kCount, bool kA, typename Real>
void backward_block(const ScanInputs<Real>& in, const ScanGradients<Real>& out, const Item& item,
                    const Chunk& chunk, std::int64_t channel, const Rows& rows, Scratch& scratch) {
  const Block block = block_at(in, channel);
  const std::int64_t in_group = channel - item.first_channel;
  const std::int64_t of_block = in_group * in.states;
  const float* kept = checkpoint(out.checkpoints, in, chunk.index, channel);
  const Ahead ahead = ahead_of(item, chunk, channel, -1);
  BackSteps steps;
  start_back_steps(in, out, block, chunk.first, chunk.count, steps);
  for (int n = 0; n < in.states; n += kPart) {
    const int left = static_cast<int>(in.states) - n;
    const Part<kCount> part{n, left < kPart ? left : kPart};
    const std::int64_t of_part = of_block + n * kLanes;
    const bool asks = ahead.exists && n == 0;
    recompute_part(
        part, in.states, scratch.a + of_part, rows, chunk.count, kept + n * kLanes, scratch,
        steps, [&](std::int64_t t) __attribute__((always_inline)) {
          if (asks) prefetch_inputs(in, out, ahead, t);
        });
    walk_part_back<kCount, kA>(
        part, in.states, scratch.a + of_part, rows, chunk.count, scratch.d_state + of_part,
        scratch.d_a + of_part, scratch, steps, [&](std::int64_t t) __attribute__((always_inline)) {
          if (asks) prefetch_outputs(in, out, ahead, t);
        });
  }
  finish_back_steps<kA>(in, out, block, chunk.first, chunk.count, steps, scratch, in_group);
}

// Sums the collected dB and dC of a chunk into rows of the group's part.
template <typename Real>
inline void sum_pairs(const ScanInputs<Real>& in, const Chunk& chunk, const float* pairs,
                      float* d_b, float* d_c) {
  for (std::int64_t t = 0; t < chunk.count; ++t) {
    for (std::int64_t n = 0; n < in.states; n += 2, pairs += kPairSize) {
      const Halves b = sum_halves(load(pairs + kGradientB));
      const Halves c = sum_halves(load(pairs + kGradientC));
      d_b[t * in.states + n] = b.low;
      d_c[t * in.states + n] = c.low;
      if (n + 1 == in.states) continue;
      d_b[t * in.states + n + 1] = b.high;
      d_c[t * in.states + n + 1] = c.high;
    }
  }
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

template <int kCount, bool kA, typename Real>
void backward_item(const ScanInputs<Real>& in, const ScanGradients<Real>& out, std::int64_t index) {
  const Item item = item_at(in, index);
  const std::int64_t states = in.states;
  static thread_local Scratch scratch;
  Rows rows;
  for (std::int64_t channel = item.first_channel; channel < item.last_channel; channel += kLanes) {
    load_a(in, block_at(in, channel), 1.0F, scratch.a + (channel - item.first_channel) * states);
  }
  zero(scratch.d_state, kScanGroup * states);
  zero(scratch.d_a, kScanGroup * states);
  zero(scratch.d_d, kScanGroup);
  zero(scratch.d_bias, kScanGroup);
  const std::int64_t tokens = in.offsets[in.sequences];
  for (std::int64_t k = scan_chunks(item.end - item.begin) - 1; k >= 0; --k) {
    const Chunk chunk = chunk_at(in, item, k);
    load_rows(in.b, in.b_stride, chunk.first, chunk.count, states, rows.b);
    load_rows(in.c, in.c_stride, chunk.first, chunk.count, states, rows.c);
    zero(scratch.pairs, chunk.count * ((states + 1) / 2) * kPairSize);
    for (std::int64_t channel = item.first_channel; channel < item.last_channel;
         channel += kLanes) {
      backward_block<kCount, kA>(in, out, item, chunk, channel, rows, scratch);
    }
    const std::int64_t part = (item.group * tokens + chunk.first) * states;
    sum_pairs(in, chunk, scratch.pairs, out.d_b + part, out.d_c + part);
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
  if (in.states % kPart != 0) {
    backward_item<0, true>(in, out, item);
  } else if (parameters) {
    backward_item<kPart, true>(in, out, item);
  } else {
    backward_item<kPart, false>(in, out, item);
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

// The blocks of an item's channels.
template <typename Real>
class ConvGroup {
 public:
  ConvGroup(const ConvInputs<Real>& in, const Item& item) {
    for (std::int64_t channel = item.first_channel; channel < item.last_channel;
         channel += kLanes) {
      blocks_[count_++] = conv_block_at(in, channel);
    }
  }
  const ConvBlock* begin() const { return blocks_; }
  const ConvBlock* end() const { return blocks_ + count_; }

 private:
  ConvBlock blocks_[kBlocks];
  std::int64_t count_ = 0;
};

// Tokens of a chunk with those before and after it that its sums reach, in whole steps of
// kTogether.
constexpr std::int64_t kConvReach = kScanChunk + kMaxConvWidth;
static_assert(kConvReach % kTogether == 0);

// What the activation of the tokens from `first` to `last` needs: x from width - 1 tokens earlier
// on (zero before the sequence's `begin`), the sums before the activation and their sigmoids.
struct ConvTokens {
  Vec x[kConvReach + kMaxConvWidth];
  Vec sum[kConvReach];
  Vec gate[kConvReach];
};

template <typename Real>
inline void conv_tokens(const ConvInputs<Real>& in, const ConvBlock& block, std::int64_t begin,
                        std::int64_t first, std::int64_t last, ConvTokens& tokens) {
  const std::int64_t start = first - in.width + 1;
  const std::int64_t steps = (last - first + kTogether - 1) / kTogether * kTogether;
  for (std::int64_t i = 0; i < last - start; ++i) {
    tokens.x[i] = start + i < begin
                      ? Vec{}
                      : load_lanes(in.x + (start + i) * in.x_stride + block.channel, block.lanes);
  }
  for (std::int64_t i = last - start; i < steps + in.width - 1; ++i) tokens.x[i] = Vec{};
  for (std::int64_t t = 0; t < steps; t += kTogether) {
    Vec sum[kTogether];
    Vec power[kTogether];
    for (Vec& each : sum) each = block.bias;
    for (std::int64_t k = 0; k < in.width; ++k) {
#pragma GCC unroll 4
      for (int i = 0; i < kTogether; ++i) {
        sum[i] = fma(block.weight[k], tokens.x[t + i + k], sum[i]);
      }
    }
#pragma GCC unroll 4
    for (int i = 0; i < kTogether; ++i) {
      power[i] = minus_abs(sum[i]) * set1(kLog2E);
      tokens.sum[t + i] = sum[i];
    }
    exp2_each(power);
#pragma GCC unroll 4
    for (int i = 0; i < kTogether; ++i) {
      tokens.gate[t + i] = sigmoid_from(sum[i], power[i]);
    }
  }
}

template <typename Real>
void conv_forward(const ConvInputs<Real>& in, Real* out, std::int64_t index) {
  const Item item = item_at(in, index);
  const ConvGroup<Real> group(in, item);
  ConvTokens tokens;
  for (std::int64_t first = item.begin; first < item.end; first += kScanChunk) {
    const std::int64_t last = first + kScanChunk < item.end ? first + kScanChunk : item.end;
    for (const ConvBlock& block : group) {
      conv_tokens(in, block, item.begin, first, last, tokens);
      for (std::int64_t t = first; t < last; ++t) {
        store_lanes(out + t * in.channels + block.channel,
                    tokens.sum[t - first] * tokens.gate[t - first], block.lanes);
      }
    }
  }
}

template <typename Real>
void conv_backward_chunk(const ConvInputs<Real>& in, const ConvGradients<Real>& out,
                         const ConvBlock& block, const Item& item, std::int64_t first,
                         std::int64_t last, Vec* d_weight, Vec* d_bias) {
  // A token's x reaches the sums of the next width - 1 tokens too.
  const std::int64_t reach = last + in.width - 1 < item.end ? last + in.width - 1 : item.end;
  ConvTokens tokens;
  conv_tokens(in, block, item.begin, first, reach, tokens);
  Vec gradient[kConvReach];  // of the sums
  for (std::int64_t t = 0; t < reach - first; ++t) {
    const Vec d_out =
        load_lanes(out.d_out + (first + t) * in.channels + block.channel, block.lanes);
    gradient[t] =
        d_out * tokens.gate[t] * fma(tokens.sum[t], set1(1.0F) - tokens.gate[t], set1(1.0F));
  }
  for (std::int64_t t = 0; t < last - first; ++t) {
    Vec d_x = set1(0.0F);
    for (std::int64_t k = 0; k < in.width; ++k) {
      const std::int64_t reached = t + in.width - 1 - k;
      if (reached < reach - first) d_x = fma(block.weight[k], gradient[reached], d_x);
      if (d_weight != nullptr) d_weight[k] = fma(gradient[t], tokens.x[t + k], d_weight[k]);
    }
    store_lanes(out.d_x + (first + t) * out.d_x_stride + block.channel, d_x, block.lanes);
    if (d_bias != nullptr) *d_bias = *d_bias + gradient[t];
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
  const ConvGroup<Real> group(in, item);
  for (std::int64_t first = item.begin; first < item.end; first += kScanChunk) {
    const std::int64_t last = first + kScanChunk < item.end ? first + kScanChunk : item.end;
    for (const ConvBlock& block : group) {
      const std::int64_t i = (block.channel - item.first_channel) / kLanes;
      conv_backward_chunk(in, out, block, item, first, last, parameters ? d_weight[i] : nullptr,
                          parameters ? &d_bias[i] : nullptr);
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

constexpr ScanKernels kernels(const char* name) {
  return {name,
          &forward<float>,
          &backward<float>,
          &forward<Half>,
          &backward<Half>,
          &conv_forward<float>,
          &conv_backward<float>,
          &conv_forward<Half>,
          &conv_backward<Half>};
}
