// How well clusters of vectors are those that people made, as MTEB measures it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mvn/torch.h"

namespace mvn {

// The harmonic mean of homogeneity and completeness of two groupings of the same things (Rosenberg
// and Hirschberg 2007; sklearn.metrics.v_measure_score), from 0 to 1.
double v_measure(std::span<const std::int64_t> labels, std::span<const std::int64_t> clusters);

// The cluster of each row of x_ND (fp32), from 0 to clusters - 1, at most N: mini-batch k-means
// with `batch` rows a step, as sklearn.cluster.MiniBatchKMeans(n_clusters=clusters,
// batch_size=batch, n_init=1, random_state=seed).fit_predict(x_ND) finds them: by the same random
// numbers, and but for the last bits of its sums the same steps.
std::vector<std::int64_t> mini_batch_kmeans(const torch::Tensor& x_ND, std::int64_t clusters,
                                            std::int64_t batch, std::uint32_t seed);

}  // namespace mvn
