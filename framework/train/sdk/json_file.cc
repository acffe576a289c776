#include "mvn/json_file.h"

#include "common/files.h"
#include "common/json.h"

namespace mvn {

Value read_json_file(const std::filesystem::path& path) { return to_value(read_json(path)); }

std::vector<std::string> json_keys(const std::filesystem::path& path, std::string_view name) {
  static_cast<void>(read_json(path));  // whose errors say where
  const auto json = nlohmann::ordered_json::parse(read_file(path));
  std::vector<std::string> keys;
  if (!json.is_object()) return keys;
  const auto found = json.find(name);
  if (found == json.end() || !found->is_object()) return keys;
  for (const auto& [key, value] : found->items()) keys.push_back(key);
  return keys;
}

void write_json_file(const std::filesystem::path& path, const Value& value) {
  write_file_atomically(path, to_json(value).dump(2) + "\n");
}

}  // namespace mvn
