// The selective scan's forward pass on a GPU, as the body of one thread block: one sequence and a
// group of channels. scan_kernels.h defines what is computed and where it lies; N is 16.
//
// - by channel: a thread walks the tokens of one channel, with its 16 states and its row of A in
//   registers: the fewest instructions, where sequences times channels fill the GPU
// - by quad: four threads share a channel, four states each: four times the threads, for small
//   batches; what does not depend on the state is computed once a token and channel beforehand
//
// Both sum in the same order, and so give the same bits. Parallelism over the tokens would double
// the arithmetic; many short sequences need none.
//
// Checkpoints: the state at the start of every chunk, [chunks][4][channels][4] floats, so that
// neighbouring threads write neighbouring 16 bytes in both.
#pragma once

#include "blocks.h"

namespace mvn::mamba::gpu {

inline constexpr int kStates = 16;
inline constexpr int kTile = kScanChunk;  // tokens between two barriers
inline constexpr int kQuad = 4;           // threads that share a channel, and states of each
inline constexpr int kQuadChannels = kThreads / kQuad;
inline constexpr int kRowSize = 2 * kStates;  // B and C of a token, side by side
// (token, channel) places of a tile that a thread of a quad's block prepares, and likewise numbers
// of B and C that any thread loads. Place k of a thread is token thread / 32 + 4 k of the tile.
inline constexpr int kPlaces = kTile * kQuadChannels / kThreads;
static_assert(kQuadChannels == kWarp && kRowSize == kWarp && kStates == kQuad * kQuad);

struct Tokens {
  std::int64_t begin;
  std::int64_t end;
};

template <typename Inputs>
MVN_DEVICE Tokens tokens_of(const Inputs& in, std::int64_t sequence) {
  return {in.offsets[sequence], in.offsets[sequence + 1]};
}

template <typename Real>
MVN_DEVICE Real get(const Real* from, std::int64_t stride, std::int64_t row, std::int64_t column) {
  return from[row * stride + column];
}

// Number `column` of a token's B and C side by side.
template <typename Real>
MVN_DEVICE Real get_row(const ScanInputs<Real>& in, std::int64_t token, int column) {
  return column < kStates ? get(in.b, in.b_stride, token, column)
                          : get(in.c, in.c_stride, token, column - kStates);
}

template <typename Checkpoints>
MVN_DEVICE Checkpoints* checkpoint_at(Checkpoints* all, std::int64_t channels, std::int64_t chunk,
                                      int quarter, std::int64_t channel) {
  return all + ((chunk * kQuad + quarter) * channels + channel) * kQuad;
}

MVN_DEVICE int tile_count(const Tokens& tokens, std::int64_t first) {
  return tokens.end - first < kTile ? static_cast<int>(tokens.end - first) : kTile;
}

// The number of tokens of a tile that is not the last, where the compiler knows it.
struct WholeTile {
  constexpr operator int() const { return kTile; }  // NOLINT(google-explicit-constructor)
};

// Whether place k of a thread lies beyond a tile of `count` tokens.
template <typename Count>
MVN_DEVICE bool is_past(int k, int thread, Count count) {
  return thread / kWarp + k * kWarps >= count;
}
MVN_DEVICE bool is_past(int, int, WholeTile) { return false; }

// Where a thread's first place of a tile from token `first` on lies; the next are kWarps rows on.
template <typename Pointer>
MVN_DEVICE Pointer* places_of(Pointer* all, std::int64_t stride, std::int64_t first,
                              std::int64_t column, int thread) {
  return all + (first + thread / kWarp) * stride + column;
}

// ---- by channel ----

inline constexpr int kAhead = 4;  // tokens whose inputs are on their way while others are computed

template <typename Real>
struct ChannelLane {
  bool active;
  std::int64_t channel;
  float a[kStates];  // times log2(e)
  float h[kStates];
  float bias;
  float d;
  Real u[kAhead];  // of the next tokens
  Real delta[kAhead];
  Real z[kAhead];
};

struct ChannelShared {
  alignas(16) float rows[kTile][kRowSize];
};

template <typename Real>
MVN_DEVICE void start(const ScanInputs<Real>& in, std::int64_t channel, ChannelLane<Real>& lane) {
  lane.active = channel < in.channels;
  lane.channel = lane.active ? channel : in.channels - 1;
#pragma unroll
  for (int n = 0; n < kStates; ++n) {
    lane.a[n] = in.a[lane.channel * kStates + n] * kLog2E;
    lane.h[n] = 0.0F;
  }
  lane.bias = in.delta_bias == nullptr ? 0.0F : in.delta_bias[lane.channel];
  lane.d = in.d == nullptr ? 0.0F : in.d[lane.channel];
}

template <typename Real>
MVN_DEVICE void fetch_ahead(const ScanInputs<Real>& in, std::int64_t first, std::int64_t end,
                            ChannelLane<Real>& lane) {
#pragma unroll
  for (int i = 0; i < kAhead; ++i) {
    const std::int64_t token = first + i;
    if (token >= end) break;
    lane.u[i] = get(in.u, in.u_stride, token, lane.channel);
    lane.delta[i] = get(in.delta, in.delta_stride, token, lane.channel);
    if (in.z != nullptr) lane.z[i] = get(in.z, in.z_stride, token, lane.channel);
  }
}

template <typename Real>
MVN_DEVICE void step(const ScanInputs<Real>& in, const float* row, float u, float raw, float z,
                     ChannelLane<Real>& lane, Real* out) {
  const float delta = softplus<Real>(raw + lane.bias).value;
  const float du = delta * u;
  Four y;
#pragma unroll
  for (int quarter = 0; quarter < kQuad; ++quarter) {
    const Four b = load_four(row + quarter * kQuad);
    const Four c = load_four(row + kStates + quarter * kQuad);
    y.v[quarter] = 0.0F;
#pragma unroll
    for (int i = 0; i < kQuad; ++i) {
      const int n = quarter * kQuad + i;
      lane.h[n] = fmaf(Math<Real>::exp2(delta * lane.a[n]), lane.h[n], du * b.v[i]);
      y.v[quarter] = fmaf(c.v[i], lane.h[n], y.v[quarter]);
    }
  }
  const float sum_y = fmaf(lane.d, u, sum(y));
  put(out, in.z == nullptr ? sum_y : sum_y * (z * sigmoid<Real>(z)));
}

// The tokens of one tile, `count` from `first`.
template <typename Real>
MVN_DEVICE void walk(const ScanInputs<Real>& in, const ScanOutputs<Real>& out,
                     const ChannelShared& shared, std::int64_t first, int count, std::int64_t end,
                     ChannelLane<Real>& lane) {
  for (int t = 0; t < count; t += kAhead) {
    float u[kAhead];
    float delta[kAhead];
    float z[kAhead];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      u[i] = to_float(lane.u[i]);
      delta[i] = to_float(lane.delta[i]);
      z[i] = to_float(lane.z[i]);
    }
    fetch_ahead(in, first + t + kAhead, end, lane);
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      if (t + i >= count) break;
      step(in, shared.rows[t + i], u[i], delta[i], z[i], lane,
           out.out + (first + t + i) * in.channels + lane.channel);
    }
  }
}

