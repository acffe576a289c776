#include "orchestrate/process/killed_for_memory.h"

#include <fstream>
#include <string>

namespace mvn {

std::int64_t killed_for_memory_here() {
  std::ifstream counters("/proc/vmstat");
  std::string name;
  std::int64_t count = 0;
  while (counters >> name >> count) {
    if (name == "oom_kill") return count;
  }
  return 0;
}

}  // namespace mvn
