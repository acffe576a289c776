// The results of a sweep in a table and a sentence: what the runner prints at its end.
#pragma once

#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace mvn {

class Database;

// Reports on the sweep as last run. Per stage: its configurations, best first, each over its seeds
// (n, mean and standard deviation of the objective, 95 % interval), and which is better as far as
// their results tell, in the words of compare; then the trials that failed, each with its message
// and log. `width` as in make_row_writer().
void print_report(const std::filesystem::path& database, const std::string& sweep,
                  std::ostream& out, std::optional<std::size_t> width = {});

// What that report says of a stage beside its table.
struct StageVerdict {
  std::string stage;
  std::string metric;
  bool maximize = true;
  std::vector<std::string> sentences;  // which is better, as far as the results tell
};
std::vector<StageVerdict> stage_verdicts(Database& db, const std::string& sweep);

}  // namespace mvn
