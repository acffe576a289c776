// The compiler's vectors of kLanes floats, which the including file defines, and of bfloat16s made
// floats. For kernels that are written once and compiled for several instruction sets.
// Included inside an anonymous namespace of each such file, after mvn/half.h: no function of one
// instruction set may be linked into another's caller. The file for AVX-512 includes <immintrin.h>
// before, for what g++ 12 makes no single instruction of.

using Floats = float __attribute__((vector_size(4 * kLanes)));
using Words = std::uint32_t __attribute__((vector_size(4 * kLanes)));
using HalfBits = std::uint16_t __attribute__((vector_size(2 * kLanes)));

[[gnu::always_inline]] inline Words widen(HalfBits bits) {
#if defined(__AVX512F__)
  return __builtin_bit_cast(Words, _mm512_cvtepu16_epi32(__builtin_bit_cast(__m256i, bits)));
#else
  return __builtin_convertvector(bits, Words);
#endif
}

// The low halves.
[[gnu::always_inline]] inline HalfBits narrow(Words words) {
#if defined(__AVX512F__)
  return __builtin_bit_cast(HalfBits, _mm512_cvtepi32_epi16(__builtin_bit_cast(__m512i, words)));
#else
  return __builtin_convertvector(words, HalfBits);
#endif
}

// The first `lanes` elements, then zeros.
[[gnu::always_inline]] inline void load(const float* from, std::int64_t lanes, Floats& to) {
  if (lanes >= kLanes) {
    __builtin_memcpy(&to, from, sizeof to);
    return;
  }
  alignas(64) float some[kLanes] = {};
  for (std::int64_t i = 0; i < lanes; ++i) some[i] = from[i];
  __builtin_memcpy(&to, some, sizeof to);
}

[[gnu::always_inline]] inline void load(const Half* from, std::int64_t lanes, Floats& to) {
  HalfBits bits;
  if (lanes >= kLanes) {
    __builtin_memcpy(&bits, from, sizeof bits);
  } else {
    Half some[kLanes] = {};
    for (std::int64_t i = 0; i < lanes; ++i) some[i] = from[i];
    __builtin_memcpy(&bits, some, sizeof bits);
  }
  to = __builtin_bit_cast(Floats, widen(bits) << 16);
}

[[gnu::always_inline]] inline void store(float* to, std::int64_t lanes, Floats value) {
  if (lanes >= kLanes) {
    __builtin_memcpy(to, &value, sizeof value);
    return;
  }
  alignas(64) float some[kLanes];
  __builtin_memcpy(some, &value, sizeof value);
  for (std::int64_t i = 0; i < lanes; ++i) to[i] = some[i];
}

// As as_half().
[[gnu::always_inline]] inline void store(Half* to, std::int64_t lanes, Floats value) {
  const Words bits = __builtin_bit_cast(Words, value);
  const Words rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  const HalfBits halves = narrow(value != value ? Words{} + 0x7fc0U : rounded);
  if (lanes >= kLanes) {
    __builtin_memcpy(to, &halves, sizeof halves);
    return;
  }
  Half some[kLanes];
  __builtin_memcpy(some, &halves, sizeof halves);
  for (std::int64_t i = 0; i < lanes; ++i) to[i] = some[i];
}

// 2^f for f of -1/2 to 1/2, to 2 units in the last place.
[[gnu::always_inline]] inline Floats exp2_fraction(Floats f) {
  Floats p = Floats{} + 1.535336188319500e-4F;
  p = p * f + 1.339887440266574e-3F;
  p = p * f + 9.618437357674640e-3F;
  p = p * f + 5.550332471162809e-2F;
  p = p * f + 2.402264791363012e-1F;
  p = p * f + 6.931472028550421e-1F;
  return p * f + 1.0F;
}

// 2^x; 0 below the normal floats.
[[gnu::always_inline]] inline Floats exp2(Floats x) {
  const Floats least = Floats{} - 127.0F;
  const Floats most = Floats{} + 127.0F;
  x = x > most ? most : x;
#if defined(__AVX512F__)
  x = x < least ? Floats{} - 200.0F : x;
  const Floats whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  return _mm512_scalef_ps(exp2_fraction(x - whole), whole);
#else
  x = x < least ? least : x;
  // Adding 1.5 * 2^23 rounds to a whole number, which the low bits of the sum then hold.
  const Floats shifted = x + 12582912.0F;
  const Words power = (__builtin_bit_cast(Words, shifted) - 0x4b400000U + 127U) << 23;
  return exp2_fraction(x - (shifted - 12582912.0F)) * __builtin_bit_cast(Floats, power);
#endif
}

// 1 / x for x of 1 or more, to a unit in the last place.
[[gnu::always_inline]] inline Floats reciprocal(Floats x) {
#if defined(__AVX512F__)
  const Floats about = _mm512_rcp14_ps(x);
  return about * (2.0F - x * about);
#else
  return 1.0F / x;
#endif
}

inline constexpr float kLog2E = 1.44269504F;

// The lanes' numbers: 0, 1, ...
[[gnu::always_inline]] inline Words lane_numbers() {
  Words numbers = {};
  for (std::uint32_t i = 0; i < kLanes; ++i) numbers[i] = i;
  return numbers;
}

// Lane i is a[index[i]], or b[index[i] - kLanes] where that is past the lanes of a.
[[gnu::always_inline]] inline Floats shuffle(Floats a, Floats b, Words index) {
#if defined(__clang__)
  Floats picked = {};
  for (std::uint32_t i = 0; i < kLanes; ++i) {
    picked[i] = index[i] < kLanes ? a[index[i]] : b[index[i] - kLanes];
  }
  return picked;
#else
  return __builtin_shuffle(a, b, index);
#endif
}

// The lanes combined in pairs, pairs of pairs and so on.
template <typename Combine>
[[gnu::always_inline]] inline float fold(Floats values, const Combine& combine) {
#pragma GCC unroll 4
  for (std::uint32_t half = kLanes / 2; half > 0; half /= 2) {
    values = combine(values, shuffle(values, values, (lane_numbers() + half) % kLanes));
  }
  return values[0];
}

[[gnu::always_inline]] inline float sum_of(Floats values) {
  return fold(values, [](Floats a, Floats b) { return a + b; });
}

[[gnu::always_inline]] inline float most_of(Floats values) {
  return fold(values, [](Floats a, Floats b) { return a > b ? a : b; });
}

// The rows as columns: blocks off the diagonal change places, ever smaller ones.
[[gnu::always_inline]] inline void transpose(Floats (&tile)[kLanes]) {
#pragma GCC unroll 4
  for (std::uint32_t half = kLanes / 2; half > 0; half /= 2) {
    const Words lane = lane_numbers();
    const Words left = (lane & half) == 0 ? lane : lane - half + kLanes;
    const Words right = left + half;
#pragma GCC unroll 16
    for (std::uint32_t i = 0; i < kLanes; ++i) {
      if ((i & half) != 0) continue;
      const Floats above = tile[i];
      const Floats below = tile[i + half];
      tile[i] = shuffle(above, below, left);
      tile[i + half] = shuffle(above, below, right);
    }
  }
}
