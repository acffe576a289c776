// What Datasette shows beside the views of results.db, and the queries that it offers. Private to
// datasette.cc.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

namespace mvn {

struct DescribedView {
  std::string_view name;
  std::string_view description;
};
// Of every view that people query but those of single sweeps.
const std::vector<DescribedView>& described_views();

// What a column means, in whichever view; empty where its name says it.
std::string_view column_description(std::string_view column);

// `sql` asks for :sweep, all of them where that is empty.
struct StoredQuery {
  std::string_view name;
  std::string_view title;
  std::string_view description;
  std::string_view sql;
};
const std::vector<StoredQuery>& stored_queries();

}  // namespace mvn
