#include "orchestrate/store/ready_queries.h"

#include <algorithm>
#include <sstream>

namespace mvn {

const ReadyQuery* find_ready_query(std::string_view name) {
  const auto& all = ready_queries();
  const auto found = std::ranges::find(all, name, &ReadyQuery::name);
  return found == all.end() ? nullptr : &*found;
}

std::string question_of(const ReadyQuery& query) {
  const auto line = query.sql.substr(0, query.sql.find('\n'));
  return std::string(line.substr(std::min(line.size(), line.find_first_not_of("- "))));
}

std::vector<QueryParameter> parameters_of(const ReadyQuery& query) {
  std::vector<QueryParameter> parameters;
  constexpr std::string_view kMark = "-- :";
  std::istringstream lines{std::string(query.sql)};
  for (std::string line; std::getline(lines, line) && line.starts_with("--");) {
    if (!line.starts_with(kMark)) continue;
    const auto end = line.find(' ', kMark.size());
    const auto help = std::min(line.find_first_not_of(' ', end), line.size());
    parameters.push_back({line.substr(kMark.size(), end - kMark.size()), line.substr(help)});
  }
  return parameters;
}

}  // namespace mvn
