// Matrix products of bfloat16 on processors that have none of their own.
#pragma once

namespace mvn {

// True where the processor multiplies bfloat16 and oneDNN uses it: on x86 with AVX-512's BF16,
// within MVN_CPU_ISA and oneDNN's own limit (ONEDNN_MAX_CPU_ISA). On other AVX-512 oneDNN makes up
// for it, which takes three times as long as float32; elsewhere LibTorch adds up one product after
// the other, which takes 25 times as long.
bool has_bf16_products();

// Where there are none, lets LibTorch's matrix products of bfloat16 tensors on the CPU run in
// float32 from now on: operands are widened, which is exact, and the result is rounded once, as a
// processor with such products rounds it. For the whole process; more calls do nothing.
void widen_bf16_products();

}  // namespace mvn
