// `mvn-runner report`: the page of a sweep as one file that needs nothing else.
#pragma once

#include <filesystem>
#include <string>

#include "orchestrate/page/page_data.h"

namespace mvn {

// The same text from the same results. Throws as PageData does.
std::string report_html(const std::filesystem::path& database, const PageRequest& request);

}  // namespace mvn
