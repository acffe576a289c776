#include "orchestrate/answers/importance.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "common/json.h"
#include "orchestrate/store/database.h"

namespace mvn {
namespace {

constexpr double kBestShare = 0.1;
constexpr std::size_t kGrid = 50;  // cells that a number's range is divided into
constexpr std::size_t kLeastTrials = 10;
constexpr std::size_t kMostChoices = 10;  // numbers of more values are a range
constexpr double kLogarithmic = 100;      // largest over smallest, of ranges by their logarithms

// How many trials have each choice, or fall into each cell.
std::vector<double> counts_of(const ImportanceAxis& axis, std::span<const std::size_t> trials) {
  const std::size_t cells = axis.choices > 0 ? axis.choices : kGrid;
  std::vector<double> counts(cells);
  const auto scaled = [&](double value) { return axis.log ? std::log(value) : value; };
  const double low = scaled(axis.low);
  const double cell = (scaled(axis.high) - low) / static_cast<double>(kGrid - 1);
  for (const std::size_t trial : trials) {
    const double value = *axis.values[trial];
    const double index = axis.choices > 0 ? value : std::ceil((scaled(value) - low) / cell - 0.5);
    counts[static_cast<std::size_t>(std::clamp(index, 0.0, static_cast<double>(cells - 1)))] += 1;
  }
  return counts;
}

// The density that the counts of choices suggest: each choice that occurs, smoothed, and an even
// one.
std::vector<double> density_of_choices(const std::vector<double>& counts) {
  const auto choices = static_cast<double>(counts.size());
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  const auto kernels =
      static_cast<double>(1 + std::ranges::count_if(counts, [](double n) { return n > 0; }));
  const double smooth = 1 / kernels;
  const double whole = 1 + choices * smooth;
  std::vector<double> density;
  for (const double count : counts) {
    density.push_back((total * smooth / whole + count / whole + 1 / choices) / (total + 1));
  }
  return density;
}

double normal_mass(double from, double to) {
  return (std::erf(to / M_SQRT2) - std::erf(from / M_SQRT2)) / 2;
}

// How wide the kernels are: Scott's rule, but not so narrow that one does not fill its cell.
double bandwidth(const std::vector<double>& counts, double total) {
  double mean = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) mean += counts[i] * static_cast<double>(i);
  mean /= total;
  double squares = 0;
  std::vector<std::size_t> occupied;
  std::vector<double> reached;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    squares += counts[i] * std::pow(static_cast<double>(i) - mean, 2);
    occupied.push_back(i);
    reached.push_back(counts[i] + (reached.empty() ? 0 : reached.back()));
  }
  const double sigma = std::sqrt(squares / std::max(1.0, total - 1));
  const auto first = std::ranges::lower_bound(reached, std::floor(total / 4)) - reached.begin();
  const auto third = std::ranges::upper_bound(reached, std::floor(total * 3 / 4)) - reached.begin();
  const auto last = std::ssize(occupied) - 1;
  const auto cell = [&](std::ptrdiff_t at) {
    return static_cast<double>(occupied[static_cast<std::size_t>(std::min(at, last))]);
  };
  const double quartiles = cell(third) - cell(first);
  const double narrowest = 0.5 / 1.64;
  return std::max(1.059 * std::min(quartiles / 1.34, sigma) * std::pow(total, -0.2), narrowest);
}

// The density that the counts of cells suggest: a normal distribution about each cell that is not
// empty, cut off at the ends, and a wide one about the middle.
std::vector<double> density_of_cells(const std::vector<double>& counts) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  const auto end = static_cast<double>(counts.size()) - 0.5;
  std::vector<double> density(counts.size());
  const auto add = [&](double weight, double mean, double sigma) {
    const double inside = normal_mass((-0.5 - mean) / sigma, (end - mean) / sigma);
    for (std::size_t i = 0; i < density.size(); ++i) {
      const double from = static_cast<double>(i) - 0.5 - mean;
      density[i] += weight / (total + 1) * normal_mass(from / sigma, (from + 1) / sigma) / inside;
    }
  };
  const double sigma = bandwidth(counts, total);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) add(counts[i], static_cast<double>(i), sigma);
  }
  add(1, (end - 0.5) / 2, end + 0.5);
  return density;
}

std::vector<double> density_of(const ImportanceAxis& axis, std::span<const std::size_t> trials) {
  const auto counts = counts_of(axis, trials);
  auto density = axis.choices > 0 ? density_of_choices(counts) : density_of_cells(counts);
  for (double& each : density) each += 1e-12;  // none is impossible
  return density;
}

// How differently the parameter is distributed among the best trials: Pearson's divergence.
double divergence(const ImportanceAxis& axis, std::span<const std::size_t> best,
                  std::span<const std::size_t> all) {
  const auto of_best = density_of(axis, best);
  const auto of_all = density_of(axis, all);
  double sum = 0;
  for (std::size_t i = 0; i < of_all.size(); ++i) {
    sum += of_all[i] * std::pow(of_best[i] / of_all[i] - 1, 2);
  }
  return sum;
}

