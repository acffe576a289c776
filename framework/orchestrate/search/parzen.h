// A Parzen estimator over a space: a mixture of one kernel for each point and one for the prior.
// A kernel is a product over the dimensions: normal on the dimension's scale, truncated to its
// bounds and rounded to its q; or a categorical one that favours the point's value.
// (Bergstra et al. 2011, Algorithms for Hyper-Parameter Optimization; multivariate as in Falkner et
// al. 2018, BOHB. Widths, weights and the clip of the widths as Optuna's TPESampler has them.)
#pragma once

#include <random>
#include <vector>

#include "orchestrate/search/space.h"

namespace mvn {

// Uniform in (0, 1), the same on every machine.
double uniform(std::mt19937_64& random);

class ParzenEstimator {
 public:
  // `points` in the order in which they were drawn: of more than 25, older ones count less.
  ParzenEstimator(const std::vector<Dimension>& space, const std::vector<Point>& points);

  [[nodiscard]] Point sample(std::mt19937_64& random) const;
  // The density at a point that sample() may return, up to a constant for each dimension.
  [[nodiscard]] double log_density(const Point& point) const;

 private:
  struct Normal {
    double mean;
    double width;
  };
  // The kernels of a dimension; of the two lists the one of the dimension's kind is filled.
  struct Kernels {
    std::vector<Normal> normals;
    std::vector<std::vector<double>> shares;
  };

  static Kernels normal_kernels(const Dimension& dimension, std::vector<double> means);
  static Kernels categorical_kernels(const Dimension& dimension, const std::vector<double>& values);
  [[nodiscard]] double log_kernel(std::size_t dimension, std::size_t kernel, double number) const;

  const std::vector<Dimension>& space_;
  std::vector<double> weights_;  // of the kernels, the prior's last
  std::vector<Kernels> kernels_;
};

}  // namespace mvn
