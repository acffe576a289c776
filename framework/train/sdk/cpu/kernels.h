// What models compute between their products, on a CPU: written once over the compiler's vectors,
// compiled for each instruction set, and picked at run time. No LibTorch here: a header's inline
// functions must not be compiled for an instruction set that the machine may lack.
#pragma once

#include <cstdint>

#include "mvn/half.h"

namespace mvn {

// One head's queries and keys in a sequence, rows of packed matrices. Key i has position i, query i
// position `first` + i; a query sees the keys up to its own position, the last `window` of them.
struct HeadSpan {
  std::int64_t queries;
  std::int64_t keys;
  std::int64_t first;
  std::int64_t window;
  std::int64_t width;   // of the head
  std::int64_t stride;  // from one row to the next, of all matrices
  float scale;
};

// The floats that attend() and attend_backward() work in.
std::int64_t attention_scratch(std::int64_t queries, std::int64_t keys, std::int64_t width);

template <typename Real>
struct TypedKernels {
  // y = softmax(scale q k^T) v over the visible keys.
  void (*attend)(const HeadSpan& span, const Real* q, const Real* k, const Real* v, Real* y,
                 float* scratch);
  // The gradients of q, k and v from that of y.
  void (*attend_backward)(const HeadSpan& span, const Real* q, const Real* k, const Real* v,
                          const Real* dy, Real* dq, Real* dk, Real* dv, float* scratch);
  // y = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
  void (*gelu)(const Real* x, Real* y, std::int64_t count);
  void (*gelu_backward)(const Real* x, const Real* dy, Real* dx, std::int64_t count);
};

struct NormShape {
  std::int64_t rows;
  std::int64_t width;
  float epsilon;
};

// Of x [rows, width], whose type may be wider than that of the weight [width] and of y.
template <typename In, typename Out>
struct NormKernels {
  // y = x scale, rounded to its type, times the weight; scale = 1 / sqrt(mean(x^2) + epsilon), of
  // which `scales` takes each row's.
  void (*forward)(const NormShape& shape, const In* x, const Out* weight, Out* y, float* scales);
  // The gradient of x from that of y.
  void (*backward)(const NormShape& shape, const In* x, const Out* weight, const Out* dy,
                   const float* scales, In* dx);
};

struct CpuKernels {
  const char* name;
  TypedKernels<float> floats;
  TypedKernels<Half> halves;
  NormKernels<float, float> norm_floats;
  NormKernels<float, Half> norm_floats_to_halves;
  NormKernels<Half, Half> norm_halves;
};

extern const CpuKernels kCpuPortable;  // right everywhere
extern const CpuKernels kCpuAvx2;
extern const CpuKernels kCpuAvx512;

// Those for the best instruction set (mvn/cpu_isa.h).
const CpuKernels& cpu_kernels();

}  // namespace mvn
