// `mvn-runner artifacts`: where each model, adapter and checkpoint is, and whether it still is
// there.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>

#include "orchestrate/store/table.h"

namespace mvn {

// Of a sweep, or of all where it is "". With `hash` a row for each file, and its SHA-256. Reads
// only.
void list_artifacts(const std::filesystem::path& results, const std::string& sweep, bool hash,
                    RowFormat format, std::ostream& out);

}  // namespace mvn
