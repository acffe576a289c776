// Which rows of a file are used: samples and splits with the classes in proportion. Pure functions,
// the same for the same rows and seed on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mvn {

// Of rows with these labels, the indices of `count` (of all where there are no more), each class in
// proportion; ascending.
std::vector<std::size_t> stratified_sample(const std::vector<std::string>& labels,
                                           std::size_t count, std::int64_t seed);

// At most `most` of each class; ascending.
std::vector<std::size_t> sample_per_class(const std::vector<std::string>& labels, std::size_t most,
                                          std::int64_t seed);

}  // namespace mvn
