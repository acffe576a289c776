// JSON Lines: an object a line, all with the first one's keys.
#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "common/json.h"
#include "mvn/error.h"
#include "train/data/indexed_map.h"
#include "train/data/table_reader.h"

namespace mvn {
namespace {

OrderedJson parse_object(std::string_view line, const Table& table, std::int64_t number) {
  // What the cells hold is written out again, which is recursive.
  if (nests_too_deeply(line)) fail_at_line(table, number, "nested too deeply");
  OrderedJson object;
  try {
    object = OrderedJson::parse(line);
  } catch (const OrderedJson::parse_error& e) {
    throw DataError(table.path.string() + ":" + std::to_string(number) + ":" +
                    std::to_string(std::max<std::size_t>(1, e.byte)) + ": not valid JSON");
  } catch (const OrderedJson::out_of_range& e) {
    const auto value = overflowing_number(e);
    const auto column = std::min(line.find(value), line.size() - 1) + 1;
    throw DataError(table.path.string() + ":" + std::to_string(number) + ":" +
                    std::to_string(column) + ": the number " + value +
                    " is beyond what a double holds; write it as a text");
  }
  if (!object.is_object()) fail_at_line(table, number, "not a JSON object");
  return object;
}

std::string cell(const OrderedJson& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "";
  return value.dump();
}

std::vector<std::string> row_of(const OrderedJson& object, const Table& table,
                                std::int64_t number) {
  std::vector<std::string> row;
  row.reserve(table.columns.size());
  for (const auto& column : table.columns) {
    const auto found = object.find(column);
    if (found == object.end()) {
      fail_at_line(table, number, "no '" + column + "', which the first object has");
    }
    row.push_back(cell(*found));
  }
  if (object.size() == table.columns.size()) return row;
  const std::unordered_set<std::string_view> known(table.columns.begin(), table.columns.end());
  for (const auto& [name, value] : object.items()) {
    if (!known.contains(name)) {
      fail_at_line(table, number, "'" + name + "' is not in the first object");
    }
  }
  return row;
}

}  // namespace

void parse_json_lines(std::string_view text, Table& table) {
  std::int64_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const OrderedJson object = parse_object(line, table, number);
    if (table.columns.empty()) {
      for (const auto& [name, value] : object.items()) table.columns.push_back(name);
      if (table.columns.empty()) fail_at_line(table, number, "the first object has no keys");
    }
    table.rows.push_back(row_of(object, table, number));
    table.lines.push_back(number);
  }
  if (table.columns.empty()) throw DataError(table.path.string() + ": the file is empty");
}

}  // namespace mvn
