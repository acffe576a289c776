// The selective scan's backward pass on a GPU, as the body of one thread block: one sequence and
// some groups of 32 channels, four threads a channel, four states each.
//
// The tiles of 16 tokens are walked from the last to the first. In each the states are recomputed
// from the checkpoint, exp(delta A) times the state before is put down in shared memory, and the
// way back reads it. Sums over the states of a channel go through shared memory; dB and dC, sums
// over channels, are folded over the lanes of a warp (7 shuffles for 8 sums), then over the block's
// warps and groups, and are written as one part a block. Nothing is added atomically: every sum has
// one order.
#pragma once

#include "scan_forward.h"

namespace mvn::mamba::gpu {

template <typename Real>
struct BackwardLane {
  // What belongs to the thread's channel and four states.
  float a[kQuad];  // times log2(e)
  float h[kQuad];
  float g[kQuad];  // gradient of the state, from the tokens behind
  float d_a[kQuad];
  float values[2 * kQuad];  // a token's terms of dB, then of dC
  float along_b;            // sums over the thread's states, of a token
  float along_a;
  float y;
  // What belongs to the places that the thread prepares.
  Fetched<Real> next;
  Real next_d_out[kPlaces];
  float bias;
  float d;
  float u[kPlaces];
  float delta[kPlaces];
  float slope[kPlaces];  // of the softplus
  float dy[kPlaces];
  float d_gate[kPlaces];  // d_out times the slope of z's silu
  float d_d;
  float d_bias;
};

// 48 KiB, what a block may have without asking.
struct BackwardShared {
  QuadTile tile;
  float dy[kTile][kQuadChannels];
  // exp(delta A) h of every thread's states; a token's row is overwritten on the way back, each
  // warp's 128 floats by three sums over the states of its threads: [3][32].
  alignas(16) float slots[kTile][kThreads * kQuad];
  float sums[kWarps][kTile][kWarp];  // dB and dC, a part a warp
};
static_assert(sizeof(BackwardShared) <= 48 * 1024);

inline constexpr int kWarpChannels = kWarp / kQuad;
inline constexpr int kAlongB = 0;
inline constexpr int kAlongA = kWarp;
inline constexpr int kY = 2 * kWarp;

// Where BackwardLane::values of a channel's first thread ends up after the folds: sum `lane` of a
// warp is of dC in the upper half, and of this state.
MVN_DEVICE int state_of_sum(int lane) {
  return lane % kQuad * kQuad + (lane & 8) / 4 + (lane & 4) / 4;
}

template <typename Count, typename Real>
MVN_DEVICE void fetch_back(const ScanInputs<Real>& in, const ScanGradients<Real>& out,
                           std::int64_t first, Count count, std::int64_t place_channel, int thread,
                           BackwardLane<Real>& lane) {
  fetch(in, first, count, place_channel, thread, lane.next);
  const bool active = place_channel < in.channels;
  const Real* const d_out =
      places_of(out.d_out, out.d_out_stride, first, active ? place_channel : 0, thread);
#pragma unroll
  for (int k = 0; k < kPlaces; ++k) {
    if (is_past(k, thread, count)) break;
    lane.next_d_out[k] = active ? d_out[k * kWarps * out.d_out_stride] : Real{};
  }
}

template <typename Real>
MVN_DEVICE void start_back(const ScanInputs<Real>& in, std::int64_t first_channel, int thread,
                           BackwardLane<Real>& lane) {
  load_a(in, first_channel + thread / kQuad, thread % kQuad, lane.a);
#pragma unroll
  for (int i = 0; i < kQuad; ++i) lane.g[i] = lane.d_a[i] = 0.0F;
  const std::int64_t channel = first_channel + thread % kWarp;
  const bool active = channel < in.channels;
  lane.bias = active && in.delta_bias != nullptr ? in.delta_bias[channel] : 0.0F;
  lane.d = active && in.d != nullptr ? in.d[channel] : 0.0F;
  lane.d_d = lane.d_bias = 0.0F;
}

template <typename Count, typename Real>
MVN_DEVICE void prepare_back(const ScanInputs<Real>& in, Count count, int thread,
                             BackwardLane<Real>& lane, BackwardShared& shared) {
  const int column = thread % kWarp;
#pragma unroll
  for (int k = 0; k < kPlaces; ++k) {
    if (is_past(k, thread, count)) break;
    const int t = thread / kWarp + k * kWarps;
    const Softplus delta = softplus<Real>(to_float(lane.next.delta[k]) + lane.bias);
    lane.u[k] = to_float(lane.next.u[k]);
    lane.delta[k] = delta.value;
    lane.slope[k] = delta.slope;
    lane.dy[k] = to_float(lane.next_d_out[k]);
    if (in.z != nullptr) {
      const float z = to_float(lane.next.z[k]);
      const float s = sigmoid<Real>(z);
      lane.d_gate[k] = lane.dy[k] * silu_slope(z, s);
      lane.dy[k] *= z * s;
    }
    shared.tile.delta[t][column] = delta.value;
    shared.tile.du[t][column] = delta.value * lane.u[k];
    shared.tile.rows[t][column] = to_float(lane.next.row[k]);
    shared.dy[t][column] = lane.dy[k];
  }
}

template <typename Count, typename Real>
MVN_DEVICE void recompute_tile(Count count, int thread, BackwardLane<Real>& lane,
                               BackwardShared& shared) {
  for (int t = 0; t < count; ++t) {
    const float delta = shared.tile.delta[t][thread / kQuad];
    const float du = shared.tile.du[t][thread / kQuad];
    const Four b = load_four(shared.tile.rows[t] + thread % kQuad * kQuad);
    Four decayed;
#pragma unroll
    for (int i = 0; i < kQuad; ++i) {
      decayed.v[i] = Math<Real>::exp2(delta * lane.a[i]) * lane.h[i];
      lane.h[i] = fmaf(du, b.v[i], decayed.v[i]);
    }
    store_four(shared.slots[t] + thread * kQuad, decayed);
  }
}

// kA: the gradient of A is wanted. exp(delta A) is computed a second time: shared memory for it
// would halve the blocks that a multiprocessor holds.
template <bool kA, typename Real>
MVN_DEVICE void step_back(int t, int thread, BackwardLane<Real>& lane,
                          const BackwardShared& shared) {
  const float delta = shared.tile.delta[t][thread / kQuad];
  const float du = shared.tile.du[t][thread / kQuad];
  const float dy = shared.dy[t][thread / kQuad];
  const Four b = load_four(shared.tile.rows[t] + thread % kQuad * kQuad);
  const Four c = load_four(shared.tile.rows[t] + kStates + thread % kQuad * kQuad);
  const Four decayed = load_four(shared.slots[t] + thread * kQuad);
  lane.along_b = lane.along_a = lane.y = 0.0F;
#pragma unroll
  for (int i = 0; i < kQuad; ++i) {
    const float h = fmaf(du, b.v[i], decayed.v[i]);
    const float g = fmaf(dy, c.v[i], lane.g[i]);
    const float w = g * decayed.v[i];
    lane.values[i] = g * du;
    lane.values[kQuad + i] = dy * h;
    lane.y = fmaf(c.v[i], h, lane.y);
    lane.along_b = fmaf(g, b.v[i], lane.along_b);
    lane.along_a = fmaf(w, lane.a[i], lane.along_a);
    if constexpr (kA) lane.d_a[i] = fmaf(w, delta, lane.d_a[i]);
    lane.g[i] = g * Math<Real>::exp2(delta * lane.a[i]);
  }
}

template <typename Real>
MVN_DEVICE void put_sums(int t, int thread, const BackwardLane<Real>& lane,
                         BackwardShared& shared) {
  const int warp = thread / kWarp;
  float* row = shared.slots[t] + warp * kWarp * kQuad + thread % kWarp;
  row[kAlongB] = lane.along_b;
  row[kAlongA] = lane.along_a;
  row[kY] = lane.y;
  shared.sums[warp][t][thread % kWarp] = lane.values[0];
}

template <typename Count, typename Real>
MVN_DEVICE void finish_places(const ScanInputs<Real>& in, const ScanGradients<Real>& out,
                              std::int64_t first, Count count, std::int64_t channel, int thread,
                              BackwardLane<Real>& lane, const BackwardShared& shared) {
  if (channel >= in.channels) return;
  // The quad of this place's channel: its warp's floats, and its four lanes of them.
  const int column = thread % kWarp;
  const int quad = column / kWarpChannels * kWarp * kQuad + column % kWarpChannels * kQuad;
  Real* const d_u = places_of(out.d_u, in.channels, first, channel, thread);
  Real* const d_delta = places_of(out.d_delta, in.channels, first, channel, thread);
  const bool gated = in.z != nullptr && out.d_z != nullptr;
  Real* const d_z = gated ? places_of(out.d_z, out.d_z_stride, first, channel, thread) : nullptr;
#pragma unroll
  for (int k = 0; k < kPlaces; ++k) {
    if (is_past(k, thread, count)) break;
    const float* row = shared.slots[thread / kWarp + k * kWarps] + quad;
    const float along_b = sum(load_four(row + kAlongB));
    const float along_a = sum(load_four(row + kAlongA)) * kLn2;
    const float d_raw = fmaf(lane.u[k], along_b, along_a) * lane.slope[k];
    put(d_u + k * kWarps * in.channels, fmaf(lane.delta[k], along_b, lane.d * lane.dy[k]));
    put(d_delta + k * kWarps * in.channels, d_raw);
    if (gated) {
      const float y = fmaf(lane.d, lane.u[k], sum(load_four(row + kY)));
      put(d_z + k * kWarps * out.d_z_stride, lane.d_gate[k] * y);
    }
    lane.d_d = fmaf(lane.dy[k], lane.u[k], lane.d_d);
    lane.d_bias += d_raw;
  }
}

// Adds the warps' sums into the block's part of dB and dC, [tokens, states]: `fresh` where there is
// nothing yet.
template <typename Count>
MVN_DEVICE void finish_sums(std::int64_t first, Count count, int thread, bool fresh, float* d_b,
                            float* d_c, const BackwardShared& shared) {
  const int lane = thread % kWarp;
  float* const part = places_of(lane < kWarp / 2 ? d_b : d_c, std::int64_t{kStates}, first,
                                std::int64_t{state_of_sum(lane)}, thread);
#pragma unroll
  for (int k = 0; k < kPlaces; ++k) {
    if (is_past(k, thread, count)) break;
    const int t = thread / kWarp + k * kWarps;
    float total = shared.sums[0][t][lane];
#pragma unroll
    for (int warp = 1; warp < kWarps; ++warp) total += shared.sums[warp][t][lane];
    float* const to = part + k * kWarps * kStates;
    *to = fresh ? total : *to + total;
  }
}

template <bool kA, typename Real, typename Block>
MVN_DEVICE void finish_parameters(const ScanInputs<Real>& in, const ScanGradients<Real>& out,
                                  std::int64_t sequence, std::int64_t first_channel, Block& block,
                                  BackwardShared& shared) {
  const std::int64_t row = sequence * in.channels;
  if (out.d_d == nullptr && out.d_delta_bias == nullptr && !kA) return;
  block.barrier();  // everybody has read the last tile's sums
  block.run([&](int thread, BackwardLane<Real>& lane) {
    shared.sums[thread / kWarp][0][thread % kWarp] = lane.d_d;
    shared.sums[thread / kWarp][1][thread % kWarp] = lane.d_bias;
    const std::int64_t channel = first_channel + thread / kQuad;
    if constexpr (kA) {
      if (channel < in.channels) {
        store_four(out.d_a + (row + channel) * kStates + thread % kQuad * kQuad,
                   {{lane.d_a[0], lane.d_a[1], lane.d_a[2], lane.d_a[3]}});
      }
    }
  });
  block.barrier();
  block.run([&](int thread, BackwardLane<Real>&) {
    const std::int64_t channel = first_channel + thread;
    if (thread >= kQuadChannels || channel >= in.channels) return;
    float d_d = 0.0F;
    float d_bias = 0.0F;
#pragma unroll
    for (int warp = 0; warp < kWarps; ++warp) {
      d_d += shared.sums[warp][0][thread];
      d_bias += shared.sums[warp][1][thread];
    }
    if (out.d_d != nullptr) out.d_d[row + channel] = d_d;
    if (out.d_delta_bias != nullptr) out.d_delta_bias[row + channel] = d_bias;
  });
}

// One tile of a group, of `count` tokens from `first`; its inputs have been fetched, and `ahead`
// fetches those of the tile before it.
template <bool kA, typename Count, typename Real, typename Block, typename Ahead>
MVN_DEVICE void backward_tile(const ScanInputs<Real>& in, const ScanGradients<Real>& out,
                              std::int64_t first, Count count, std::int64_t chunk,
                              std::int64_t first_channel, bool fresh, float* d_b, float* d_c,
                              const Ahead& ahead, Block& block, BackwardShared& shared) {
  block.run(
      [&](int thread, BackwardLane<Real>& lane) { prepare_back(in, count, thread, lane, shared); });
  block.barrier();
  block.run([&](int thread, BackwardLane<Real>& lane) {
    ahead(thread, lane);
    const std::int64_t channel = first_channel + thread / kQuad;
    Four h = {};
    if (channel < in.channels) {
      h = load_four(checkpoint_at(out.checkpoints, in.channels, chunk, thread % kQuad, channel));
    }
#pragma unroll
    for (int i = 0; i < kQuad; ++i) lane.h[i] = h.v[i];
    recompute_tile(count, thread, lane, shared);
  });
#pragma unroll 4
  for (int t = count - 1; t >= 0; --t) {
    block.run(
        [&](int thread, BackwardLane<Real>& lane) { step_back<kA>(t, thread, lane, shared); });
    block.warp_barrier();  // the row of slots is read by its whole warp before it is overwritten
    block.template fold<4>(16);
    block.template fold<2>(8);
    block.template fold<1>(4);
    block.run([&](int thread, BackwardLane<Real>& lane) { put_sums(t, thread, lane, shared); });
  }
  block.barrier();
  block.run([&](int thread, BackwardLane<Real>& lane) {
    finish_places(in, out, first, count, first_channel + thread % kWarp, thread, lane, shared);
    finish_sums(first, count, thread, fresh, d_b, d_c, shared);
  });
}

// One group of 32 channels of a sequence, with the parts of dB and dC that take its sums. Only the
// last tile, the first to be walked, may be short.
template <bool kA, typename Real, typename Block>
MVN_DEVICE void backward_group(const ScanInputs<Real>& in, const ScanGradients<Real>& out,
                               std::int64_t sequence, std::int64_t group, bool fresh, float* d_b,
                               float* d_c, Block& block, BackwardShared& shared) {
  const Tokens tokens = tokens_of(in, sequence);
  const std::int64_t tiles = scan_chunks(tokens.end - tokens.begin);
  const std::int64_t first_channel = group * kQuadChannels;
  block.run([&](int thread, BackwardLane<Real>& lane) {
    start_back(in, first_channel, thread, lane);
    if (tiles == 0) return;
    const std::int64_t first = tokens.begin + (tiles - 1) * kTile;
    fetch_back(in, out, first, tile_count(tokens, first), first_channel + thread % kWarp, thread,
               lane);
  });
  for (std::int64_t tile = tiles - 1; tile >= 0; --tile) {
    const std::int64_t first = tokens.begin + tile * kTile;
    const std::int64_t chunk = in.chunk_offsets[sequence] + tile;
    const auto ahead = [&](int thread, BackwardLane<Real>& lane) {
      if (tile == 0) return;
      fetch_back(in, out, first - kTile, WholeTile{}, first_channel + thread % kWarp, thread, lane);
    };
    const int count = tile_count(tokens, first);
    if (count == kTile) {
      backward_tile<kA>(in, out, first, WholeTile{}, chunk, first_channel, fresh, d_b, d_c, ahead,
                        block, shared);
    } else {
      backward_tile<kA>(in, out, first, count, chunk, first_channel, fresh, d_b, d_c, ahead, block,
                        shared);
    }
  }
  finish_parameters<kA>(in, out, sequence, first_channel, block, shared);
}

// Part `part` of `parts` of a sequence: every parts-th group of channels.
template <bool kA, typename Real, typename Block>
MVN_DEVICE void backward(const ScanInputs<Real>& in, const ScanGradients<Real>& out,
                         std::int64_t sequence, std::int64_t part, std::int64_t parts, Block& block,
                         BackwardShared& shared) {
  const std::int64_t size = in.offsets[in.sequences] * kStates;
  const std::int64_t groups = (in.channels + kQuadChannels - 1) / kQuadChannels;
  for (std::int64_t group = part; group < groups; group += parts) {
    backward_group<kA>(in, out, sequence, group, group == part, out.d_b + part * size,
                       out.d_c + part * size, block, shared);
  }
}

}  // namespace mvn::mamba::gpu
