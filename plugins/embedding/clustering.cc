#include "clustering.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "peer_random.h"

namespace mvn {
namespace {

using torch::Tensor;
using Rows = std::vector<std::int64_t>;

Tensor chosen_rows(const Tensor& x_ND, const Rows& rows) {
  return x_ND.index_select(0, torch::tensor(rows, torch::kLong));
}

double entropy(const std::map<std::int64_t, double>& counts, double total) {
  double sum = 0;
  for (const auto& entry : counts) sum -= entry.second / total * std::log(entry.second / total);
  return sum;
}

// Of some rows to all, squared; made in float64 and rounded, as sklearn has it for fp32.
class Distances {
 public:
  explicit Distances(const Tensor& x_ND)
      : x_ND_(x_ND.to(torch::kDouble)), squares_N_(x_ND_.square().sum(1)) {}

  [[nodiscard]] Tensor from(const Rows& rows) const {
    const auto index = torch::tensor(rows, torch::kLong);
    const auto products_RN = x_ND_.index_select(0, index).mm(x_ND_.t());
    const auto squares_R1 = squares_N_.index_select(0, index).unsqueeze(1);
    return (squares_R1 + squares_N_ - 2 * products_RN).clamp_min(0).to(torch::kFloat32);
  }

 private:
  Tensor x_ND_;
  Tensor squares_N_;
};

// The first place where the sums of `weights` so far are not below `value`.
std::int64_t place_in_sums(const Tensor& weights_N, double value) {
  const auto* weights = weights_N.const_data_ptr<float>();
  float sum = 0;
  for (std::int64_t i = 0; i < weights_N.size(0); ++i) {
    sum += weights[i];
    if (sum >= value) return i;
  }
  return weights_N.size(0) - 1;
}

// numpy's choice() of rows that are equally likely, which goes by sums of their shares.
class EqualChoice {
 public:
  explicit EqualChoice(std::int64_t rows) {
    const auto share = static_cast<double>(1.0F / static_cast<float>(rows));
    double sum = 0;
    for (std::int64_t i = 0; i < rows; ++i) ends_.push_back(sum += share);
    for (double& end : ends_) end /= sum;
  }

  std::int64_t operator()(NumpyRandom& random) const {
    return std::upper_bound(ends_.begin(), ends_.end(), random.uniform()) - ends_.begin();
  }

 private:
  std::vector<double> ends_;
};

// k-means++: each centre is the best of a few rows, which are the likelier the further they are
// from the centres before.
Tensor first_centres(const Tensor& x_ND, std::int64_t clusters, NumpyRandom& random) {
  const auto tries = 2 + static_cast<std::int64_t>(std::log(static_cast<double>(clusters)));
  const Distances distances(x_ND);
  Rows chosen = {EqualChoice(x_ND.size(0))(random)};
  auto nearest_N = distances.from(chosen)[0];
  double potential = nearest_N.sum().item<float>();
  while (std::ssize(chosen) < clusters) {
    Rows candidates;
    for (std::int64_t i = 0; i < tries; ++i) {
      candidates.push_back(place_in_sums(nearest_N, random.uniform() * potential));
    }
    const auto d_CN = torch::minimum(nearest_N, distances.from(candidates));
    const auto potentials = d_CN.sum(1);
    const auto best = potentials.argmin().item<std::int64_t>();
    potential = potentials[best].item<float>();
    nearest_N = d_CN[best];
    chosen.push_back(candidates[static_cast<std::size_t>(best)]);
  }
  return chosen_rows(x_ND, chosen);
}

Tensor nearest_centres(const Tensor& x_ND, const Tensor& centres_CD) {
  return torch::addmm(centres_CD.square().sum(1), x_ND, centres_CD.t(), 1, -2).argmin(1);
}

class MiniBatches {
 public:
  MiniBatches(const Tensor& x_ND, std::int64_t clusters, std::int64_t batch, std::uint32_t seed)
      : x_ND_(x_ND.to(torch::kFloat32).contiguous()),
        rows_(x_ND.size(0)),
        batch_(std::min(batch, rows_)),
        clusters_(clusters),
        random_(seed),
        counts_(torch::zeros({clusters})) {}

  std::vector<std::int64_t> run() {
    initialise();
    const EqualChoice choice(rows_);
    constexpr std::int64_t kMostPasses = 100;
    const std::int64_t steps = kMostPasses * rows_ / batch_;
    for (std::int64_t step = 0; step < steps; ++step) {
      Rows drawn;
      for (std::int64_t i = 0; i < batch_; ++i) drawn.push_back(choice(random_));
      const double inertia = improve(chosen_rows(x_ND_, drawn));
      if (step > 0 && no_longer_improves(inertia / static_cast<double>(batch_))) break;
    }
    const auto labels = nearest_centres(x_ND_, centres_CD_).contiguous();
    const auto* first = labels.const_data_ptr<std::int64_t>();
    return {first, first + rows_};
  }

 private:
  Rows some_rows(std::int64_t count) {
    Rows rows;
    for (std::int64_t i = 0; i < count; ++i) rows.push_back(random_.below(rows_));
    return rows;
  }

