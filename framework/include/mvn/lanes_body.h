// The compiler's vectors of kLanes floats, which the including file defines, and of bfloat16s made
// floats. For kernels that are written once and compiled for several instruction sets.
// Included inside an anonymous namespace of each such file, after mvn/half.h: no function of one
// instruction set may be linked into another's caller. The file for AVX-512 includes <immintrin.h>
// before: g++ 12 makes a detour of the two conversions there.

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

// To the nearest even. A NaN may become infinite, which the trainer finds as well.
[[gnu::always_inline]] inline void store(Half* to, std::int64_t lanes, Floats value) {
  const Words bits = __builtin_bit_cast(Words, value);
  const Words rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  const HalfBits halves = narrow(rounded);
  if (lanes >= kLanes) {
    __builtin_memcpy(to, &halves, sizeof halves);
    return;
  }
  Half some[kLanes];
  __builtin_memcpy(some, &halves, sizeof halves);
  for (std::int64_t i = 0; i < lanes; ++i) to[i] = some[i];
}

// 2^x to 2 units in the last place; 0 below the normal floats.
[[gnu::always_inline]] inline Floats exp2(Floats x) {
  const Floats least = Floats{} - 127.0F;
  const Floats most = Floats{} + 127.0F;
  x = x < least ? least : x;
  x = x > most ? most : x;
  // Adding 1.5 * 2^23 rounds to a whole number, which the low bits of the sum then hold.
  const Floats shifted = x + 12582912.0F;
  const Floats f = x - (shifted - 12582912.0F);  // -1/2 to 1/2
  Floats p = Floats{} + 1.535336188319500e-4F;
  p = p * f + 1.339887440266574e-3F;
  p = p * f + 9.618437357674640e-3F;
  p = p * f + 5.550332471162809e-2F;
  p = p * f + 2.402264791363012e-1F;
  p = p * f + 6.931472028550421e-1F;
  p = p * f + 1.0F;
  const Words power = (__builtin_bit_cast(Words, shifted) - 0x4b400000U + 127U) << 23;
  return p * __builtin_bit_cast(Floats, power);
}

inline constexpr float kLog2E = 1.44269504F;
