// Learning curves with fewer points that look the same. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mvn {

// A metric at a step over the seeds of a configuration, as the view `curves` has it; of one trial,
// n is 1 and low and high are its value.
struct CurvePoint {
  std::int64_t step = 0;
  double mean = 0;  // NaN where no seed has a number
  std::int64_t n = 0;
  double sd = 0;  // NaN of one seed
  double low = 0;
  double high = 0;
};
using MetricCurve = std::vector<CurvePoint>;

// At most `most` of its points (two at least), in their order: the first, the last, and between
// them those of the largest triangles (Steinarsson, Downsampling Time Series, 2013), so that peaks
// stay. What is no finite number stays where it begins, as far as there is room.
MetricCurve thinned(const MetricCurve& curve, std::size_t most);

}  // namespace mvn
