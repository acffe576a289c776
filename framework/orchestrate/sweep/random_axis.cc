// Every draw is one uniform number in (0, 1), put through the inverse of the distribution function.
#include "orchestrate/sweep/random_axis.h"

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "common/hashing.h"
#include "mvn/nearest.h"
#include "orchestrate/sweep/key_reader.h"
#include "orchestrate/sweep/scalar.h"

namespace mvn {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double normal_quantile(double u) { return quantile(boost::math::normal_distribution<>(), u); }

// What a distribution is made of. `x` has the axis's numbers in the order of `words`.
struct Family {
  const char* name;
  std::vector<std::string> words;  // the numbers it needs
  std::function<double(const std::vector<double>& x, double u)> inverse;
  std::function<Dimension(const std::vector<double>& x, double q)> dimension;
};

double uniform(const std::vector<double>& x, double u) { return x[0] + (x[1] - x[0]) * u; }
double log_uniform(const std::vector<double>& x, double u) {
  return x[0] * std::pow(x[1] / x[0], u);
}
double normal(const std::vector<double>& x, double u) { return x[0] + x[1] * normal_quantile(u); }
double log_normal(const std::vector<double>& x, double u) { return std::exp(normal(x, u)); }
double beta(const std::vector<double>& x, double u) {
  return quantile(boost::math::beta_distribution<>(x[0], x[1]), u);
}
double int_uniform(const std::vector<double>& x, double u) {
  return std::min(x[1], std::floor(x[0] + (x[1] - x[0] + 1) * u));
}

Dimension between(const std::vector<double>& x, double q) { return bounded(x[0], x[1], false, q); }
Dimension log_between(const std::vector<double>& x, double q) {
  return bounded(x[0], x[1], true, q);
}
Dimension integers(const std::vector<double>& x, double /*q*/) {
  return bounded(x[0] - 0.5, x[1] + 0.5, false, 1);
}
Dimension around(const std::vector<double>& x, double q) {
  return {{}, false, -kInfinity, kInfinity, q, x[0], x[1]};
}
Dimension log_around(const std::vector<double>& x, double q) {
  return {{}, true, 0, kInfinity, q, x[0], x[1]};
}
Dimension of_beta(const std::vector<double>& x, double q) {
  const boost::math::beta_distribution<> beta(x[0], x[1]);
  return {{}, false, 0, 1, q, mean(beta), standard_deviation(beta)};
}

// Names with "q_" before them round to multiples of q.
const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      {"uniform", {"min", "max"}, uniform, between},
      {"int_uniform", {"min", "max"}, int_uniform, integers},
      {"log_uniform_values", {"min", "max"}, log_uniform, log_between},
      {"inv_log_uniform_values", {"min", "max"}, log_uniform, log_between},
      {"normal", {"mu", "sigma"}, normal, around},
      {"log_normal", {"mu", "sigma"}, log_normal, log_around},
      {"beta", {"a", "b"}, beta, of_beta}};
  return all;
}

class RandomReader {
 public:
  RandomReader(const std::string& key, const Node& axis, ProblemList& problems)
      : key_(key), axis_(axis), problems_(problems) {}

  std::optional<RandomAxis> read() {
    const std::size_t before = problems_.size();
    auto axis = axis_.get("values") != nullptr ? listed() : from_family();
    return problems_.size() == before ? axis : std::nullopt;
  }

 private:
  void fail(const Node& node, const std::string& message) {
    problems_.add(node.mark, key_ + ": " + message);
  }

  std::optional<RandomAxis> listed() {
    refuse_unknown(key_ + ": ", axis_, {"values", "probabilities", "distribution"}, problems_);
    const Node& values = *axis_.get("values");
    if (!values.is_list() || values.items.empty()) {
      fail(values, "values: expected a list of values, got " + describe(values));
      return std::nullopt;
    }
    const auto shares = read_shares(values.items.size());
    const auto index = [shares](double u) {
      double below = 0;
      for (std::size_t i = 0; i + 1 < shares.size(); ++i) {
        below += shares[i];
        if (u < below) return static_cast<double>(i);
      }
      return static_cast<double>(shares.size() - 1);
    };
    return RandomAxis{categorical(shares), index, [&values](double drawn) {
                        return values.items[static_cast<std::size_t>(drawn)];
                      }};
  }

  // Of each value; they sum to 1.
  std::vector<double> read_shares(std::size_t size) {
    std::vector<double> shares(size, 1.0 / static_cast<double>(size));
    const Node* list = axis_.get("probabilities");
    if (list == nullptr) return shares;
    if (!list->is_list() || list->items.size() != size) {
      fail(*list, "probabilities: expected one number for each of the " + std::to_string(size) +
                      " values");
      return shares;
    }
    const auto given =
        read_key(key_ + ": probabilities", key_spec("axis", "probabilities"), *list, problems_);
    if (!given) return shares;
    shares = given->get<std::vector<double>>();
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    if (std::abs(sum - 1) > 1e-6) {
      fail(*list, "probabilities: they sum to " + number_text(rounded(sum)) + ", not to 1");
    }
    return shares;
  }

