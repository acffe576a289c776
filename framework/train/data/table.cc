// Opens a table: which format, the bytes, the checks that all formats share.
#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_set>

#include "common/files.h"
#include "common/lfs_pointer.h"
#include "common/utf8.h"
#include "mvn/data.h"
#include "mvn/error.h"
#include "mvn/nearest.h"
#include "train/data/table_reader.h"

namespace mvn {
namespace {

enum class Format { kCsv, kTsv, kText, kJsonLines };

Format format_of_ending(const std::filesystem::path& path, const std::string& key) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (ending == ".csv") return Format::kCsv;
  if (ending == ".tsv") return Format::kTsv;
  if (ending == ".txt") return Format::kText;
  if (ending == ".jsonl" || ending == ".json" || ending == ".ndjson") return Format::kJsonLines;
  if (ending == ".xz" || ending == ".gz" || ending == ".zst") {
    throw ConfigError(key, path.string() + " is compressed; unpack it first");
  }
  throw ConfigError(key, "cannot tell the format of " + path.string() +
                             " by its ending; give the format (csv, tsv, txt or jsonl)");
}

Format format_of(const std::filesystem::path& path, const TableOptions& options,
                 const std::string& key) {
  if (options.format == "auto") return format_of_ending(path, key);
  if (options.format == "csv") return Format::kCsv;
  if (options.format == "tsv") return Format::kTsv;
  if (options.format == "txt") return Format::kText;
  if (options.format == "jsonl") return Format::kJsonLines;
  const std::array<std::string, 5> known = {"auto", "csv", "tsv", "txt", "jsonl"};
  throw ConfigError(
      key, "unknown table format '" + options.format + "'" + suggest(options.format, known));
}

Dialect dialect_of(Format format, const std::filesystem::path& path, const TableOptions& options,
                   const std::string& key) {
  Dialect dialect;
  dialect.quoting = format == Format::kCsv;
  dialect.delimiter = format == Format::kCsv ? ',' : '\t';
  if (options.delimiter.empty()) {
    if (format != Format::kText) return dialect;
    throw ConfigError(key, path.string() + ": a table in a .txt file needs a delimiter");
  }
  const std::string& wanted = options.delimiter;
  if (wanted.size() != 1 || wanted == "\n" || wanted == "\r" ||
      (dialect.quoting && wanted == "\"")) {
    throw ConfigError(
        key, "the delimiter of " + path.string() + " must be one character, got '" + wanted + "'");
  }
  dialect.delimiter = wanted[0];
  return dialect;
}

// The file's text without a byte order mark, checked to be UTF-8.
std::string read_utf8(const std::filesystem::path& path, const std::string& key) {
  if (!std::filesystem::exists(path)) throw ConfigError(key, "no file " + path.string());
  std::string text;
  try {
    text = read_file(path);
  } catch (const Error& e) {
    throw ConfigError(key, e.what());
  }
  refuse_lfs_pointer(path, text);
  const std::size_t valid = valid_utf8_prefix(text);
  if (valid != text.size()) {
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(valid), '\n');
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(text[valid]);
    throw DataError(path.string() + ":" + std::to_string(line) + ": not UTF-8 (byte 0x" +
                    kDigits[byte >> 4] + kDigits[byte & 15] +
                    "); convert the file, for example with iconv -f latin1 -t utf-8");
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  return text;
}

void check_columns(const Table& table) {
  std::unordered_set<std::string_view> seen;
  for (const auto& name : table.columns) {
    if (!seen.insert(name).second) fail_at_line(table, 1, "two columns are named '" + name + "'");
  }
}

}  // namespace

std::size_t Table::column(const std::string& name, const std::string& key) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found != columns.end()) return static_cast<std::size_t>(found - columns.begin());
  std::string message = path.string() + " has no column '" + name + "'";
  if (const auto nearest = nearest_name(name, columns); !nearest.empty()) {
    message += "; did you mean '" + nearest + "'?";
  }
  message += " (columns: ";
  constexpr std::size_t kListed = 30;
  for (std::size_t i = 0; i < std::min(columns.size(), kListed); ++i) {
    message += (i == 0 ? "" : ", ") + columns[i];
  }
  if (columns.size() > kListed) {
    message += " and " + std::to_string(columns.size() - kListed) + " more";
  }
  throw ConfigError(key, message + ")");
}

TableOptions table_options(const Params& params) {
  TableOptions options;
  options.format = params.get_text("format");
  if (params.has("delimiter")) options.delimiter = params.get_text("delimiter");
  options.header = params.get_bool("header");
  if (params.has("columns")) options.columns = params.get_text_list("columns");
  return options;
}

Table read_table(const std::filesystem::path& path, const TableOptions& options,
                 const std::string& key) {
  Table table;
  table.path = path;
  const Format format = format_of(path, options, key);
  if (format == Format::kJsonLines) {
    parse_json_lines(read_utf8(path, key), table);
  } else {
    const Dialect dialect = dialect_of(format, path, options, key);
    parse_delimited(read_utf8(path, key), dialect, options, table);
  }
  check_columns(table);
  return table;
}

std::string read_text(const std::filesystem::path& path, const std::string& key) {
  return read_utf8(path, key);
}

void fail_at_line(const Table& table, std::int64_t line, const std::string& message) {
  throw DataError(table.path.string() + ":" + std::to_string(line) + ": " + message);
}

std::string count_of(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace mvn
