// The grid over an axis: `values` as they are, ranges as `count` or `q` say.
#include <algorithm>
#include <cmath>
#include <optional>

#include "mvn/nearest.h"
#include "orchestrate/sweep/axes.h"
#include "orchestrate/sweep/key_reader.h"
#include "orchestrate/sweep/random_axis.h"
#include "orchestrate/sweep/scalar.h"

namespace mvn {
namespace {

constexpr std::int64_t kMaxPoints = 1'000'000;

bool is_among(const std::vector<std::string>& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}

struct Range {
  double min = 0;
  double max = 0;
  bool integers = false;  // both bounds are written as integers
  std::optional<double> q;
  std::optional<std::int64_t> count;
  std::string distribution;
};

class GridReader {
 public:
  GridReader(const std::string& key, const Node& axis, ProblemList& problems)
      : key_(key), axis_(axis), problems_(problems) {}

  std::vector<Node> read() {
    if (!check_shape()) return {};
    if (const Node* values = axis_.get("values")) return listed(*values);
    const auto range = read_range();
    return range ? points(*range) : std::vector<Node>();
  }

 private:
  void fail(const Node& node, const std::string& message) {
    problems_.add(node.mark, key_ + ": " + message);
  }

  // The words that a grid knows.
  static const std::vector<std::string>& words() {
    static const std::vector<std::string> words = {"values", "min",   "max",
                                                   "q",      "count", "distribution"};
    return words;
  }

  bool check_shape() {
    bool good = true;
    for (const Entry& entry : axis_.entries) {
      if (is_among(words(), entry.key)) continue;
      good = false;
      problems_.add(entry.mark, key_ + ": " + why_unknown(entry.key));
    }
    return good && check_distribution();
  }

  static std::string why_unknown(const std::string& word) {
    if (word == "value") return "give either `value` or an axis, not both";
    if (is_among(key_names("axis"), word)) return "'" + word + "' needs `method: random`";
    std::vector<std::string> known = {"value"};
    known.insert(known.end(), words().begin(), words().end());
    return "unknown key '" + word + "' of an axis" + suggest(word, known) +
           "; nested parameters go under `parameters:`";
  }

  bool check_distribution() {
    const Node* name = axis_.get("distribution");
    static const std::vector<std::string> grid = {"categorical", "uniform", "int_uniform",
                                                  "q_uniform", "log_uniform_values"};
    if (name == nullptr || (name->is_scalar() && is_among(grid, name->text))) return true;
    fail(*name, is_among(distribution_names(), name->text)
                    ? "distribution '" + name->text + "' needs `method: random`"
                    : why_no_distribution(*name, grid));
    return false;
  }

  std::vector<Node> listed(const Node& values) {
    for (const Entry& entry : axis_.entries) {
      if (entry.key == "values" || entry.value.is_null()) continue;
      if (entry.key == "distribution" && entry.value.text == "categorical") continue;
      problems_.add(entry.mark, key_ + ": '" + entry.key + "' beside `values`");
    }
    if (!values.is_list()) {
      fail(values, "values: expected a list, got " + describe(values) + "; one value is `value:`");
      return {};
    }
    if (values.items.empty()) fail(values, "values: an empty list makes no trials");
    return values.items;
  }

  // Nothing after a problem, too.
  template <typename Number>
  std::optional<Number> number(const char* word) {
    const Node* node = axis_.get(word);
    const auto value = node == nullptr
                           ? std::nullopt
                           : read_key(key_ + ": " + word, key_spec("axis", word), *node, problems_);
    return value ? std::optional(value->get<Number>()) : std::nullopt;
  }

