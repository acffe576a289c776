// main() of the tests of kernels. With --lower-isa they run only where MVN_CPU_ISA asks for less
// than the processor has: otherwise the run without it is the same, or none can be.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mvn/cpu_isa.h"

namespace {

constexpr int kSkipped = 4;

// Why there is nothing to run, or "".
std::string reason_to_skip() {
  const char* asked = std::getenv("MVN_CPU_ISA");
  const auto isa = mvn::cpu_isa_named(asked == nullptr ? "" : asked);
  if (!isa || *isa < mvn::processor_isa()) return {};
  const std::string name(mvn::name_of(*isa));
  if (*isa == mvn::processor_isa()) {
    return name + " is the best of this processor, which the other tests take";
  }
  return "this processor has no " + name;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1 && std::string_view(argv[1]) == "--lower-isa") {
    if (const auto reason = reason_to_skip(); !reason.empty()) {
      std::printf("skipped: %s\n", reason.c_str());
      return kSkipped;
    }
  }
  return RUN_ALL_TESTS();
}
