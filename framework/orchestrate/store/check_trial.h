// Whether the database says of a trial what its files say. Private to the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "orchestrate/store/database.h"
#include "orchestrate/store/maintenance.h"

namespace mvn {

struct TrialToCheck {
  std::int64_t row = 0;
  std::string sweep;
  std::string id;
  std::string state;
};

class TrialCheck {
 public:
  TrialCheck(Database& db, const std::filesystem::path& results, bool at_work)
      : db_(db), results_(results), at_work_(at_work) {}

  void run(const TrialToCheck& trial, CheckReport& report);

 private:
  struct Attempt {
    int number = 0;
    std::string state;
    std::uint64_t offset = 0;  // bytes of its spool that were taken in
    std::int64_t artifacts = 0;
  };
  // A value of a metric; names by their rows in the database.
  struct Value {
    std::int64_t name = 0;
    std::int64_t step = 0;
    int attempt = 0;
    double value = 0;
  };

  std::vector<Attempt> attempts_of(const TrialToCheck& trial);
  void check_state(const TrialToCheck& trial, const std::vector<Attempt>& attempts,
                   CheckReport& report) const;
  // Adds what the spool says up to where it was taken in; false where that is not there any more.
  bool read(const TrialToCheck& trial, const Attempt& attempt, std::vector<Value>& values,
            CheckReport& report);
  void check_values(const TrialToCheck& trial, std::vector<Value> expected, CheckReport& report);
  std::vector<Value> stored_values(const TrialToCheck& trial);
  std::int64_t row_of(const std::string& metric);
  [[nodiscard]] std::string name_of(std::int64_t row) const;

  Database& db_;
  const std::filesystem::path& results_;
  bool at_work_;
  std::map<std::string, std::int64_t> names_;
};

}  // namespace mvn
