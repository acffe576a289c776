#include "orchestrate/page/thinning.h"

#include <algorithm>
#include <cmath>

namespace mvn {
namespace {

double area(const CurvePoint& a, const CurvePoint& b, double step, double mean) {
  const auto x = [](const CurvePoint& point) { return static_cast<double>(point.step); };
  return std::abs((x(a) - step) * (b.mean - a.mean) - (x(a) - x(b)) * (mean - a.mean));
}

// Of points whose means are finite.
MetricCurve largest_triangles(const MetricCurve& curve, std::size_t most) {
  if (curve.size() <= most) return curve;
  MetricCurve kept = {curve.front()};
  const std::size_t inner = curve.size() - 2;
  const std::size_t buckets = most - 2;
  const auto begin_of = [&](std::size_t bucket) { return 1 + bucket * inner / buckets; };
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    // The third corner is the mean of the next bucket, or the last point.
    const std::size_t next = begin_of(bucket + 1);
    const std::size_t after =
        bucket + 1 < buckets ? std::max(begin_of(bucket + 2), next + 1) : curve.size();
    double step = 0;
    double mean = 0;
    for (std::size_t i = next; i < after; ++i) {
      step += static_cast<double>(curve[i].step) / static_cast<double>(after - next);
      mean += curve[i].mean / static_cast<double>(after - next);
    }
    std::size_t best = begin_of(bucket);
    double largest = -1;
    for (std::size_t i = best; i < next; ++i) {
      const double size = area(kept.back(), curve[i], step, mean);
      if (size <= largest) continue;
      largest = size;
      best = i;
    }
    kept.push_back(curve[best]);
  }
  kept.push_back(curve.back());
  return kept;
}

}  // namespace

MetricCurve thinned(const MetricCurve& curve, std::size_t most) {
  if (curve.size() <= most || most < 2) return curve;
  MetricCurve finite;
  MetricCurve begins;  // of what is no number
  for (std::size_t i = 0; i < curve.size(); ++i) {
    if (std::isfinite(curve[i].mean)) {
      finite.push_back(curve[i]);
    } else if (i == 0 || std::isfinite(curve[i - 1].mean)) {
      begins.push_back(curve[i]);
    }
  }
  if (begins.size() > most / 4) begins.resize(most / 4);
  auto kept = largest_triangles(finite, most - begins.size());
  kept.insert(kept.end(), begins.begin(), begins.end());
  std::ranges::stable_sort(kept, {}, &CurvePoint::step);
  return kept;
}

}  // namespace mvn
