// The choice behind mvn/cpu_isa.h, for tests.
#pragma once

#include <string_view>

#include "mvn/cpu_isa.h"

namespace mvn {

// What MVN_CPU_ISA=`asked` asks for on a processor whose best is `processor`; throws ConfigError as
// best_isa() does. Empty asks for the best.
CpuIsa chosen_isa(std::string_view asked, CpuIsa processor);

}  // namespace mvn
