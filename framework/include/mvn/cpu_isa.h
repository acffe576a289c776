// The instruction sets that kernels are compiled for, and which of them to use.
#pragma once

#include <optional>
#include <string_view>

namespace mvn {

// Each holds those before it. A file for one is compiled for all of its features and no others
// (cmake/cpu_isa.cmake), so that a processor which lacks one of them must not run it.
enum class CpuIsa {
  kPortable,    // what every processor of the architecture has
  kAvx2,        // AVX2 and FMA
  kAvx512,      // AVX-512 F, DQ, BW, VL
  kAvx512Bf16,  // and BF16
};

// "portable", "avx2", "avx512", "avx512_bf16".
std::string_view name_of(CpuIsa isa);
std::optional<CpuIsa> cpu_isa_named(std::string_view name);

// The best that this processor has, whatever the environment says.
CpuIsa processor_isa();

// The one that kernels are chosen for: the processor's best, or what the environment's MVN_CPU_ISA
// names. Read once. Throws ConfigError where that is no instruction set or one that the processor
// lacks.
CpuIsa best_isa();

// Whether kernels for `isa` may run: it is no better than best_isa().
bool supports(CpuIsa isa);

}  // namespace mvn
