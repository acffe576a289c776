// The causal convolution on a GPU, forward and backward: a thread walks the tokens of a tile, cut
// out of the packed tokens without regard to their sequences, of one channel. A tile reaches three
// tokens out at either end, so tiles are independent. Up to four taps; fewer have zeros before
// them.
#pragma once

#include "arithmetic.h"

namespace mvn::mamba::gpu {

inline constexpr std::int64_t kConvTile = 32;  // tokens
inline constexpr int kTaps = 4;

constexpr std::int64_t conv_tiles(std::int64_t tokens) {
  return (tokens + kConvTile - 1) / kConvTile;
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

template <typename Real>
MVN_DEVICE float input(const ConvInputs<Real>& in, std::int64_t token, std::int64_t begin,
                       std::int64_t channel) {
  return token < begin ? 0.0F : to_float(in.x[token * in.x_stride + channel]);
}

MVN_DEVICE float conv_sum(const ConvLane& lane) {
  float sum = lane.bias;
#pragma unroll
  for (int k = 0; k < kTaps; ++k) sum = fmaf(lane.weight[k], lane.x[k], sum);
  return sum;
}

template <typename Real>
MVN_DEVICE void conv_forward(const ConvInputs<Real>& in, Real* out, std::int64_t tile,
                             std::int64_t channel) {
  const std::int64_t tokens = in.offsets[in.sequences];
  const std::int64_t first = tile * kConvTile;
  const std::int64_t last = first + kConvTile < tokens ? first + kConvTile : tokens;
  ConvLane lane;
  start(in, channel, lane);
  std::int64_t sequence = sequence_of(in, first);
  std::int64_t begin = in.offsets[sequence];
  std::int64_t end = in.offsets[sequence + 1];
#pragma unroll
  for (int k = 0; k + 1 < kTaps; ++k) {
    lane.x[k + 1] = input(in, first - kTaps + 1 + k, begin, channel);
  }
#pragma unroll 4
  for (std::int64_t t = first; t < last; ++t) {
    while (t == end) {
      begin = end;
      end = in.offsets[++sequence + 1];
    }
    const float x = to_float(in.x[t * in.x_stride + channel]);
#pragma unroll
    for (int k = 0; k + 1 < kTaps; ++k) {
      lane.x[k] = t - kTaps + 1 + k < begin ? 0.0F : lane.x[k + 1];
    }
    lane.x[kTaps - 1] = x;
    const float sum = conv_sum(lane);
    put(out + t * in.channels + channel, sum * sigmoid<Real>(sum));
  }
}

template <typename Real>
MVN_DEVICE void load_window(const ConvInputs<Real>& in, std::int64_t token, std::int64_t begin,
                            std::int64_t channel, ConvLane& lane) {
#pragma unroll
  for (int k = 0; k < kTaps; ++k) {
    lane.x[k] = input(in, token - kTaps + 1 + k, begin, channel);
  }
}

// Walks back, with the gradients of the sums of this token and the next three at hand. d_weight and
// d_bias get one part a tile: [tiles, channels, width] and [tiles, channels].
template <typename Real>
MVN_DEVICE void conv_backward(const ConvInputs<Real>& in, const ConvGradients<Real>& out,
                              std::int64_t tile, std::int64_t channel) {
  const std::int64_t tokens = in.offsets[in.sequences];
  const std::int64_t first = tile * kConvTile;
  const std::int64_t last = first + kConvTile < tokens ? first + kConvTile : tokens;
  ConvLane lane;
  start(in, channel, lane);
  std::int64_t sequence = sequence_of(in, last - 1);
  std::int64_t begin = in.offsets[sequence];
  const std::int64_t end = in.offsets[sequence + 1];
  const std::int64_t reach = last + kTaps - 1 < end ? last + kTaps - 1 : end;
  load_window(in, reach - 1, begin, channel, lane);
  float g[kTaps] = {};  // of the tokens t, t + 1, ... of the sequence
  float d_weight[kTaps] = {};
  float d_bias = 0.0F;
#pragma unroll 4
  for (std::int64_t t = reach - 1; t >= first; --t) {
    if (t < begin) {
      while (t < begin) begin = in.offsets[--sequence];
      load_window(in, t, begin, channel, lane);
#pragma unroll
      for (int k = 0; k < kTaps; ++k) g[k] = 0.0F;
    }
    const float sum = conv_sum(lane);
    const float d_out = to_float(out.d_out[t * in.channels + channel]);
#pragma unroll
    for (int k = kTaps - 1; k > 0; --k) g[k] = g[k - 1];
    g[0] = d_out * silu_slope(sum, sigmoid<Real>(sum));
    if (t < last) {
      float d_x = 0.0F;
#pragma unroll
      for (int k = 0; k < kTaps; ++k) {
        d_x = fmaf(lane.weight[kTaps - 1 - k], g[k], d_x);
        d_weight[k] = fmaf(g[0], lane.x[k], d_weight[k]);
      }
      put(out.d_x + t * out.d_x_stride + channel, d_x);
      d_bias += g[0];
    }
#pragma unroll
    for (int k = kTaps - 1; k > 0; --k) lane.x[k] = lane.x[k - 1];
    lane.x[0] = input(in, t - kTaps, begin, channel);
  }
  const std::int64_t row = tile * in.channels + channel;
  if (out.d_bias != nullptr) out.d_bias[row] = d_bias;
  if (out.d_weight == nullptr) return;
  const int absent = kTaps - static_cast<int>(in.width);
#pragma unroll
  for (int k = 0; k < kTaps; ++k) {
    if (k >= absent) out.d_weight[row * in.width + k - absent] = d_weight[k];
  }
}

}  // namespace mvn::mamba::gpu