template <typename Real, typename Block>
MVN_DEVICE void forward_by_channel(const ScanInputs<Real>& in, const ScanOutputs<Real>& out,
                                   std::int64_t sequence, std::int64_t first_channel, Block& block,
                                   ChannelShared& shared) {
  const Tokens tokens = tokens_of(in, sequence);
  block.run([&](int thread, ChannelLane<Real>& lane) {
    start(in, first_channel + thread, lane);
    fetch_ahead(in, tokens.begin, tokens.end, lane);
  });
  std::int64_t chunk = in.chunk_offsets[sequence];
  for (std::int64_t first = tokens.begin; first < tokens.end; first += kTile, ++chunk) {
    const int count = tile_count(tokens, first);
    block.barrier();  // everybody is done with the rows of the tile before
    block.run([&](int thread, ChannelLane<Real>&) {
#pragma unroll
      for (int k = 0; k < kPlaces; ++k) {
        const int t = thread / kWarp + k * kWarps;
        if (t >= count) break;
        shared.rows[t][thread % kWarp] = to_float(get_row(in, first + t, thread % kWarp));
      }
    });
    block.barrier();
    block.run([&](int, ChannelLane<Real>& lane) {
      if (!lane.active) return;
      if (out.checkpoints != nullptr) {
#pragma unroll
        for (int quarter = 0; quarter < kQuad; ++quarter) {
          const float* h = lane.h + quarter * kQuad;
          store_four(checkpoint_at(out.checkpoints, in.channels, chunk, quarter, lane.channel),
                     {{h[0], h[1], h[2], h[3]}});
        }
      }
      walk(in, out, shared, first, count, tokens.end, lane);
    });
  }
}

