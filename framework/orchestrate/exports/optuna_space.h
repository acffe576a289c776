// The distribution that Optuna is told a parameter was drawn from. Private to optuna.cc.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/json.h"

namespace mvn {

// The values of a parameter, each once, in the order of their trials.
class SeenValues {
 public:
  void add(const Json& value);
  [[nodiscard]] const std::vector<Json>& values() const { return values_; }

 private:
  std::vector<Json> values_;
  std::set<Json> known_;
};

// One of Optuna's FloatDistribution, IntDistribution and CategoricalDistribution.
class OptunaDistribution {
 public:
  // Of a parameter whose axis in the sweep file is `axis` (null where that is not known), and whose
  // trials have `values`.
  OptunaDistribution(const Json& axis, const std::vector<Json>& values);

  // What Optuna keeps beside every value.
  [[nodiscard]] const std::string& json() const { return json_; }
  // As Optuna stores it: a number, or the index of the choice.
  [[nodiscard]] double internal(const Json& value) const;
  [[nodiscard]] std::size_t choices() const { return index_.size(); }

 private:
  void use_numbers(const Json& axis, const std::vector<Json>& values);
  void use_choices(const Json& axis, const std::vector<Json>& values);

  std::string json_;
  bool categorical_ = false;
  std::map<Json, std::size_t> index_;  // of each choice
};

// The axes of a stage by their dotted names, out of a sweep file: `parameters`, nested or not, of
// the file and of the stage.
std::map<std::string, Json> axes_of(const Json& sweep, const std::string& stage);

}  // namespace mvn
