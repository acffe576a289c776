// The space that a search draws from: one dimension for each axis.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace mvn {

// A number within bounds, or one of several values. Numbers are normally thought of on the scale
// that `log` says; `low`, `high` and `q` are on the number's own.
struct Dimension {
  std::vector<double> shares;  // of each value, which sum to 1; empty for a number
  bool log = false;
  double low = 0;     // before rounding; -infinity (0 on a log scale) where there is no bound
  double high = 1;    // before rounding; infinity where there is no bound
  double q = 0;       // rounded to multiples of this; 0: not rounded
  double centre = 0;  // of the prior, on the scale
  double spread = 1;  // its standard deviation, or the width of the range
};

// For each dimension the number, or the index of the value.
using Point = std::vector<double>;

// Between bounds, everything equally likely on its scale.
Dimension bounded(double low, double high, bool log, double q);
Dimension categorical(std::vector<double> shares);

// The number on the dimension's scale, within its bounds.
double to_scale(const Dimension& dimension, double number);
// The bounds on the scale.
double scaled_low(const Dimension& dimension);
double scaled_high(const Dimension& dimension);

// Whether two points make the same trial; rounded numbers may differ in their last digit.
bool alike(const std::vector<Dimension>& space, const Point& one, const Point& other);

// How many points there are; nothing where they are not counted: a number is not rounded, has no
// bounds, or there are more than a million.
std::optional<std::int64_t> size_of(const std::vector<Dimension>& space);

// A draw unlike all `earlier` ones, where there is one that is not: the first of `random`'s that
// is, and of a space that is nearly used up one of those that are left. `draw` is the number of the
// draw.
Point fresh_draw(const std::vector<Dimension>& space, const std::vector<Point>& earlier,
                 const std::function<Point(std::int64_t draw)>& random, std::int64_t draw);

// What a draw of `number` becomes: rounded to q, or to twelve digits.
double settled(const Dimension& dimension, double number);

}  // namespace mvn
