// One side of a comparison: a program that makes its preparations once and then runs rounds when
// asked, so that benchmarks/compare.py can alternate two sides on the same machine.
#pragma once

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <iomanip>
#include <iostream>
#include <string>

namespace mvn::benchmark {

// Answers each line of standard input with a round: "<seconds> <units of work>". `round` returns
// the units that it did: tokens, say. The seconds are the process's own, all threads together,
// where MVN_ROUND_CLOCK is "processor".
inline void serve_rounds(const std::function<double()>& round) {
  const char* asked = std::getenv("MVN_ROUND_CLOCK");
  const bool processor = asked != nullptr && std::string(asked) == "processor";
  std::cout << std::setprecision(15) << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t processor_start = std::clock();
    const double units = round();
    const auto own = static_cast<double>(std::clock() - processor_start) / CLOCKS_PER_SEC;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::cout << (processor ? own : took.count()) << ' ' << units << std::endl;
  }
}

}  // namespace mvn::benchmark
