// JSON files as Values, for the files that plugins themselves read and write.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "mvn/value.h"

namespace mvn {

// Throws DataError "file:line:column: ..." when the file is not JSON, Error when it cannot be read.
Value read_json_file(const std::filesystem::path& path);

// The keys of the object that is `name` in the file's own object, as the file has them one after
// the other, which a Value does not remember; none where there is no such object.
std::vector<std::string> json_keys(const std::filesystem::path& path, std::string_view name);

// Writes `value` with sorted keys and two spaces of indent, as Python's json.dumps(indent=2,
// sort_keys=True) does; atomically.
void write_json_file(const std::filesystem::path& path, const Value& value);

}  // namespace mvn
