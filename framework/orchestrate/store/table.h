// Rows as a table for people, as CSV, or as JSON.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mvn {

// monostate: NULL.
using Cell = std::variant<std::monostate, std::int64_t, double, std::string>;

enum class RowFormat { kTable, kCsv, kJson };
// "table", "csv" or "json"; throws ConfigError that names the nearest.
RowFormat row_format(std::string_view name);

class RowWriter {
 public:
  virtual ~RowWriter();
  // Called once, before any row.
  virtual void columns(const std::vector<std::string>& names) = 0;
  virtual void row(std::vector<Cell> cells) = 0;
  virtual void end() = 0;
};

// kTable: aligned columns, numbers to 6 digits, NULL as "-", no line wider than `width`. The first
// kRowsToAlignBy rows decide how wide the columns are; then each row is written as it comes, and
// where there is room for it, a longer text is written in full. kCsv: RFC 4180 with LF line ends,
// NULL as an empty field, numbers in full. kJson: an array of objects, NaN and infinities as the
// texts "NaN", "Infinity", "-Infinity". CSV and JSON hold texts as they are; with a `width`, which
// a terminal has, nothing that it would obey.
inline constexpr std::size_t kRowsToAlignBy = 1000;
std::unique_ptr<RowWriter> make_row_writer(RowFormat format, std::ostream& out,
                                           std::optional<std::size_t> width = {});

// Columns of the terminal on `descriptor`; nullopt when it is not a terminal.
std::optional<std::size_t> terminal_width(int descriptor);

}  // namespace mvn
