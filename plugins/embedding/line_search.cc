#include "line_search.h"

#include <algorithm>
#include <cmath>

namespace mvn {
namespace {

// As L-BFGS-B sets them.
constexpr double kDecrease = 1e-3;  // of the value, as a share of what the slope promises
constexpr double kCurvature = 0.9;  // of the slope that may be left
constexpr double kNarrow = 0.1;     // an interval that is narrow enough, relative to its end
constexpr double kShrinks = 0.66;   // an interval in two steps, or it is halved

// Of the cubic through two points with these slopes, what its minimum is computed from. Rounding
// may leave it none.
struct Cubic {
  double theta;
  double gamma;
};

Cubic cubic(double value_a, double slope_a, double step_a, double value_b, double slope_b,
            double step_b, bool may_have_none) {
  const double theta = 3 * (value_a - value_b) / (step_b - step_a) + slope_a + slope_b;
  const double scale = std::max({std::abs(theta), std::abs(slope_a), std::abs(slope_b)});
  double inside = (theta / scale) * (theta / scale) - (slope_a / scale) * (slope_b / scale);
  if (may_have_none) inside = std::max(0.0, inside);
  return {theta, scale * std::sqrt(inside)};
}

}  // namespace

LineSearch::LineSearch(double value, double slope, double step)
    : first_value_(value),
      first_slope_(slope),
      step_(step),
      best_{0, value, slope},
      other_{0, value, slope},
      most_(5 * step),
      width_(kLongest),
      width_before_(2 * kLongest) {}

bool LineSearch::is_over(double value, double slope, double enough) const {
  if (bracketed_ && (step_ <= least_ || step_ >= most_)) return true;
  if (bracketed_ && most_ - least_ <= kNarrow * most_) return true;
  const double promised = kDecrease * first_slope_;
  if (step_ == kLongest && value <= enough && slope <= promised) return true;
  if (step_ == 0 && (value > enough || slope >= promised)) return true;
  return value <= enough && std::abs(slope) <= kCurvature * -first_slope_;
}

bool LineSearch::take(double value, double slope) {
  const double promised = kDecrease * first_slope_;
  const double enough = first_value_ + step_ * promised;
  if (value <= enough && slope >= 0) second_stage_ = true;
  if (is_over(value, slope, enough)) return true;
  if (!second_stage_ && value <= best_.value && value > enough) {
    // Of a function from which the promise has been taken away.
    const auto without = [&](Point point, double sign) {
      return Point{point.step, point.value - sign * point.step * promised,
                   point.slope - sign * promised};
    };
    best_ = without(best_, 1);
    other_ = without(other_, 1);
    choose(without({step_, value, slope}, 1));
    best_ = without(best_, -1);
    other_ = without(other_, -1);
  } else {
    choose({step_, value, slope});
  }
  if (bracketed_) {
    const double width = std::abs(other_.step - best_.step);
    if (width >= kShrinks * width_before_) step_ = best_.step + 0.5 * (other_.step - best_.step);
    width_before_ = width_;
    width_ = width;
    least_ = std::min(best_.step, other_.step);
    most_ = std::max(best_.step, other_.step);
  } else {
    least_ = step_ + 1.1 * (step_ - best_.step);
    most_ = step_ + 4 * (step_ - best_.step);
  }
  step_ = std::clamp(step_, 0.0, kLongest);
  const bool no_further = step_ <= least_ || step_ >= most_ || most_ - least_ <= kNarrow * most_;
  if (bracketed_ && no_further) step_ = best_.step;
  return false;
}

// Takes a point into the interval, and sets the step to the next one.
void LineSearch::choose(Point tried) {
  const double sign = tried.slope * (best_.slope / std::abs(best_.slope));
  const bool was_bracketed = bracketed_;
  const bool higher = tried.value > best_.value;
  if (higher || sign < 0) bracketed_ = true;
  step_ = next_step(best_, other_, tried, was_bracketed, least_, most_);
  if (higher) {
    other_ = tried;
    return;
  }
  if (sign < 0) other_ = best_;
  best_ = tried;
}

double LineSearch::next_step(const Point& best, const Point& other, const Point& tried,
                             bool bracketed, double least, double most) {
  const double sign = tried.slope * (best.slope / std::abs(best.slope));
  if (tried.value > best.value) {
    auto [theta, gamma] =
        cubic(best.value, best.slope, best.step, tried.value, tried.slope, tried.step, false);
    if (tried.step < best.step) gamma = -gamma;
    const double share =
        ((gamma - best.slope) + theta) / (((gamma - best.slope) + gamma) + tried.slope);
    const double by_cubic = best.step + share * (tried.step - best.step);
    const double by_square =
        best.step +
        ((best.slope / ((best.value - tried.value) / (tried.step - best.step) + best.slope)) / 2) *
            (tried.step - best.step);
    const bool closer = std::abs(by_cubic - best.step) < std::abs(by_square - best.step);
    return closer ? by_cubic : by_cubic + (by_square - by_cubic) / 2;
  }
  const double by_secant =
      tried.step + (tried.slope / (tried.slope - best.slope)) * (best.step - tried.step);
  if (sign < 0) {
    auto [theta, gamma] =
        cubic(best.value, best.slope, best.step, tried.value, tried.slope, tried.step, false);
    if (tried.step > best.step) gamma = -gamma;
    const double share =
        ((gamma - tried.slope) + theta) / (((gamma - tried.slope) + gamma) + best.slope);
    const double by_cubic = tried.step + share * (best.step - tried.step);
    const bool further = std::abs(by_cubic - tried.step) > std::abs(by_secant - tried.step);
    return further ? by_cubic : by_secant;
  }
  if (std::abs(tried.slope) < std::abs(best.slope)) {
    auto [theta, gamma] =
        cubic(best.value, best.slope, best.step, tried.value, tried.slope, tried.step, true);
    if (tried.step > best.step) gamma = -gamma;
    const double share =
        ((gamma - tried.slope) + theta) / ((gamma + (best.slope - tried.slope)) + gamma);
    double by_cubic = tried.step > best.step ? most : least;
    if (share < 0 && gamma != 0) by_cubic = tried.step + share * (best.step - tried.step);
    const bool closer = std::abs(by_cubic - tried.step) < std::abs(by_secant - tried.step);
    if (!bracketed) return std::clamp(closer ? by_secant : by_cubic, least, most);
    const double step = closer ? by_cubic : by_secant;
    const double limit = tried.step + kShrinks * (other.step - tried.step);
    return tried.step > best.step ? std::min(limit, step) : std::max(limit, step);
  }
  if (!bracketed) return tried.step > best.step ? most : least;
  auto [theta, gamma] =
      cubic(tried.value, tried.slope, tried.step, other.value, other.slope, other.step, false);
  if (tried.step > other.step) gamma = -gamma;
  const double share =
      ((gamma - tried.slope) + theta) / (((gamma - tried.slope) + gamma) + other.slope);
  return tried.step + share * (other.step - tried.step);
}

}  // namespace mvn
