// What a report says beside its tables: results that mean less than they look, trials that are not
// done. Private to the answers.
#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>

#include "orchestrate/store/database.h"
#include "orchestrate/store/label.h"

namespace mvn {

// The notes below a report. They speak of the trials that the sweep file named when it last ran.
class ReportNotes {
 public:
  ReportNotes(Database& db, const std::string& sweep);

  // Results that are NaN or infinite and so in no mean.
  void print_numberless(const std::string& stage, const std::string& metric,
                        std::ostream& out) const;
  // Classifiers that are worse than the most frequent class alone, whose share they record beside
  // their accuracy.
  void print_below_majority(const std::string& stage, std::ostream& out) const;
  void print_failures(std::ostream& out) const;
  void print_stopped(std::ostream& out) const;

 private:
  // "2 of 6 trials that are done"
  [[nodiscard]] std::string of_done(std::int64_t count, const std::string& stage) const;
  [[nodiscard]] std::int64_t in_state(const char* state) const;

  Database& db_;
  std::string sweep_;
  TrialNames name_;
  std::map<std::string, std::int64_t> counts_;  // by state: of 100,000 trials once for all
};

}  // namespace mvn
