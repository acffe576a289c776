// The data behind unicode.h, read off the reference library by make_unicode_tables.py.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace mvn::unicode {

// From `first` on (to the next run) every code point has this value; before the first run, 0.
struct ClassRun {
  char32_t first;
  std::uint8_t value;
};

// The full canonical decomposition, ended by a 0 where it is shorter than four.
struct Decomposition {
  char32_t code_point;
  std::array<char32_t, 4> parts;
};

// A starter and what follows it, and the one code point that both make. Ordered.
struct Composition {
  char32_t first;
  char32_t second;
  char32_t composed;
};

extern const std::span<const ClassRun> kClassRuns;      // bits 0-1: Kind, bit 2: word character
extern const std::span<const ClassRun> kCombiningRuns;  // order of the combining class, 0: starter
extern const std::span<const Decomposition> kDecompositions;
extern const std::span<const Composition> kCompositions;

}  // namespace mvn::unicode
