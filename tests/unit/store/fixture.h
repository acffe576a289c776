// A results folder of its own for each test, plans made of a few lines, and SQL on the result.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/trial.h"
#include "orchestrate/store/store.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {

using test::error_of;

class StoreTest : public testing::Test {
 protected:
  using Rows = std::vector<std::string>;

  [[nodiscard]] std::filesystem::path database() const { return database_path(results_); }
  [[nodiscard]] std::filesystem::path spool(const std::string& sweep, const std::string& id,
                                            int attempt) const {
    return trial_paths(results_, sweep, id).spool(attempt);
  }
  // Appends `text` as it is to the spool of an attempt.
  void write_spool(const std::string& sweep, const std::string& id, int attempt,
                   const std::string& text) const;

  // Rows of a query on the database, columns joined by "|", NULL as "NULL".
  [[nodiscard]] Rows rows(const std::string& sql) const;
  // The first row.
  [[nodiscard]] std::string row(const std::string& sql) const;

  // Runs an attempt from start to end, its spool the given lines.
  void run_trial(Store& store, const std::string& sweep, const std::string& id,
                 const std::vector<std::string>& lines, const AttemptEnd& end = {}) const;

  test::TemporaryFolder folder_;
  const std::filesystem::path results_ = folder_.path();
};

// The 64 digits of an id that begins with `start`.
std::string id_of(const std::string& start);

// A trial of `parameters` and a seed; its id begins with `start`, its group is made of parameters.
PlannedTrial planned(const std::string& start, const Json& parameters, std::int64_t seed,
                     const std::string& stage = "");

// Maximizes eval/accuracy in every stage.
SweepPlan plan_of(const std::string& name, std::vector<PlannedTrial> trials);

// A spool line that reports one metric.
std::string metric_line(std::int64_t step, const std::string& name, const std::string& value);

}  // namespace mvn
