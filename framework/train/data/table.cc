// Opens a table: which format, the bytes, the checks that all formats share.
#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_set>

#include "mvn/data.h"
#include "mvn/error.h"
#include "mvn/nearest.h"
#include "train/data/columnar.h"
#include "train/data/source.h"
#include "train/data/table_reader.h"

namespace mvn {
namespace {

enum class Format { kCsv, kTsv, kText, kJson, kParquet, kArrow };

bool is_columnar(Format format) { return format == Format::kParquet || format == Format::kArrow; }

Format format_of_ending(const std::filesystem::path& path, const std::string& key) {
  const auto ending = data_ending(path);
  if (ending == ".csv") return Format::kCsv;
  if (ending == ".tsv") return Format::kTsv;
  if (ending == ".txt" || ending == ".text") return Format::kText;
  if (ending == ".jsonl" || ending == ".json" || ending == ".ndjson") return Format::kJson;
  if (ending == ".parquet" || begins_as_parquet(path)) return Format::kParquet;
  if (ending == ".arrow" || ending == ".feather" || begins_as_arrow_file(path)) {
    return Format::kArrow;
  }
  throw ConfigError(key, "cannot tell the format of " + path.string() +
                             " by its ending; give the format (csv, tsv, txt, jsonl, parquet or "
                             "arrow)");
}

Format format_of(const std::filesystem::path& path, const TableOptions& options,
                 const std::string& key) {
  if (options.format == "auto") return format_of_ending(path, key);
  if (options.format == "csv") return Format::kCsv;
  if (options.format == "tsv") return Format::kTsv;
  if (options.format == "txt") return Format::kText;
  if (options.format == "jsonl") return Format::kJson;
  if (options.format == "parquet") return Format::kParquet;
  if (options.format == "arrow") return Format::kArrow;
  const std::array<std::string, 7> known = {"auto",  "csv",     "tsv",  "txt",
                                            "jsonl", "parquet", "arrow"};
  throw ConfigError(
      key, "unknown table format '" + options.format + "'" + suggest(options.format, known));
}

Dialect dialect_of(Format format, const std::filesystem::path& path, const TableOptions& options,
                   const std::string& key) {
  Dialect dialect;
  dialect.quoting = format == Format::kCsv;
  dialect.last_is_rest = format == Format::kText && !options.columns.empty();
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

// Its bytes would be no text, which says less.
void refuse_columnar(const std::filesystem::path& path, const std::string& key) {
  const bool parquet = begins_as_parquet(path);
  if (!parquet && !begins_as_arrow_file(path)) return;
  throw ConfigError(key, path.string() + (parquet ? " is a Parquet file, whatever its name says; "
                                                    "say format: parquet"
                                                  : " is an Arrow file, whatever its name says; "
                                                    "say format: arrow"));
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
  options.encoding = params.get_text("encoding");
  return options;
}

std::vector<ParamSpec> table_params() {
  return {
      {.name = "format",
       .default_value = "auto",
       .help = "format of tables; auto goes by their names' endings",
       .choices = {"auto", "csv", "tsv", "txt", "jsonl", "parquet", "arrow"}},
      {.name = "delimiter", .help = "one character between columns (default: the format's own)"},
      {.name = "header",
       .type = ParamType::kBool,
       .default_value = true,
       .help = "whether the first line of a table names the columns, unless `columns` does"},
      {.name = "columns",
       .type = ParamType::kTextList,
       .help = "names of the columns where there is no header; in a .txt file the last one is the "
               "rest of the line"},
      {.name = "encoding",
       .default_value = kUtf8,
       .help = "of the files",
       .choices = {kUtf8, "latin-1", "windows-1252", "utf-16"}},
  };
}

Table read_table(const std::filesystem::path& path, const TableOptions& options,
                 const std::string& key) {
  Table table;
  table.path = path;
  const Format format = format_of(path, options, key);
  if (is_columnar(format)) {
    const auto form = format == Format::kParquet ? ColumnarForm::kParquet : ColumnarForm::kArrow;
    read_columnar({path, form, options.needed, options.joined}, table, key);
    check_columns(table);
    return table;
  }
  refuse_columnar(path, key);
  if (format == Format::kJson) {
    parse_json(read_source(path, options.encoding, key), options, table);
  } else {
    const Dialect dialect = dialect_of(format, path, options, key);
    parse_delimited(read_source(path, options.encoding, key), dialect, options, table);
  }
  check_columns(table);
  return table;
}

std::vector<std::string> read_lines(const std::filesystem::path& path, const std::string& encoding,
                                    const std::string& key) {
  const std::string text = read_source(path, encoding, key);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const bool windows = end > at && text[end - 1] == '\r';
    lines.push_back(text.substr(at, end - at - (windows ? 1 : 0)));
    at = end + 1;
  }
  return lines;
}

std::string read_text(const std::filesystem::path& path, const std::string& key,
                      const std::string& encoding) {
  return read_source(path, encoding, key);
}

void fail_at_line(const Table& table, std::int64_t line, const std::string& message) {
  throw DataError(table.path.string() + ":" + std::to_string(line) + ": " + message);
}

std::string count_of(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace mvn
