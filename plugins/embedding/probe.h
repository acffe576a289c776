// MTEB's classification: logistic regression on a few vectors of each label, drawn several times.
#pragma once

#include <cstdint>
#include <vector>

#include "mvn/torch.h"

namespace mvn {

// Which training rows each draw takes: at most `per_label` of each label. One list of all rows is
// shuffled again for each draw, with numpy's seed 42 each time, and its first rows of each label
// are taken (mteb, AbsTaskClassification).
std::vector<std::vector<std::int64_t>> probe_draws(const std::vector<std::int64_t>& labels,
                                                   std::int64_t per_label, std::int64_t draws);

// The labels that scikit-learn's LogisticRegression() (C 1, L2, an intercept) gives `test_ND` after
// `train_ND`, whose labels are 0 .. classes - 1: of two labels a logistic function, of more a
// softmax. It ends where scikit-learn's solver does, short of the optimum (minimize.h); in float64,
// where scikit-learn computes in the precision of the vectors.
std::vector<std::int64_t> logistic_regression(const torch::Tensor& train_ND,
                                              const std::vector<std::int64_t>& labels,
                                              std::int64_t classes, const torch::Tensor& test_ND);

}  // namespace mvn
