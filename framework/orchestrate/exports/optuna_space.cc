#include "orchestrate/exports/optuna_space.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "orchestrate/exports/json_number.h"

namespace mvn {
namespace {

// Values this far apart are thought of by their factor.
constexpr double kLogFactor = 100;

// What a choice may be in Optuna: a text, a number, true, false, or nothing.
Json choice_of(const Json& value) {
  return value.is_structured() ? Json(value.dump(-1, ' ', false, Json::error_handler_t::replace))
                               : value;
}

std::optional<double> number_in(const Json& axis, const char* key) {
  if (!axis.is_object() || !axis.contains(key) || !axis.at(key).is_number()) return std::nullopt;
  return axis.at(key).get<double>();
}

std::string name_in(const Json& axis) {
  return axis.is_object() && axis.contains("distribution") && axis.at("distribution").is_string()
             ? axis.at("distribution").get<std::string>()
             : "";
}

// As the sweep file has them: of an axis from 0.0 to 1.0, 1 is a real number.
bool are_integers(const Json& axis, const std::vector<Json>& values) {
  for (const char* key : {"min", "max", "q"}) {
    if (!axis.is_object() || !axis.contains(key)) continue;
    if (!axis.at(key).is_number_integer() || !is_double(axis.at(key))) return false;
  }
  return std::ranges::all_of(values, [](const Json& value) { return value.is_number_integer(); });
}

bool is_multiple(double number, double of) {
  const double times = number / of;
  return std::abs(times - std::round(times)) < 1e-6;
}

// Of a parameter, from the sweep file where it is known, so that every value lies within.
struct Bounds {
  double low = 0;
  double high = 0;
  bool known = false;
};

Bounds bounds_of(const Json& axis, const std::vector<Json>& values) {
  const auto least = number_in(axis, "min");
  const auto greatest = number_in(axis, "max");
  Bounds bounds;
  bounds.known = least && greatest;
  bounds.low = bounds.known ? *least : values.front().get<double>();
  bounds.high = bounds.known ? *greatest : bounds.low;
  for (const Json& value : values) {
    bounds.low = std::min(bounds.low, value.get<double>());
    bounds.high = std::max(bounds.high, value.get<double>());
  }
  return bounds;
}

// Optuna's steps begin at its lowest number, ours are multiples of q; 0: no steps.
double step_of(const Json& axis, const Bounds& bounds, const std::vector<Json>& values) {
  const auto q = number_in(axis, "q");
  if (!q || *q <= 0 || !is_multiple(bounds.high - bounds.low, *q)) return 0;
  const auto on_grid = [&](const Json& value) {
    return is_multiple(value.get<double>() - bounds.low, *q);
  };
  return std::ranges::all_of(values, on_grid) ? *q : 0;
}

void add_axes(const Json& parameters, const std::string& prefix,
              std::map<std::string, Json>& axes) {
  if (!parameters.is_object()) return;
  for (const auto& [key, axis] : parameters.items()) {
    if (axis.is_object() && axis.contains("parameters")) {
      add_axes(axis.at("parameters"), prefix + key + ".", axes);
    } else {
      axes[prefix + key] = axis;
    }
  }
}

}  // namespace

void SeenValues::add(const Json& value) {
  if (known_.insert(value).second) values_.push_back(value);
}

OptunaDistribution::OptunaDistribution(const Json& axis, const std::vector<Json>& values) {
  if (std::ranges::all_of(values, is_double)) {
    use_numbers(axis, values);
  } else {
    use_choices(axis, values);
  }
}

void OptunaDistribution::use_numbers(const Json& axis, const std::vector<Json>& values) {
  const Bounds bounds = bounds_of(axis, values);
  const bool integers = are_integers(axis, values);
  const bool by_name = name_in(axis).find("log") != std::string::npos;
  const bool log =
      bounds.low > 0 && (by_name || (!bounds.known && bounds.high >= kLogFactor * bounds.low));
  const double step = log ? 0 : step_of(axis, bounds, values);
  Json attributes = {{"log", log}};
  if (integers) {
    attributes["low"] = static_cast<std::int64_t>(bounds.low);
    attributes["high"] = static_cast<std::int64_t>(bounds.high);
    attributes["step"] = static_cast<std::int64_t>(step > 0 ? step : 1);
  } else {
    attributes["low"] = bounds.low;
    attributes["high"] = bounds.high;
    attributes["step"] = step > 0 ? Json(step) : Json();
  }
  const auto* name = integers ? "IntDistribution" : "FloatDistribution";
  json_ = Json({{"name", name}, {"attributes", attributes}}).dump();
}

void OptunaDistribution::use_choices(const Json& axis, const std::vector<Json>& values) {
  categorical_ = true;
  Json choices = Json::array();
  const auto add = [&](const Json& value) {
    const Json choice = choice_of(value);
    if (index_.emplace(choice, index_.size()).second) choices.push_back(choice);
  };
  if (axis.is_object() && axis.contains("values") && axis.at("values").is_array()) {
    for (const Json& value : axis.at("values")) add(value);
  }
  for (const Json& value : values) add(value);
  const Json attributes = {{"choices", choices}};
  json_ = Json({{"name", "CategoricalDistribution"}, {"attributes", attributes}}).dump();
}

double OptunaDistribution::internal(const Json& value) const {
  return categorical_ ? static_cast<double>(index_.at(choice_of(value))) : value.get<double>();
}

std::map<std::string, Json> axes_of(const Json& sweep, const std::string& stage) {
  std::map<std::string, Json> axes;
  if (!sweep.is_object()) return axes;
  if (sweep.contains("parameters")) add_axes(sweep.at("parameters"), "", axes);
  const Json::json_pointer own("/stages");
  if (stage.empty() || !sweep.contains(own) || !sweep.at(own).is_object()) return axes;
  const auto found = sweep.at(own).find(stage);
  if (found != sweep.at(own).end() && found->is_object() && found->contains("parameters")) {
    add_axes(found->at("parameters"), "", axes);
  }
  return axes;
}

}  // namespace mvn