  void initialise() {
    std::int64_t size = 3 * batch_;
    if (size < clusters_) size = 3 * clusters_;
    size = std::min(size, rows_);
    some_rows(size);  // on which several initialisations would be compared
    centres_CD_ = first_centres(size < rows_ ? chosen_rows(x_ND_, some_rows(size)) : x_ND_,
                                clusters_, random_);
  }

  // One step; returns the sum of the squared distances before it.
  double improve(const Tensor& x_BD) {
    const bool moves = moves_lost_centres();
    const auto labels_B = nearest_centres(x_BD, centres_CD_);
    const auto nearest_BD = centres_CD_.index_select(0, labels_B);
    const double inertia = (x_BD - nearest_BD).square().sum(torch::kDouble).item<double>();
    // Every centre is the mean of all rows that it was ever nearest to.
    const auto added = torch::zeros_like(counts_).index_add_(0, labels_B, torch::ones({batch_}));
    const auto counts = counts_ + added;
    const auto sums = (centres_CD_ * counts_.unsqueeze(1)).index_add_(0, labels_B, x_BD);
    centres_CD_ =
        torch::where(added.unsqueeze(1) > 0, sums * counts.reciprocal().unsqueeze(1), centres_CD_);
    counts_ = counts;
    if (moves) move_lost_centres(x_BD);
    return inertia;
  }

  // After every ten rows a centre, and while there are centres without a row.
  bool moves_lost_centres() {
    since_moved_ += batch_;
    if (since_moved_ < 10 * clusters_ && (counts_ > 0).all().item<bool>()) return false;
    since_moved_ = 0;
    return true;
  }

  // Centres of next to no rows become rows of the batch, at most half of it. Which, where more are
  // equally small, scikit-learn leaves to numpy's sort, and so to the processor.
  void move_lost_centres(const Tensor& x_BD) {
    constexpr float kShare = 0.01F;
    auto lost_C = counts_ < kShare * counts_.max();
    const auto most = batch_ / 2;
    if (2 * lost_C.sum().item<std::int64_t>() > batch_) {
      lost_C.index_fill_(
          0, counts_.argsort(/*stable=*/true, 0, /*descending=*/false).slice(0, most), false);
    }
    const auto places = lost_C.nonzero().squeeze(1);
    if (places.size(0) == 0) return;
    Rows rows(static_cast<std::size_t>(batch_));
    std::iota(rows.begin(), rows.end(), 0);
    random_.shuffle(rows);
    rows.resize(static_cast<std::size_t>(places.size(0)));
    centres_CD_.index_copy_(0, places, chosen_rows(x_BD, rows));
    counts_.masked_fill_(lost_C, counts_.masked_select(lost_C.logical_not()).min().item<float>());
  }

  // Whether the mean distance, smoothed, has had no new minimum for ten steps.
  bool no_longer_improves(double inertia) {
    constexpr int kPatience = 10;
    const double share =
        std::min(1.0, static_cast<double>(batch_) * 2.0 / static_cast<double>(rows_ + 1));
    smoothed_ = smoothed_ ? *smoothed_ * (1 - share) + inertia * share : inertia;
    if (*smoothed_ < least_) {
      least_ = *smoothed_;
      without_ = 0;
      return false;
    }
    return ++without_ >= kPatience;
  }

  Tensor x_ND_;
  std::int64_t rows_;
  std::int64_t batch_;
  std::int64_t clusters_;
  NumpyRandom random_;
  Tensor centres_CD_;
  Tensor counts_;  // of the rows that each centre was nearest to
  std::int64_t since_moved_ = 0;
  std::optional<double> smoothed_;
  double least_ = std::numeric_limits<double>::infinity();
  int without_ = 0;
};

}  // namespace

double v_measure(std::span<const std::int64_t> labels, std::span<const std::int64_t> clusters) {
  const auto total = static_cast<double>(labels.size());
  std::map<std::int64_t, double> of_labels;
  std::map<std::int64_t, double> of_clusters;
  std::map<std::pair<std::int64_t, std::int64_t>, double> of_both;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    ++of_labels[labels[i]];
    ++of_clusters[clusters[i]];
    ++of_both[{labels[i], clusters[i]}];
  }
  double shared = 0;  // mutual information
  for (const auto& entry : of_both) {
    const double expected = of_labels[entry.first.first] * of_clusters[entry.first.second] / total;
    shared += entry.second / total * std::log(entry.second / expected);
  }
  const double label_entropy = entropy(of_labels, total);
  const double cluster_entropy = entropy(of_clusters, total);
  const double homogeneity = label_entropy > 0 ? shared / label_entropy : 1;
  const double completeness = cluster_entropy > 0 ? shared / cluster_entropy : 1;
  if (homogeneity + completeness == 0) return 0;
  return 2 * homogeneity * completeness / (homogeneity + completeness);
}

std::vector<std::int64_t> mini_batch_kmeans(const Tensor& x_ND, std::int64_t clusters,
                                            std::int64_t batch, std::uint32_t seed) {
  const torch::NoGradGuard no_grad;
  return MiniBatches(x_ND, clusters, batch, seed).run();
}

}  // namespace mvn
