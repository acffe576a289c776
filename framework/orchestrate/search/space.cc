#include "orchestrate/search/space.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mvn {
namespace {

// A zero, to which small numbers round, stands for those.
double logarithm(const Dimension& dimension, double number) {
  return std::log(number > 0 || dimension.q == 0 ? number : dimension.q / 4);
}

}  // namespace

Dimension bounded(double low, double high, bool log, double q) {
  Dimension dimension{{}, log, low, high, q, 0, 0};
  dimension.centre = (scaled_low(dimension) + scaled_high(dimension)) / 2;
  dimension.spread = scaled_high(dimension) - scaled_low(dimension);
  return dimension;
}

Dimension categorical(std::vector<double> shares) {
  Dimension dimension;
  dimension.shares = std::move(shares);
  return dimension;
}

double to_scale(const Dimension& dimension, double number) {
  const double scaled = dimension.log ? logarithm(dimension, number) : number;
  return std::clamp(scaled, scaled_low(dimension), scaled_high(dimension));
}

double scaled_low(const Dimension& dimension) {
  return dimension.log ? std::log(dimension.low) : dimension.low;
}

double scaled_high(const Dimension& dimension) {
  return dimension.log ? std::log(dimension.high) : dimension.high;
}

double settled(const Dimension& dimension, double number) {
  const double within = std::clamp(number, dimension.low, dimension.high);
  if (dimension.q == 0) return within;
  double multiple = std::round(within / dimension.q);
  // At a bound between two multiples the one outside has nothing of the range.
  if ((multiple - 0.5) * dimension.q >= dimension.high) --multiple;
  if ((multiple + 0.5) * dimension.q <= dimension.low) ++multiple;
  return multiple * dimension.q;
}

}  // namespace mvn