  std::optional<Range> read_range() {
    const std::size_t before = problems_.size();
    const Node* low = axis_.get("min");
    const Node* high = axis_.get("max");
    if (low == nullptr || high == nullptr) {
      fail(axis_, "an axis needs `value`, `values`, or `min` and `max`");
      return std::nullopt;
    }
    Range range;
    range.min = number<double>("min").value_or(0);
    range.max = number<double>("max").value_or(0);
    range.q = number<double>("q");
    range.count = number<std::int64_t>("count");
    range.integers = core_int(low->text).has_value() && core_int(high->text).has_value();
    if (problems_.size() != before) return std::nullopt;
    if (range.max < range.min) fail(*high, "max is less than min");
    const Node* name = axis_.get("distribution");
    range.distribution = name != nullptr  ? name->text
                         : range.q        ? "q_uniform"
                         : range.integers ? "int_uniform"
                                          : "uniform";
    check_range(range, *low);
    if (problems_.size() != before) return std::nullopt;
    return range;
  }

  void check_range(const Range& range, const Node& low) {
    if (range.distribution == "categorical") fail(axis_, "categorical needs `values`");
    if (range.distribution == "q_uniform") {
      if (!range.q) fail(axis_, "q_uniform needs `q`, the step, above 0");
      if (range.count) fail(*axis_.get("count"), "count: `q` already says which points there are");
    } else if (range.q) {
      fail(*axis_.get("q"), "q: belongs to the distribution q_uniform");
    }
    if (range.distribution == "int_uniform" && !range.integers) {
      fail(axis_, "int_uniform needs integers as `min` and `max`");
    }
    if (range.distribution == "log_uniform_values" && range.min <= 0) {
      fail(low, "min: must be above 0 for log_uniform_values");
    }
    const bool needs_count =
        range.distribution == "uniform" || range.distribution == "log_uniform_values";
    if (needs_count && !range.count) {
      fail(axis_, "a grid over " + range.distribution + " needs `count`, the number of points");
    }
  }

  [[nodiscard]] std::vector<Node> points(const Range& range) {
    if (range.distribution == "int_uniform") return integers(range);
    if (range.distribution == "q_uniform") return steps(range);
    std::vector<Node> points;
    const auto last = static_cast<double>(*range.count - 1);
    for (std::int64_t i = 0; i < *range.count; ++i) {
      const double part = static_cast<double>(i) / last;
      const double value = range.distribution == "uniform"
                               ? range.min + (range.max - range.min) * part
                               : range.min * std::pow(range.max / range.min, part);
      points.push_back(scalar_node(number_text(rounded(value)), axis_.mark));
    }
    return points;
  }

  // All of them, or `count` evenly spread ones; both ends belong to the range.
  std::vector<Node> integers(const Range& range) {
    const auto min = static_cast<std::int64_t>(range.min);
    const auto max = static_cast<std::int64_t>(range.max);
    const std::int64_t all = max - min + 1;
    const std::int64_t count = std::min(range.count.value_or(all), all);
    std::vector<Node> points;
    if (count > kMaxPoints) {
      fail(axis_, "a grid of " + std::to_string(count) + " points; give `count`");
      return points;
    }
    for (std::int64_t i = 0; i < count; ++i) {
      const double part = count == 1 ? 0 : static_cast<double>(i) / static_cast<double>(count - 1);
      const auto value = min + std::llround(static_cast<double>(max - min) * part);
      points.push_back(scalar_node(std::to_string(value), axis_.mark));
    }
    return points;
  }

  // min, min + q, ... up to and including max (where W&B leaves max out).
  std::vector<Node> steps(const Range& range) {
    const double count = std::floor((range.max - range.min) / *range.q + 1e-9) + 1;
    std::vector<Node> points;
    if (count > static_cast<double>(kMaxPoints)) {
      fail(axis_, "a grid of more than " + std::to_string(kMaxPoints) + " points");
      return points;
    }
    for (double i = 0; i < count; ++i) {
      points.push_back(scalar_node(number_text(rounded(range.min + i * *range.q)), axis_.mark));
    }
    return points;
  }

  const std::string& key_;
  const Node& axis_;
  ProblemList& problems_;
};

}  // namespace

std::vector<Node> grid_points(const std::string& key, const Node& axis, ProblemList& problems) {
  return GridReader(key, axis, problems).read();
}

}  // namespace mvn
