#include "confusion.h"

#include <algorithm>
#include <cmath>

namespace mvn {
namespace {

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Confusion::Confusion(std::int64_t classes)
    : classes_(classes), counts_(static_cast<std::size_t>(classes * classes)) {}

void Confusion::add(std::int64_t label, std::int64_t predicted) {
  ++counts_.at(static_cast<std::size_t>(label * classes_ + predicted));
  ++total_;
}

std::int64_t Confusion::count(std::int64_t label, std::int64_t predicted) const {
  return counts_[static_cast<std::size_t>(label * classes_ + predicted)];
}

std::int64_t Confusion::labelled(std::int64_t label) const {
  std::int64_t sum = 0;
  for (std::int64_t other = 0; other < classes_; ++other) sum += count(label, other);
  return sum;
}

std::int64_t Confusion::predicted(std::int64_t label) const {
  std::int64_t sum = 0;
  for (std::int64_t other = 0; other < classes_; ++other) sum += count(other, label);
  return sum;
}

double Confusion::accuracy() const {
  std::int64_t right = 0;
  for (std::int64_t c = 0; c < classes_; ++c) right += count(c, c);
  return share(right, total_);
}

double Confusion::majority() const {
  std::int64_t most = 0;
  for (std::int64_t c = 0; c < classes_; ++c) most = std::max(most, labelled(c));
  return share(most, total_);
}

double Confusion::macro_f1() const {
  double sum = 0;
  std::int64_t present = 0;
  for (std::int64_t c = 0; c < classes_; ++c) {
    const auto both = labelled(c) + predicted(c);
    if (both == 0) continue;
    ++present;
    sum += share(2 * count(c, c), both);
  }
  return present == 0 ? 0 : sum / static_cast<double>(present);
}

// Gorodkin 2004, in counts: (c s - sum p t) / sqrt((s^2 - sum p^2)(s^2 - sum t^2)).
double Confusion::matthews() const {
  const auto s = static_cast<double>(total_);
  double pt = 0;
  double pp = 0;
  double tt = 0;
  for (std::int64_t k = 0; k < classes_; ++k) {
    const auto p = static_cast<double>(predicted(k));
    const auto t = static_cast<double>(labelled(k));
    pt += p * t;
    pp += p * p;
    tt += t * t;
  }
  const double right = accuracy() * s;
  const double scale = std::sqrt((s * s - pp) * (s * s - tt));
  return scale == 0 ? 0 : (right * s - pt) / scale;
}

}  // namespace mvn
