// The answer that the page begins with. Private to the page.
#pragma once

#include <filesystem>
#include <string>

#include "common/json.h"
#include "orchestrate/store/database.h"

namespace mvn {

struct PageVerdict {
  Json verdict;      // {"question", "parts": [{"heading", "sentences", "notes", "tables"}]}
  Json comparisons;  // of compare, all numbers in full; [] where there is nothing to compare
};

// Of the comparison by the parameter `by`, or, where that is "", by model.plugin where it varies;
// elsewhere of the two best configurations, as the report at a sweep's end has it.
PageVerdict page_verdict(Database& db, const std::string& sweep, const std::string& by);

}  // namespace mvn
