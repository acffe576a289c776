#include "orchestrate/search/space.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mvn {
namespace {

// A zero, to which small numbers round, stands for those.
double logarithm(const Dimension& dimension, double number) {
  return std::log(number > 0 || dimension.q == 0 ? number : dimension.q / 4);
}

constexpr double kMostCounted = 1e6;
constexpr std::int64_t kRedraws = 100;

// The numbers of a dimension; nothing where they are not counted.
std::optional<std::vector<double>> numbers_of(const Dimension& dimension) {
  std::vector<double> numbers;
  for (std::size_t i = 0; i < dimension.shares.size(); ++i) {
    if (dimension.shares[i] > 0) numbers.push_back(static_cast<double>(i));
  }
  if (!dimension.shares.empty()) return numbers;
  const double first = settled(dimension, dimension.low);
  const double last = settled(dimension, dimension.high);
  if (first == last) return std::vector{first};
  if (dimension.q == 0 || !(last - first <= kMostCounted * dimension.q)) return std::nullopt;
  const auto steps = std::llround((last - first) / dimension.q);
  for (std::int64_t i = 0; i <= steps; ++i) {
    numbers.push_back(settled(dimension, first + static_cast<double>(i) * dimension.q));
  }
  return numbers;
}

// The points that are like none of `earlier`, of a space that is counted.
std::vector<Point> points_left(const std::vector<Dimension>& space,
                               const std::vector<Point>& earlier) {
  std::vector<Point> points(1);
  for (const Dimension& dimension : space) {
    std::vector<Point> longer;
    const auto numbers = numbers_of(dimension).value_or(std::vector<double>());
    for (const double number : numbers) {
      for (const Point& point : points) {
        longer.push_back(point);
        longer.back().push_back(number);
      }
    }
    points = std::move(longer);
  }
  std::erase_if(points, [&](const Point& point) {
    return std::ranges::any_of(earlier,
                               [&](const Point& each) { return alike(space, each, point); });
  });
  return points;
}

}  // namespace

bool alike(const std::vector<Dimension>& space, const Point& one, const Point& other) {
  for (std::size_t d = 0; d < space.size(); ++d) {
    const double room = space[d].q / 2;
    if (one[d] != other[d] && std::abs(one[d] - other[d]) >= room) return false;
  }
  return true;
}

std::optional<std::int64_t> size_of(const std::vector<Dimension>& space) {
  double size = 1;
  for (const Dimension& dimension : space) {
    const auto numbers = numbers_of(dimension);
    if (!numbers) return std::nullopt;
    size *= static_cast<double>(numbers->size());
    if (size > kMostCounted) return std::nullopt;
  }
  return static_cast<std::int64_t>(size);
}

Point fresh_draw(const std::vector<Dimension>& space, const std::vector<Point>& earlier,
                 const std::function<Point(std::int64_t draw)>& random, std::int64_t draw) {
  for (std::int64_t again = 0; again < kRedraws; ++again) {
    // Numbers that no draw has.
    Point point = random(draw + (again << 32U));
    const bool fresh =
        std::ranges::none_of(earlier, [&](const Point& each) { return alike(space, each, point); });
    if (fresh) return point;
  }
  if (!size_of(space)) return random(draw);
  const auto left = points_left(space, earlier);
  return left.empty() ? random(draw) : left[static_cast<std::size_t>(draw) % left.size()];
}

Dimension bounded(double low, double high, bool log, double q) {
  Dimension dimension{{}, log, low, high, q, 0, 0};
  dimension.centre = (scaled_low(dimension) + scaled_high(dimension)) / 2;
  dimension.spread = scaled_high(dimension) - scaled_low(dimension);
  return dimension;
}

Dimension categorical(std::vector<double> shares) {
  Dimension dimension;
  dimension.shares = std::move(shares);
  return dimension;
}

double to_scale(const Dimension& dimension, double number) {
  const double scaled = dimension.log ? logarithm(dimension, number) : number;
  return std::clamp(scaled, scaled_low(dimension), scaled_high(dimension));
}

double scaled_low(const Dimension& dimension) {
  return dimension.log ? std::log(dimension.low) : dimension.low;
}

double scaled_high(const Dimension& dimension) {
  return dimension.log ? std::log(dimension.high) : dimension.high;
}

double settled(const Dimension& dimension, double number) {
  const double within = std::clamp(number, dimension.low, dimension.high);
  if (dimension.q == 0) return within;
  double multiple = std::round(within / dimension.q);
  // At a bound between two multiples the one outside has nothing of the range.
  if ((multiple - 0.5) * dimension.q >= dimension.high) --multiple;
  if ((multiple + 0.5) * dimension.q <= dimension.low) ++multiple;
  return multiple * dimension.q;
}

}  // namespace mvn
