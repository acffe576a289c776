#include "common/cpu_isa.h"

#include <array>
#include <cstddef>
#include <cstdlib>
#include <string>

#include "mvn/error.h"

namespace mvn {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"portable", "avx2", "avx512", "avx512_bf16"};

// "portable, avx2 or avx512" up to `last`.
std::string names_up_to(CpuIsa last) {
  const auto count = static_cast<std::size_t>(last) + 1;
  std::string text(kNames[0]);
  for (std::size_t i = 1; i < count; ++i) {
    text.append(i + 1 == count ? " or " : ", ").append(kNames[i]);
  }
  return text;
}

}  // namespace

std::string_view name_of(CpuIsa isa) { return kNames.at(static_cast<std::size_t>(isa)); }

std::optional<CpuIsa> cpu_isa_named(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<CpuIsa>(i);
  }
  return std::nullopt;
}

// All that a file is compiled for, and that the system keeps the registers.
CpuIsa processor_isa() {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return CpuIsa::kPortable;
  const bool has_512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  if (!has_512) return CpuIsa::kAvx2;
  return __builtin_cpu_supports("avx512bf16") ? CpuIsa::kAvx512Bf16 : CpuIsa::kAvx512;
#else
  return CpuIsa::kPortable;
#endif
}

CpuIsa chosen_isa(std::string_view asked, CpuIsa processor) {
  if (asked.empty()) return processor;
  const auto isa = cpu_isa_named(asked);
  if (!isa) {
    throw ConfigError("", "the environment's MVN_CPU_ISA is '" + std::string(asked) +
                              "', which is no instruction set: give " +
                              names_up_to(CpuIsa::kAvx512Bf16));
  }
  if (*isa > processor) {
    throw ConfigError("", "the environment's MVN_CPU_ISA is " + std::string(asked) +
                              ", which this processor lacks: give " + names_up_to(processor));
  }
  return *isa;
}

CpuIsa best_isa() {
  static const CpuIsa best = [] {
    const char* asked = std::getenv("MVN_CPU_ISA");
    return chosen_isa(asked == nullptr ? "" : asked, processor_isa());
  }();
  return best;
}

bool supports(CpuIsa isa) { return isa <= best_isa(); }

}  // namespace mvn
