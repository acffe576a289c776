#include "mvn/json_file.h"

#include "common/files.h"
#include "common/json.h"

namespace mvn {

Value read_json_file(const std::filesystem::path& path) { return to_value(read_json(path)); }

void write_json_file(const std::filesystem::path& path, const Value& value) {
  write_file_atomically(path, to_json(value).dump(2) + "\n");
}

}  // namespace mvn
