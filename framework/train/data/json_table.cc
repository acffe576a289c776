// Tables of JSON: an object a line, or an array of objects.
#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "common/json.h"
#include "mvn/error.h"
#include "train/data/indexed_map.h"
#include "train/data/table_reader.h"

namespace mvn {
namespace {

OrderedJson parse_object(std::string_view text, const Table& table, std::int64_t line) {
  // What the cells hold is written out again, which is recursive.
  if (nests_too_deeply(text)) fail_at_line(table, line, "nested too deeply");
  OrderedJson object;
  const auto place = [&](std::size_t byte) {
    return table.path.string() + ":" + std::to_string(line) + ":" + std::to_string(byte) + ": ";
  };
  try {
    object = OrderedJson::parse(text);
  } catch (const OrderedJson::parse_error& e) {
    throw DataError(place(std::max<std::size_t>(1, e.byte)) + "not valid JSON");
  } catch (const OrderedJson::out_of_range& e) {
    const auto value = overflowing_number(e);
    throw DataError(place(std::min(text.find(value), text.size() - 1) + 1) + "the number " + value +
                    " is beyond what a double holds; write it as a text");
  }
  if (!object.is_object()) fail_at_line(table, line, "not a JSON object");
  return object;
}

bool is_text_list(const OrderedJson& value) {
  return value.is_array() &&
         std::ranges::all_of(value, [](const auto& each) { return each.is_string(); });
}

// The value of a column: of the key of that name, or of the keys within objects that its dots
// separate.
const OrderedJson* find(const OrderedJson& object, const std::string& column) {
  if (const auto found = object.find(column); found != object.end()) return &*found;
  const OrderedJson* value = &object;
  for (std::size_t at = 0; at <= column.size();) {
    const std::size_t end = std::min(column.find('.', at), column.size());
    if (!value->is_object()) return nullptr;
    const auto found = value->find(column.substr(at, end - at));
    if (found == value->end()) return nullptr;
    value = &*found;
    at = end + 1;
  }
  return value;
}

class JsonTable {
 public:
  JsonTable(const TableOptions& options, Table& table) : options_(options), table_(table) {
    for (const auto& name : options.needed) add_column(name);
  }

  void add(std::string_view text, std::int64_t line) {
    const OrderedJson object = parse_object(text, table_, line);
    if (table_.columns.empty()) add_keys_of(object, line);
    std::vector<std::string> row;
    row.reserve(table_.columns.size());
    for (const auto& column : table_.columns) {
      const auto* value = find(object, column);
      if (value == nullptr) fail_at_line(table_, line, "has no '" + column + "'" + keys_of(object));
      row.push_back(cell(column, *value));
    }
    table_.rows.push_back(std::move(row));
    table_.lines.push_back(line);
  }

 private:
  void add_column(const std::string& name) {
    if (std::ranges::find(table_.columns, name) == table_.columns.end()) {
      table_.columns.push_back(name);
    }
  }

  void add_keys_of(const OrderedJson& object, std::int64_t line) {
    for (const auto& [name, value] : object.items()) table_.columns.push_back(name);
    if (table_.columns.empty()) fail_at_line(table_, line, "the first object has no keys");
  }

  static std::string keys_of(const OrderedJson& object) {
    constexpr std::size_t kListed = 30;
    std::string text;
    std::size_t count = 0;
    for (const auto& [name, value] : object.items()) {
      if (count++ < kListed) text.append(text.empty() ? "" : ", ").append(name);
    }
    if (count > kListed) text += " and " + std::to_string(count - kListed) + " more";
    return text.empty() ? "" : " (its keys: " + text + ")";
  }

  std::string cell(const std::string& column, const OrderedJson& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_null()) return "";
    const bool joins = std::ranges::find(options_.joined, column) != options_.joined.end();
    if (!joins || !is_text_list(value)) return value.dump();
    std::string text;
    for (const auto& each : value) {
      text.append(text.empty() ? "" : " ").append(each.get_ref<const std::string&>());
    }
    return text;
  }

  const TableOptions& options_;
  Table& table_;
};

// Where an array's element that begins at `at` ends: before the comma or bracket behind it.
std::size_t element_end(std::string_view text, std::size_t at) {
  int depth = 0;
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '\\') ++at;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '{' || c == '[') ++depth;
    if (depth == 0 && (c == ',' || c == ']')) return at;
    if (c == '}' || c == ']') --depth;
  }
  return at;
}

void parse_array(std::string_view text, JsonTable& rows, const Table& table) {
  constexpr std::string_view kSpaces = " \t\r\n";
  std::int64_t line = 1;
  std::size_t at = 0;
  // Goes on to the next character that means something, and counts lines.
  const auto skip_to = [&](std::size_t end) {
    line += std::count(text.begin() + static_cast<std::ptrdiff_t>(at),
                       text.begin() + static_cast<std::ptrdiff_t>(end), '\n');
    at = end;
  };
  const auto skip_spaces = [&] {
    skip_to(std::min(text.find_first_not_of(kSpaces, at), text.size()));
  };
  skip_spaces();
  skip_to(at + 1);  // the opening bracket
  while (true) {
    skip_spaces();
    if (at < text.size() && text[at] == ']') break;
    const std::size_t end = element_end(text, at);
    if (end >= text.size()) fail_at_line(table, line, "not valid JSON: the array is not closed");
    rows.add(text.substr(at, end - at), line);
    skip_to(end);
    if (text[at] == ',') skip_to(at + 1);
  }
  skip_to(at + 1);
  skip_spaces();
  if (at < text.size()) fail_at_line(table, line, "not valid JSON: text behind the array");
}

void parse_lines(std::string_view text, JsonTable& rows) {
  std::int64_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) rows.add(line, number);
  }
}

}  // namespace

void parse_json(std::string_view text, const TableOptions& options, Table& table) {
  JsonTable rows(options, table);
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '[') {
    parse_array(text, rows, table);
  } else {
    parse_lines(text, rows);
  }
  if (table.rows.empty()) throw DataError(table.path.string() + ": the file is empty");
}

}  // namespace mvn