// ---- by quad ----

// What a tile's places and rows are made of, on the way from memory.
template <typename Real>
struct Fetched {
  Real u[kPlaces];
  Real delta[kPlaces];
  Real z[kPlaces];
  Real row[kPlaces];
};

template <typename Real>
struct QuadLane {
  float a[kQuad];  // times log2(e)
  float h[kQuad];
  float bias;  // of the place's channel
  float d;
  Fetched<Real> next;
  float u[kPlaces];
  float gate[kPlaces];  // z sigmoid(z)
};

struct QuadTile {
  float delta[kTile][kQuadChannels];
  float du[kTile][kQuadChannels];
  alignas(16) float rows[kTile][kRowSize];
};

struct QuadShared {
  QuadTile tile;
  alignas(16) float y[kTile][kThreads];  // a thread's part of y
};

// The quad's four values of A, for the thread's channel and states; 0 beyond the last channel.
template <typename Real>
MVN_DEVICE void load_a(const ScanInputs<Real>& in, std::int64_t channel, int quarter, float* a) {
#pragma unroll
  for (int i = 0; i < kQuad; ++i) {
    a[i] = channel < in.channels ? in.a[channel * kStates + quarter * kQuad + i] * kLog2E : 0.0F;
  }
}

// Channels beyond the last read the last one's inputs; nothing of theirs is written.
template <typename Count, typename Real>
MVN_DEVICE void fetch(const ScanInputs<Real>& in, std::int64_t first, Count count,
                      std::int64_t place_channel, int thread, Fetched<Real>& to) {
  const std::int64_t channel = place_channel < in.channels ? place_channel : in.channels - 1;
  const int column = thread % kWarp;
  const bool of_b = column < kStates;
  const std::int64_t row_stride = of_b ? in.b_stride : in.c_stride;
  const Real* const u = places_of(in.u, in.u_stride, first, channel, thread);
  const Real* const delta = places_of(in.delta, in.delta_stride, first, channel, thread);
  const Real* const z = places_of(in.z, in.z_stride, first, channel, thread);
  const Real* const row =
      places_of(of_b ? in.b : in.c, row_stride, first, std::int64_t{column % kStates}, thread);
#pragma unroll
  for (int k = 0; k < kPlaces; ++k) {
    if (is_past(k, thread, count)) break;
    to.u[k] = u[k * kWarps * in.u_stride];
    to.delta[k] = delta[k * kWarps * in.delta_stride];
    if (in.z != nullptr) to.z[k] = z[k * kWarps * in.z_stride];
    to.row[k] = row[k * kWarps * row_stride];
  }
}