  // W&B's rule where no distribution is named.
  [[nodiscard]] std::string default_name() const {
    if (axis_.get("q") != nullptr) return "q_uniform";
    for (const char* bound : {"min", "max"}) {
      const Node* node = axis_.get(bound);
      if (node != nullptr && !core_int(node->text)) return "uniform";
    }
    return "int_uniform";
  }

  std::optional<RandomAxis> from_family() {
    const Node* named = axis_.get("distribution");
    const std::string name = named == nullptr ? default_name() : named->text;
    const bool stepped = name.starts_with("q_") && name != "q_int_uniform";
    const auto family = std::find_if(families().begin(), families().end(), [&](const Family& each) {
      return each.name == (stepped ? name.substr(2) : name);
    });
    if (family == families().end()) {
      fail(*named, why_no_distribution(*named, distribution_names()));
      return std::nullopt;
    }
    auto words = family->words;
    words.emplace_back("distribution");
    if (stepped) words.emplace_back("q");
    refuse_unknown(key_ + ": ", axis_, words, problems_);
    std::vector<double> numbers;
    for (const auto& word : family->words) numbers.push_back(number(word, family->name));
    const double q = stepped ? number("q", family->name) : 0;
    const std::size_t before = problems_.size();
    check_numbers(*family, numbers);
    if (problems_.size() != before) return std::nullopt;
    const auto draw = [family, numbers, q](double u) {
      const double x = family->inverse(numbers, u);
      return rounded(q == 0 ? x : std::round(x / q) * q);
    };
    return RandomAxis{family->dimension(numbers, q), draw, [mark = axis_.mark](double drawn) {
                        return scalar_node(number_text(rounded(drawn)), mark);
                      }};
  }

  double number(const std::string& word, const std::string& family) {
    const Node* node = axis_.get(word);
    if (node == nullptr && word == "mu") return 0;
    if (node == nullptr && (word == "sigma" || word == "q")) return 1;
    if (node == nullptr) {
      fail(axis_, family == "int_uniform" && axis_.get("distribution") == nullptr
                      ? "an axis needs `value`, `values`, or `min` and `max`"
                      : family + " needs `" + word + "`");
      return 1;
    }
    const auto value = read_key(key_ + ": " + word, key_spec("axis", word), *node, problems_);
    return value ? value->get<double>() : 1;
  }

  void check_numbers(const Family& family, const std::vector<double>& x) {
    const std::string name = family.name;
    if (family.words[0] == "min" && axis_.get("max") != nullptr && x[1] < x[0]) {
      fail(*axis_.get("max"), "max is less than min");
    }
    if (name.find("log_uniform") != std::string::npos && axis_.get("min") != nullptr && x[0] <= 0) {
      fail(*axis_.get("min"), "min: must be above 0 for " + name);
    }
    if (name == "int_uniform" && (x[0] != std::floor(x[0]) || x[1] != std::floor(x[1]))) {
      fail(axis_, "int_uniform needs integers as `min` and `max`");
    }
  }

  const std::string& key_;
  const Node& axis_;
  ProblemList& problems_;
};

}  // namespace

std::vector<std::string> distribution_names() {
  std::vector<std::string> names = {"categorical", "constant"};
  for (const Family& family : families()) names.emplace_back(family.name);
  for (const char* name : {"uniform", "log_uniform_values", "normal", "log_normal", "beta"}) {
    names.push_back(std::string("q_") + name);
  }
  return names;
}

std::string why_no_distribution(const Node& name, const std::vector<std::string>& known) {
  if (name.text.ends_with("log_uniform")) {
    return "'" + name.text +
           "' can be read in two ways: in W&B, min and max are exponents of e (min: -11.5 is "
           "1e-5); if they are the values themselves, write " +
           name.text + "_values";
  }
  if (name.text == "categorical") return "categorical needs `values`";
  return "unknown distribution " + describe(name) + suggest(name.text, known);
}

std::optional<RandomAxis> read_random_axis(const std::string& key, const Node& axis,
                                           ProblemList& problems) {
  return RandomReader(key, axis, problems).read();
}

double uniform_draw(const std::string& key, std::int64_t seed, std::int64_t draw) {
  const std::string digest =
      sha256(std::to_string(seed) + "/" + key + "/" + std::to_string(draw)).substr(0, 13);
  constexpr double kSteps = 4503599627370496.0;  // 16^13
  return (static_cast<double>(std::stoull(digest, nullptr, 16)) + 0.5) / kSteps;
}

double uniform_index(double uniform, std::size_t size) {
  return std::min(std::floor(uniform * static_cast<double>(size)), static_cast<double>(size - 1));
}

}  // namespace mvn
