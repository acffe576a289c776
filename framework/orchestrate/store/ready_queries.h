// The queries of results/queries: embedded at build time, asked by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mvn {

// The text begins with a comment: its first line says what the query answers, and each line
// "-- :name  what it is" a parameter of it, all of which may be left out.
struct ReadyQuery {
  std::string_view name;
  std::string_view sql;
};

// By name.
const std::vector<ReadyQuery>& ready_queries();
// Null where there is none.
const ReadyQuery* find_ready_query(std::string_view name);

// "Which configuration is best in each stage?"
std::string question_of(const ReadyQuery& query);

struct QueryParameter {
  std::string name;  // without ':'
  std::string help;
};
std::vector<QueryParameter> parameters_of(const ReadyQuery& query);

}  // namespace mvn
