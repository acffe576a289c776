// JSON files as Values, for the files that plugins themselves read and write.
#pragma once

#include <filesystem>

#include "mvn/value.h"

namespace mvn {

// Throws DataError "file:line:column: ..." when the file is not JSON, Error when it cannot be read.
Value read_json_file(const std::filesystem::path& path);

// Writes `value` with sorted keys and two spaces of indent, as Python's json.dumps(indent=2,
// sort_keys=True) does; atomically.
void write_json_file(const std::filesystem::path& path, const Value& value);

}  // namespace mvn