double importance_of(const ImportanceAxis& axis, std::span<const double> losses, double bound) {
  std::vector<std::size_t> all;  // that have the parameter
  std::vector<std::size_t> best;
  double best_of_any = 0;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    if (losses[i] <= bound) best_of_any += 1;
    if (!axis.values[i]) continue;
    all.push_back(i);
    if (losses[i] <= bound) best.push_back(i);
  }
  const bool one = axis.choices == 1 || (axis.choices == 0 && axis.low == axis.high);
  if (one || all.size() < 2 || best.empty()) return 0;
  const double share_of_best = static_cast<double>(best.size()) / best_of_any;
  const double share_of_all = static_cast<double>(all.size()) / static_cast<double>(losses.size());
  return share_of_best * share_of_best / share_of_all * divergence(axis, best, all);
}

// What a sweep's trials of a stage have, as the axes want it.
class AxisReader {
 public:
  void add(std::size_t trial, const std::string& name, const Json& value) {
    auto& values = values_[name];
    values.resize(std::max(values.size(), trial + 1));
    values[trial] = value;
  }

  std::vector<ImportanceAxis> axes(std::size_t trials) {
    std::vector<ImportanceAxis> axes;
    for (auto& [name, values] : values_) {
      values.resize(trials);
      axes.push_back(axis(name, values));
    }
    return axes;
  }

 private:
  using Values = std::vector<std::optional<Json>>;

  static ImportanceAxis axis(const std::string& name, const Values& values) {
    std::map<Json, double> choices;  // the number of each
    std::set<double> numbers;
    for (const auto& value : values) {
      if (!value) continue;
      choices.emplace(*value, static_cast<double>(choices.size()));
      if (value->is_number()) numbers.insert(value->get<double>());
    }
    ImportanceAxis axis;
    axis.name = name;
    const bool ranges = numbers.size() == choices.size() && numbers.size() > kMostChoices;
    if (ranges) {
      axis.low = *numbers.begin();
      axis.high = *numbers.rbegin();
      axis.log = axis.low > 0 && axis.high / axis.low >= kLogarithmic;
    } else {
      axis.choices = choices.size();
    }
    for (const auto& value : values) {
      auto& own = axis.values.emplace_back();
      if (value) own = ranges ? value->get<double>() : choices.at(*value);
    }
    return axis;
  }

  std::map<std::string, Values> values_;
};

std::vector<ParameterImportance> stage_importance(Database& db, const std::string& sweep,
                                                  const std::string& stage) {
  std::vector<double> losses;
  AxisReader reader;
  db.each(
      "SELECT iif(g.maximize, -m.value, m.value), t.parameters FROM mvn_trial t"
      " JOIN mvn_stage g ON g.sweep = t.sweep AND g.stage = t.stage"
      " JOIN mvn_value m ON m.trial = t.id AND m.name = g.metric"
      "  AND m.step = (SELECT max(x.step) FROM mvn_value x WHERE x.trial = t.id"
      "                AND x.name = g.metric)"
      " WHERE t.sweep = (SELECT id FROM mvn_sweep WHERE name = ?1) AND t.stage = ?2"
      " AND t.state = 'done' AND t.current = 1 AND abs(m.value) < 9e999 ORDER BY t.id",
      [&](SQLite::Statement& row) {
        const Json parameters = db.json(row, 1);
        for (const auto& [name, value] : parameters.items()) {
          reader.add(losses.size(), name, value);
        }
        losses.push_back(row.getColumn(0).getDouble());
      },
      sweep, stage);
  if (losses.size() < kLeastTrials) return {};
  const auto axes = reader.axes(losses.size());
  const auto shares = importance_of(axes, losses);
  std::vector<ParameterImportance> result;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    result.push_back({stage, axes[i].name, shares[i], static_cast<std::int64_t>(losses.size())});
  }
  return result;
}

}  // namespace

std::vector<double> importance_of(std::span<const ImportanceAxis> axes,
                                  std::span<const double> losses) {
  if (losses.empty()) return {};
  std::vector<double> ordered(losses.begin(), losses.end());
  const auto best =
      static_cast<std::size_t>(std::ceil(kBestShare * static_cast<double>(losses.size())));
  const auto bound = ordered.begin() + static_cast<std::ptrdiff_t>(best - 1);
  std::nth_element(ordered.begin(), bound, ordered.end());
  std::vector<double> shares;
  for (const auto& axis : axes) shares.push_back(importance_of(axis, losses, *bound));
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (!(sum > 0)) return {};
  for (double& share : shares) share /= sum;
  return shares;
}

std::vector<ParameterImportance> sweep_importance(const std::filesystem::path& database,
                                                  const std::string& sweep) {
  return translate_errors(database, [&] {
    Database db(database, Access::kRead);
    std::vector<std::string> stages;
    db.each(
        "SELECT stage FROM mvn_stage WHERE sweep = (SELECT id FROM mvn_sweep WHERE name = ?)"
        " ORDER BY position",
        [&](SQLite::Statement& row) { stages.push_back(row.getColumn(0).getString()); }, sweep);
    std::vector<ParameterImportance> all;
    for (const auto& stage : stages) {
      auto some = stage_importance(db, sweep, stage);
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  });
}

}  // namespace mvn
