// The line search of Moré and Thuente, as MINPACK-2 and scipy's L-BFGS-B have it (dcsrch, dcstep).
#pragma once

namespace mvn {

class LineSearch {
 public:
  static constexpr double kLongest = 1e10;  // step

  // From where the value and the slope along the line are these; `step` is the first to try.
  LineSearch(double value, double slope, double step);

  // What is to be tried next.
  [[nodiscard]] double step() const { return step_; }
  // Takes value and slope at step(); true where the search is over, and step() its result.
  bool take(double value, double slope);

 private:
  struct Point {
    double step = 0;
    double value = 0;
    double slope = 0;
  };

  [[nodiscard]] bool is_over(double value, double slope, double enough) const;
  void choose(Point tried);
  static double next_step(const Point& best, const Point& other, const Point& tried, bool bracketed,
                          double least, double most);

  double first_value_;
  double first_slope_;
  double step_;
  bool bracketed_ = false;
  bool second_stage_ = false;
  Point best_;
  Point other_;  // the other end of the interval
  double least_ = 0;
  double most_;
  double width_;
  double width_before_;
};

}  // namespace mvn
