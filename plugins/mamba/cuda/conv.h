// The causal convolution on a GPU, forward and backward: a thread walks the tokens of a tile, cut
// out of the packed tokens without regard to their sequences, of one channel. A tile reaches three
// tokens out at either end, so tiles are independent. Up to four taps; fewer have zeros before
// them. What the next four tokens need is on its way while four are computed: no load waits for
// what decides whether it is wanted.
#pragma once

#include "arithmetic.h"

namespace mvn::mamba::gpu {

inline constexpr std::int64_t kConvTile = 32;  // tokens
inline constexpr int kTaps = 4;
inline constexpr int kConvAhead = 4;  // tokens whose inputs are on their way
static_assert(kTaps == kConvAhead);   // a window is loaded as four rows, too

constexpr std::int64_t conv_tiles(std::int64_t tokens) {
  return (tokens + kConvTile - 1) / kConvTile;
}

template <typename Inputs>
MVN_DEVICE int tokens_in_tile(const Inputs& in, std::int64_t first) {
  const std::int64_t left = in.offsets[in.sequences] - first;
  return static_cast<int>(left < kConvTile ? left : kConvTile);
}

// The sequence that holds a token; sequences may be empty.
template <typename Inputs>
MVN_DEVICE std::int64_t sequence_of(const Inputs& in, std::int64_t token) {
  std::int64_t low = 0;
  std::int64_t high = in.sequences - 1;
  while (low < high) {
    const std::int64_t middle = (low + high + 1) / 2;
    if (in.offsets[middle] <= token) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

// A place among the tokens, counted from a tile's first: what is further away makes no difference.
MVN_DEVICE int from_tile(std::int64_t token, std::int64_t first) {
  const std::int64_t distance = token - first;
  return static_cast<int>(distance < -kConvTile      ? -kConvTile
                          : distance > 2 * kConvTile ? 2 * kConvTile
                                                     : distance);
}

// The sequence that a walk is in, its bounds counted from the tile's first token.
struct Around {
  std::int64_t sequence;
  int begin;
  int end;
};

template <typename Inputs>
MVN_DEVICE void enter(const Inputs& in, std::int64_t sequence, std::int64_t first, Around& around) {
  around.sequence = sequence;
  around.begin = from_tile(in.offsets[sequence], first);
  around.end = from_tile(in.offsets[sequence + 1], first);
}

// What a thread knows of its channel, and the inputs that the current token's taps meet.
struct ConvLane {
  float weight[kTaps];
  float bias;
  float x[kTaps];
};

template <typename Real>
MVN_DEVICE void start(const ConvInputs<Real>& in, std::int64_t channel, ConvLane& lane) {
  const int absent = kTaps - static_cast<int>(in.width);
#pragma unroll
  for (int k = 0; k < kTaps; ++k) {
    lane.weight[k] = k < absent ? 0.0F : in.weight[channel * in.width + k - absent];
    lane.x[k] = 0.0F;
  }
  lane.bias = in.bias == nullptr ? 0.0F : in.bias[channel];
}

// kConvAhead rows, from row `at` on upwards or downwards.
template <int kStep, typename Real>
MVN_DEVICE void load_rows(const Real* rows, std::int64_t stride, int at, Real* to) {
  const Real* from = rows + at * stride;
#pragma unroll
  for (int i = 0; i < kConvAhead; ++i) to[i] = from[kStep * i * stride];
}

// The same; outside of [low, high) the nearest row's, which nobody uses.
template <int kStep, typename Real>
MVN_DEVICE void load_nearest(const Real* rows, std::int64_t stride, int at, int low, int high,
                             Real* to) {
  if (kStep > 0 ? at + kConvAhead <= high : at - kConvAhead >= low - 1 && at < high) {
    return load_rows<kStep>(rows, stride, at, to);
  }
#pragma unroll
  for (int i = 0; i < kConvAhead; ++i) {
    const int row = at + kStep * i;
    to[i] = rows[(row < low ? low : row < high ? row : high - 1) * stride];
  }
}

template <typename Real>
MVN_DEVICE void to_floats(const Real* from, float* to) {
#pragma unroll
  for (int i = 0; i < kConvAhead; ++i) to[i] = to_float(from[i]);
}

MVN_DEVICE float conv_sum(const ConvLane& lane) {
  float sum = lane.bias;
#pragma unroll
  for (int k = 0; k < kTaps; ++k) sum = fmaf(lane.weight[k], lane.x[k], sum);
  return sum;
}

// kConvAhead tokens from `at` on. kPlain: whose taps all meet their own sequence.
template <bool kPlain, typename Real>
MVN_DEVICE void conv_steps(const ConvInputs<Real>& in, std::int64_t first, int at, int count,
                           const float* x, Around& around, ConvLane& lane, Real* out) {
#pragma unroll
  for (int i = 0; i < kConvAhead; ++i, ++at) {
    if constexpr (!kPlain) {
      if (at >= count) break;
      while (at == around.end) enter(in, around.sequence + 1, first, around);
    }
#pragma unroll
    for (int k = 0; k + 1 < kTaps; ++k) {
      const bool other = !kPlain && at - kTaps + 1 + k < around.begin;
      lane.x[k] = other ? 0.0F : lane.x[k + 1];
    }
    lane.x[kTaps - 1] = x[i];
    const float sum = conv_sum(lane);
    put(out + i * in.channels, sum * sigmoid<Real>(sum));
  }
}

template <typename Real>
MVN_DEVICE void conv_forward(const ConvInputs<Real>& in, Real* out, std::int64_t tile,
                             std::int64_t channel) {
  const std::int64_t first = tile * kConvTile;
  const int count = tokens_in_tile(in, first);
  const Real* x = in.x + first * in.x_stride + channel;
  out += first * in.channels + channel;
  Real next[kConvAhead];
  load_nearest<1>(x, in.x_stride, 0, 0, count, next);
  ConvLane lane;
  start(in, channel, lane);
  Around around;
  enter(in, sequence_of(in, first), first, around);
#pragma unroll
  for (int k = 1; k < kTaps; ++k) {
    if (k - kTaps >= around.begin) lane.x[k] = to_float(x[(k - kTaps) * in.x_stride]);
  }
#pragma unroll 1
  for (int t = 0; t < count; t += kConvAhead, out += kConvAhead * in.channels) {
    float now[kConvAhead];
    to_floats(next, now);
    load_nearest<1>(x, in.x_stride, t + kConvAhead, 0, count, next);
    if (t + kConvAhead <= around.end && t - kTaps + 1 >= around.begin) {
      conv_steps<true>(in, first, t, count, now, around, lane, out);
    } else {
      conv_steps<false>(in, first, t, count, now, around, lane, out);
    }
  }
}

// What a walk back goes by: the inputs at the last token's taps, whatever sequence they are of, and
// what it sums up.
struct ConvWalk {
  float raw[kTaps];
  float g[kTaps];  // gradients of the sums of this token and the next three of its sequence
  float d_weight[kTaps];
  float d_bias;
};

// kConvAhead tokens from `at` back, not beyond `last`: with the gradients of their outputs, and the
// inputs four tokens before each. kPlain: whose taps all meet their own sequence. kCount: in the
// tile; tokens behind it hand on their gradients alone.
template <bool kPlain, bool kCount, typename Real>
MVN_DEVICE void conv_steps_back(const ConvInputs<Real>& in, std::int64_t first, int at, int last,
                                const Real* d_out, const Real* before, Around& around,
                                ConvLane& lane, ConvWalk& walk, Real* d_x,
                                std::int64_t d_x_stride) {
#pragma unroll
  for (int i = 0; i < kConvAhead; ++i, --at) {
    if constexpr (!kPlain) {
      if (at < last) break;
      while (at < around.begin) {
        enter(in, around.sequence - 1, first, around);
#pragma unroll
        for (int k = 0; k < kTaps; ++k) walk.g[k] = 0.0F;
      }
    }
#pragma unroll
    for (int k = 0; k < kTaps; ++k) {
      const bool other = !kPlain && at - kTaps + 1 + k < around.begin;
      lane.x[k] = other ? 0.0F : walk.raw[k];
    }
    const float sum = conv_sum(lane);
#pragma unroll
    for (int k = kTaps - 1; k > 0; --k) walk.g[k] = walk.g[k - 1];
    walk.g[0] = to_float(d_out[i]) * silu_slope(sum, sigmoid<Real>(sum));
    if constexpr (kCount) {
      float sum_x = 0.0F;
#pragma unroll
      for (int k = 0; k < kTaps; ++k) {
        sum_x = fmaf(lane.weight[kTaps - 1 - k], walk.g[k], sum_x);
        walk.d_weight[k] = fmaf(walk.g[0], lane.x[k], walk.d_weight[k]);
      }
      walk.d_bias += walk.g[0];
      put(d_x - i * d_x_stride, sum_x);
    }
#pragma unroll
    for (int k = kTaps - 1; k > 0; --k) walk.raw[k] = walk.raw[k - 1];
    walk.raw[0] = to_float(before[i]);
  }
}

template <typename Real>
MVN_DEVICE void put_parts(const ConvInputs<Real>& in, const ConvGradients<Real>& out,
                          std::int64_t row, const ConvWalk& walk) {
  if (out.d_bias != nullptr) out.d_bias[row] = walk.d_bias;
  if (out.d_weight == nullptr) return;
  const int absent = kTaps - static_cast<int>(in.width);
#pragma unroll
  for (int k = 0; k < kTaps; ++k) {
    if (k >= absent) out.d_weight[row * in.width + k - absent] = walk.d_weight[k];
  }
}

// Walks back from up to three tokens behind the tile, whose gradients its last tokens need.
// d_weight and d_bias get one part a tile: [tiles, channels, width] and [tiles, channels].
template <typename Real>
MVN_DEVICE void conv_backward(const ConvInputs<Real>& in, const ConvGradients<Real>& out,
                              std::int64_t tile, std::int64_t channel) {
  const std::int64_t first = tile * kConvTile;
  const int count = tokens_in_tile(in, first);
  Around around;
  enter(in, sequence_of(in, first + count - 1), first, around);
  const int reach = count + kTaps - 1 < around.end ? count + kTaps - 1 : around.end;
  const int low = first == 0 ? 0 : 1 - kTaps;  // the first token that a tap can meet
  const Real* x = in.x + first * in.x_stride + channel;
  const Real* d_out = out.d_out + first * in.channels + channel;
  Real window[kTaps];
  Real before[kConvAhead];
  Real given[kConvAhead];
  Real next_before[kConvAhead];
  Real next_given[kConvAhead];
  load_nearest<-1>(x, in.x_stride, reach - 1, low, reach, window);
  load_nearest<-1>(x, in.x_stride, reach - 1 - kTaps, low, reach, before);
  load_nearest<-1>(d_out, in.channels, reach - 1, 0, reach, given);
  load_nearest<-1>(x, in.x_stride, count - 1 - kTaps, low, reach, next_before);
  load_nearest<-1>(d_out, in.channels, count - 1, 0, reach, next_given);
  ConvLane lane;
  start(in, channel, lane);
  ConvWalk walk = {};
#pragma unroll
  for (int k = 0; k < kTaps; ++k) walk.raw[k] = to_float(window[kTaps - 1 - k]);
  Real* const no_d_x = nullptr;
  conv_steps_back<false, false>(in, first, reach - 1, count, given, before, around, lane, walk,
                                no_d_x, 0);
  Real* d_x = out.d_x + (first + count - 1) * out.d_x_stride + channel;
#pragma unroll 1
  for (int t = count - 1; t >= 0; t -= kConvAhead, d_x -= kConvAhead * out.d_x_stride) {
#pragma unroll
    for (int i = 0; i < kConvAhead; ++i) {
      before[i] = next_before[i];
      given[i] = next_given[i];
    }
    load_nearest<-1>(x, in.x_stride, t - kConvAhead - kTaps, low, reach, next_before);
    load_nearest<-1>(d_out, in.channels, t - kConvAhead, 0, reach, next_given);
    if (t >= kConvAhead - 1 && t - kConvAhead - kTaps + 2 >= around.begin) {
      conv_steps_back<true, true>(in, first, t, 0, given, before, around, lane, walk, d_x,
                                  out.d_x_stride);
    } else {
      conv_steps_back<false, true>(in, first, t, 0, given, before, around, lane, walk, d_x,
                                   out.d_x_stride);
    }
  }
  put_parts(in, out, tile * in.channels + channel, walk);
}

}  // namespace mvn::mamba::gpu
