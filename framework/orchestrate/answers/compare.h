// `mvn-runner compare`: which value of a parameter is better, by how much, how sure.
#pragma once

#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace mvn {

struct CompareRequest {
  std::string sweep;                     // its name, or its file
  std::string by = {};                   // "model.plugin": its values are the arms
  std::string baseline = {};             // the arm that all others are compared with; "": all pairs
  std::string metric = {};               // "": what each stage is judged by
  std::optional<double> region = {};     // of practical equivalence, on either side of 0
  std::vector<std::string> stages = {};  // none: all
  std::vector<std::string> within = {};  // parameters whose values are data sets of their own
};

enum class CompareFormat { kTable, kJson, kMarkdown, kLatex };
// "table", "json", "markdown" or "latex"; throws ConfigError that names the nearest.
CompareFormat compare_format(std::string_view name);

// Reads the database and, of few arms, the predictions that their trials kept; writes nothing.
// `width` as in make_row_writer(). Throws ConfigError where there is nothing to compare: an unknown
// parameter or metric, one arm, arms without results.
void compare_arms(const std::filesystem::path& database, const CompareRequest& request,
                  CompareFormat format, std::ostream& out, std::optional<std::size_t> width = {});

}  // namespace mvn
