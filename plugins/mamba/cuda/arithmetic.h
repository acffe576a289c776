// What the GPU's kernels compute with: numbers in and out, and the functions of the scan. Read by
// nvcc for the GPU and by any C++ compiler for the tests, which run the same code on a CPU.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "scan_kernels.h"

#if defined(__CUDACC__)
#define MVN_DEVICE __device__ __forceinline__
#else
#define MVN_DEVICE inline
#endif

namespace mvn::mamba::gpu {

inline constexpr float kLog2E = 1.44269504088896341F;
inline constexpr float kLn2 = 0.693147180559945309F;

template <typename To, typename From>
MVN_DEVICE To bits_as(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

MVN_DEVICE float to_float(float x) { return x; }
MVN_DEVICE float to_float(Half x) {
  return bits_as<float>(static_cast<std::uint32_t>(x.bits) << 16);
}

MVN_DEVICE void put(float* to, float value) { *to = value; }
// To the nearest, ties to even.
MVN_DEVICE void put(Half* to, float value) {
#if defined(__CUDA_ARCH__)
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(to->bits) : "f"(value));
#else
  const auto bits = bits_as<std::uint32_t>(value);
  const bool nan = (bits & 0x7fffffffU) > 0x7f800000U;
  const std::uint32_t rounded = bits + 0x7fffU + ((bits >> 16) & 1U);
  to->bits = static_cast<std::uint16_t>(nan ? 0x7fffU : rounded >> 16);
#endif
}

// Four neighbouring floats, 16 bytes apart from the next four: one access.
struct alignas(16) Four {
  float v[4];
};
MVN_DEVICE Four load_four(const float* from) {
#if defined(__CUDA_ARCH__)
  const float4 x = *reinterpret_cast<const float4*>(from);
  return {{x.x, x.y, x.z, x.w}};
#else
  Four x;
  memcpy(&x, from, sizeof x);
  return x;
#endif
}
MVN_DEVICE void store_four(float* to, const Four& x) {
#if defined(__CUDA_ARCH__)
  *reinterpret_cast<float4*>(to) = make_float4(x.v[0], x.v[1], x.v[2], x.v[3]);
#else
  memcpy(to, &x, sizeof x);
#endif
}
MVN_DEVICE float sum(const Four& x) { return (x.v[0] + x.v[1]) + (x.v[2] + x.v[3]); }

// The exponential and the reciprocal for one type of inputs and outputs.
template <typename Real>
struct Math;

// float32 is asked for exactness: polynomials, the same on every processor.
template <>
struct Math<float> {
  // 2^x for x in [-126, 0], 2^-126 below. The fraction's polynomial is 1 + f q(f), exact at 0, so
  // that slow decays do not drift over thousands of tokens; relative error up to 2e-7.
  static MVN_DEVICE float exp2(float x) {
    constexpr float kRound = 12582912.0F;  // 1.5 2^23: adding it leaves no place for a fraction
    const float bounded = fmaxf(x, -126.0F);
    const float shifted = bounded + kRound;
    const float f = bounded - (shifted - kRound);
    float q = 0.001338130254F;
    q = fmaf(q, f, 0.009666368515F);
    q = fmaf(q, f, 0.05550381014F);
    q = fmaf(q, f, 0.2402234904F);
    q = fmaf(q, f, 0.6931471806F);
    q = fmaf(q, f, 1.0F);
    // The lowest bits of `shifted` are the whole part, for the exponent.
    return bits_as<float>(bits_as<std::uint32_t>(q) + (bits_as<std::uint32_t>(shifted) << 23));
  }
  static MVN_DEVICE float inverse(float x) { return 1.0F / x; }
};

// bfloat16 is asked for speed: the GPU's own approximations, within a few 1e-7.
template <>
struct Math<Half> {
  static MVN_DEVICE float exp2(float x) {
#if defined(__CUDA_ARCH__)
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
#else
    return std::exp2(x);
#endif
  }
  static MVN_DEVICE float inverse(float x) {
#if defined(__CUDA_ARCH__)
    float y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
#else
    return 1.0F / x;
#endif
  }
};

// log(1 + e) for e in (0, 1], to full relative precision: 2 atanh(e / (2 + e)).
template <typename Real>
MVN_DEVICE float log1p_unit(float e) {
  const float s = e * Math<Real>::inverse(e + 2.0F);
  const float s2 = s * s;
  float p = 1.0F / 15;
  p = fmaf(p, s2, 1.0F / 13);
  p = fmaf(p, s2, 1.0F / 11);
  p = fmaf(p, s2, 1.0F / 9);
  p = fmaf(p, s2, 1.0F / 7);
  p = fmaf(p, s2, 1.0F / 5);
  p = fmaf(p, s2, 1.0F / 3);
  return (s + s) * fmaf(p, s2, 1.0F);
}

struct Softplus {
  float value;
  float slope;  // sigmoid
};

template <typename Real>
MVN_DEVICE Softplus softplus(float x) {
  const float e = Math<Real>::exp2(-fabsf(x) * kLog2E);
  const float inverse = Math<Real>::inverse(1.0F + e);
  return {fmaxf(x, 0.0F) + log1p_unit<Real>(e), x < 0.0F ? e * inverse : inverse};
}

template <typename Real>
MVN_DEVICE float sigmoid(float x) {
  const float e = Math<Real>::exp2(-fabsf(x) * kLog2E);
  const float inverse = Math<Real>::inverse(1.0F + e);
  return x < 0.0F ? e * inverse : inverse;
}

// d (x sigmoid(x)) / dx, given s = sigmoid(x).
MVN_DEVICE float silu_slope(float x, float s) { return s * fmaf(x, 1.0F - s, 1.0F); }

}  // namespace mvn::mamba::gpu
