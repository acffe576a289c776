// Curves as text: dots of Braille characters, two by four in each. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace mvn {

struct Range {
  double low = 0;
  double high = 0;
};

struct PlotCurve {
  std::vector<std::pair<double, double>> points;  // by x; a NaN breaks the line
};

// Smallest and largest of what is finite; nothing finite: 0 to 0.
Range range_of_x(const std::vector<PlotCurve>& curves);
Range range_of_y(const std::vector<PlotCurve>& curves);

struct PlotFrame {
  Range x;
  Range y;
  std::size_t columns = 80;  // of the whole, labels included
  std::size_t rows = 8;      // of the dots alone
};

// The rows, from above: each begins with its label or the space for it; the last one has the steps.
std::vector<std::string> plot(const PlotCurve& curve, const PlotFrame& frame);

}  // namespace mvn
