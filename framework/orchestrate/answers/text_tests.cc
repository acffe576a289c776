#include "orchestrate/answers/text_tests.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <span>

namespace mvn {
namespace {

// By text, how many of the chosen models of the arm are right about it.
std::vector<std::int64_t> right_by_text(const Rights& arm, std::span<const std::size_t> chosen) {
  std::vector<std::int64_t> counts(arm.front().size());
  for (const std::size_t model : chosen) {
    for (std::size_t text = 0; text < counts.size(); ++text) {
      counts[text] += arm[model][text];
    }
  }
  return counts;
}

// The difference by text in whole numbers: that of the shares, times the models of both.
std::vector<std::int64_t> differences(const Rights& a, std::span<const std::size_t> of_a,
                                      const Rights& b, std::span<const std::size_t> of_b) {
  auto result = right_by_text(a, of_a);
  const auto other = right_by_text(b, of_b);
  for (std::size_t text = 0; text < result.size(); ++text) {
    result[text] = result[text] * std::ssize(b) - other[text] * std::ssize(a);
  }
  return result;
}

std::vector<std::size_t> all_of(const Rights& arm) {
  std::vector<std::size_t> all(arm.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

double scale_of(const Rights& a, const Rights& b) {
  return static_cast<double>(a.size() * b.size() * a.front().size());
}

// As numpy.percentile: between two values in proportion.
double quantile(std::span<const double> ascending, double share) {
  const double at = share * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const auto above = std::min(below + 1, ascending.size() - 1);
  return std::lerp(ascending[below], ascending[above], at - static_cast<double>(below));
}

}  // namespace

ExchangeTest exchange_test(const Rights& a, const Rights& b) {
  const auto by_text = differences(a, all_of(a), b, all_of(b));
  ExchangeTest test;
  test.difference =
      static_cast<double>(std::accumulate(by_text.begin(), by_text.end(), std::int64_t{0})) /
      scale_of(a, b);
  // Their sum over the texts that are a's after an exchange tells all: small numbers do.
  std::int64_t unit = 0;
  for (const auto each : by_text) unit = std::gcd(unit, each);
  std::vector<std::size_t> sizes;
  std::size_t above = 0;
  for (const auto each : by_text) {
    if (each == 0) continue;
    sizes.push_back(static_cast<std::size_t>(std::abs(each / unit)));
    if (each > 0) above += sizes.back();
  }
  if (sizes.empty()) return test;
  test.least = std::min(1.0, std::exp2(1 - static_cast<double>(sizes.size())));
  test.p = two_sided_by_signs(sizes, above);
  return test;
}

TextInterval bootstrap_interval(const Rights& a, const Rights& b) {
  std::mt19937_64 random(20'000);  // NOLINT: the same draws for the same numbers
  const auto draw = [&](std::size_t count) {
    std::vector<std::size_t> drawn(count);
    // The distributions of the standard library differ from one to the next.
    for (auto& each : drawn) each = random() % count;
    return drawn;
  };
  std::vector<double> drawn;
  for (int i = 0; i < kTextDraws; ++i) {
    const auto of_a = draw(a.size());
    const auto of_b = draw(b.size());
    const auto by_text = differences(a, of_a, b, of_b);
    std::int64_t sum = 0;
    for (const std::size_t text : draw(by_text.size())) sum += by_text[text];
    drawn.push_back(static_cast<double>(sum) / scale_of(a, b));
  }
  std::ranges::sort(drawn);
  return {quantile(drawn, 0.025), quantile(drawn, 0.975)};
}

}  // namespace mvn
