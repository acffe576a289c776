// How much each parameter decides whether a trial is among the best.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "orchestrate/store/store.h"

namespace mvn {

// A parameter of some trials, and what each of them has of it.
struct ImportanceAxis {
  std::string name;
  std::size_t choices =
      0;  // 0: a number, from `low` to `high`; else values are from 0 to choices - 1
  double low = 0;
  double high = 0;
  bool log = false;                           // the numbers count by their logarithms
  std::vector<std::optional<double>> values;  // by trial; nothing: it has none
};

// By axis, for trials of which the smallest `losses` are the best: PED-ANOVA, Watanabe and others,
// IJCAI 2023, arXiv:2304.10255, for the best tenth of all, with the correction for parameters that
// some trials do not have (arXiv:2601.20800). All add up to 1; empty where nothing can be said.
// optuna.importance.get_param_importances(study).
std::vector<double> importance_of(std::span<const ImportanceAxis> axes,
                                  std::span<const double> losses);

// Looks at each stage of the sweep as last run that has ten finished trials or more. Numbers of
// more than ten values count as such, by their logarithms where they span a factor of 100; else
// each value is a choice.
std::vector<ParameterImportance> sweep_importance(const std::filesystem::path& database,
                                                  const std::string& sweep);

}  // namespace mvn