template <typename Real>
MVN_DEVICE void prepare(const ScanInputs<Real>& in, int count, int thread, QuadLane<Real>& lane,
                        QuadTile& tile) {
#pragma unroll
  for (int k = 0; k < kPlaces; ++k) {
    const int t = thread / kWarp + k * kWarps;
    if (t >= count) break;
    const float delta = softplus<Real>(to_float(lane.next.delta[k]) + lane.bias).value;
    lane.u[k] = to_float(lane.next.u[k]);
    tile.delta[t][thread % kWarp] = delta;
    tile.du[t][thread % kWarp] = delta * lane.u[k];
    tile.rows[t][thread % kWarp] = to_float(lane.next.row[k]);
    if (in.z != nullptr) {
      const float z = to_float(lane.next.z[k]);
      lane.gate[k] = z * sigmoid<Real>(z);
    }
  }
}

template <typename Real>
MVN_DEVICE void scan_tile(int count, int thread, QuadLane<Real>& lane, QuadShared& shared) {
  const int quarter = thread % kQuad;
  for (int t = 0; t < count; ++t) {
    const float delta = shared.tile.delta[t][thread / kQuad];
    const float du = shared.tile.du[t][thread / kQuad];
    const Four b = load_four(shared.tile.rows[t] + quarter * kQuad);
    const Four c = load_four(shared.tile.rows[t] + kStates + quarter * kQuad);
    float y = 0.0F;
#pragma unroll
    for (int i = 0; i < kQuad; ++i) {
      lane.h[i] = fmaf(Math<Real>::exp2(delta * lane.a[i]), lane.h[i], du * b.v[i]);
      y = fmaf(c.v[i], lane.h[i], y);
    }
    shared.y[t][thread] = y;
  }
}

template <typename Real, typename Block>
MVN_DEVICE void forward_by_quad(const ScanInputs<Real>& in, const ScanOutputs<Real>& out,
                                std::int64_t sequence, std::int64_t first_channel, Block& block,
                                QuadShared& shared) {
  const Tokens tokens = tokens_of(in, sequence);
  block.run([&](int thread, QuadLane<Real>& lane) {
    load_a(in, first_channel + thread / kQuad, thread % kQuad, lane.a);
#pragma unroll
    for (int i = 0; i < kQuad; ++i) lane.h[i] = 0.0F;
    const std::int64_t channel = first_channel + thread % kWarp;
    const bool active = channel < in.channels;
    lane.bias = active && in.delta_bias != nullptr ? in.delta_bias[channel] : 0.0F;
    lane.d = active && in.d != nullptr ? in.d[channel] : 0.0F;
    fetch(in, tokens.begin, tile_count(tokens, tokens.begin), channel, thread, lane.next);
  });
  std::int64_t chunk = in.chunk_offsets[sequence];
  for (std::int64_t first = tokens.begin; first < tokens.end; first += kTile, ++chunk) {
    const int count = tile_count(tokens, first);
    block.run(
        [&](int thread, QuadLane<Real>& lane) { prepare(in, count, thread, lane, shared.tile); });
    block.barrier();
    block.run([&](int thread, QuadLane<Real>& lane) {
      if (first + kTile < tokens.end) {
        fetch(in, first + kTile, tile_count(tokens, first + kTile), first_channel + thread % kWarp,
              thread, lane.next);
      }
      const std::int64_t channel = first_channel + thread / kQuad;
      if (out.checkpoints != nullptr && channel < in.channels) {
        store_four(checkpoint_at(out.checkpoints, in.channels, chunk, thread % kQuad, channel),
                   {{lane.h[0], lane.h[1], lane.h[2], lane.h[3]}});
      }
      scan_tile(count, thread, lane, shared);
    });
    block.barrier();
    block.run([&](int thread, QuadLane<Real>& lane) {
      const std::int64_t channel = first_channel + thread % kWarp;
      if (channel >= in.channels) return;
#pragma unroll
      for (int k = 0; k < kPlaces; ++k) {
        const int t = thread / kWarp + k * kWarps;
        if (t >= count) break;
        const Four parts = load_four(shared.y[t] + thread % kWarp * kQuad);
        const float y = fmaf(lane.d, lane.u[k], sum(parts));
        put(out.out + (first + t) * in.channels + channel, in.z == nullptr ? y : y * lane.gate[k]);
      }
    });
  }
}

}  // namespace mvn::mamba::gpu
