#include "common/cpu_isa.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <string>

#include "support/error_of.h"

namespace mvn::test {
namespace {

constexpr std::array kAll = {CpuIsa::kPortable, CpuIsa::kAvx2, CpuIsa::kAvx512,
                             CpuIsa::kAvx512Bf16};

TEST(CpuIsas, AreCalledByTheirNames) {
  for (const auto isa : kAll) EXPECT_EQ(isa, cpu_isa_named(name_of(isa)));
  EXPECT_EQ("avx512_bf16", name_of(CpuIsa::kAvx512Bf16));
  EXPECT_EQ(std::nullopt, cpu_isa_named("AVX2"));
}

TEST(CpuIsas, EachHoldsThoseBeforeIt) {
  for (const auto isa : kAll) EXPECT_EQ(isa <= best_isa(), supports(isa)) << name_of(isa);
  EXPECT_TRUE(supports(CpuIsa::kPortable));
}

TEST(CpuIsas, TheBestIsTheProcessorsOrWhatTheEnvironmentNames) {
  for (const auto isa : kAll) {
    EXPECT_EQ(isa, chosen_isa("", isa));
    EXPECT_EQ(isa, chosen_isa(name_of(isa), CpuIsa::kAvx512Bf16));
    EXPECT_EQ(CpuIsa::kPortable, chosen_isa("portable", isa));
  }
  const char* asked = std::getenv("MVN_CPU_ISA");
  EXPECT_EQ(chosen_isa(asked == nullptr ? "" : asked, processor_isa()), best_isa());
}

TEST(CpuIsas, WhatTheProcessorLacksIsAnError) {
  EXPECT_EQ(
      "the environment's MVN_CPU_ISA is avx512, which this processor lacks: give portable or avx2",
      error_of([] { (void)chosen_isa("avx512", CpuIsa::kAvx2); }));
  EXPECT_EQ("the environment's MVN_CPU_ISA is avx2, which this processor lacks: give portable",
            error_of([] { (void)chosen_isa("avx2", CpuIsa::kPortable); }));
}

TEST(CpuIsas, NonsenseIsAnError) {
  EXPECT_EQ(
      "the environment's MVN_CPU_ISA is 'avx-2', which is no instruction set: give portable, avx2, "
      "avx512 or avx512_bf16",
      error_of([] { (void)chosen_isa("avx-2", CpuIsa::kAvx512); }));
}

}  // namespace
}  // namespace mvn::test
