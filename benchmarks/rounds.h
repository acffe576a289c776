// One side of a comparison: a program that makes its preparations once and then runs rounds when
// asked, so that benchmarks/compare.py can alternate two sides on the same machine.
#pragma once

#include <chrono>
#include <functional>
#include <iomanip>
#include <iostream>
#include <string>

namespace mvn::benchmark {

// Answers each line of standard input with a round: "<seconds> <units of work>". `round` returns
// the units that it did: tokens, say.
inline void serve_rounds(const std::function<double()>& round) {
  std::cout << std::setprecision(15) << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    const double units = round();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::cout << took.count() << ' ' << units << std::endl;
  }
}

}  // namespace mvn::benchmark
