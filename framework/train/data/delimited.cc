// CSV, TSV and their kin: one pass over the text, a record at a time.
#include "mvn/error.h"
#include "train/data/table_reader.h"

namespace mvn {
namespace {

class Scanner {
 public:
  Scanner(std::string_view text, const Dialect& dialect, const Table& table)
      : text_(text), dialect_(dialect), table_(table) {}

  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] std::int64_t line() const { return line_; }

  void skip_empty_lines() {
    while (!at_end() && at_line_end()) end_line();
  }

  // The next record of at least one field. Of `most` fields the last is the rest of the line.
  std::vector<std::string> record(std::size_t most) {
    std::vector<std::string> fields;
    fields.push_back(most == 1 ? rest() : field());
    while (!at_end() && text_[at_] == dialect_.delimiter) {
      ++at_;
      fields.push_back(fields.size() + 1 == most ? rest() : field());
    }
    end_line();
    return fields;
  }

 private:
  std::string field() {
    if (dialect_.quoting && !at_end() && text_[at_] == '"') return quoted_field();
    const std::size_t begin = at_;
    while (!at_end() && text_[at_] != dialect_.delimiter && !at_line_end()) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string rest() {
    const std::size_t begin = at_;
    while (!at_end() && !at_line_end()) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string quoted_field() {
    const std::int64_t opened = line_;
    std::string value;
    for (++at_; !at_end(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        if (at_ + 1 == text_.size() || text_[at_ + 1] != '"') {
          ++at_;
          if (!at_end() && text_[at_] != dialect_.delimiter && !at_line_end()) {
            fail_at_line(table_, line_,
                         "text after a closing quote; a quote inside a quoted field "
                         "is written twice");
          }
          return value;
        }
        ++at_;
      }
      if (c == '\n') ++line_;
      value.push_back(c);
    }
    fail_at_line(table_, opened, "a quoted field is not closed");
  }

  // A lone carriage return is text, as in every reader that knows LF and CRLF.
  [[nodiscard]] bool at_line_end() const {
    return text_[at_] == '\n' ||
           (text_[at_] == '\r' && (at_ + 1 == text_.size() || text_[at_ + 1] == '\n'));
  }

  void end_line() {
    if (!at_end() && text_[at_] == '\r') ++at_;
    if (!at_end() && text_[at_] == '\n') ++at_;
    ++line_;
  }

  std::string_view text_;
  Dialect dialect_;
  const Table& table_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
};

// Names where the file has none: the options', or column1, column2, ...
std::vector<std::string> given_columns(const TableOptions& options, std::size_t width) {
  if (!options.columns.empty()) return options.columns;
  std::vector<std::string> names;
  for (std::size_t i = 1; i <= width; ++i) names.push_back("column" + std::to_string(i));
  return names;
}

}  // namespace

void parse_delimited(std::string_view text, const Dialect& dialect, const TableOptions& options,
                     Table& table) {
  Scanner scanner(text, dialect, table);
  const bool named = options.header && options.columns.empty();
  const std::size_t most = dialect.last_is_rest ? options.columns.size() : 0;
  for (scanner.skip_empty_lines(); !scanner.at_end(); scanner.skip_empty_lines()) {
    const std::int64_t line = scanner.line();
    std::vector<std::string> fields = scanner.record(most);
    if (table.columns.empty()) {
      if (named) {
        table.columns = std::move(fields);
        continue;
      }
      table.columns = given_columns(options, fields.size());
    }
    if (fields.size() != table.columns.size()) {
      fail_at_line(table, line,
                   count_of(fields.size(), "field") + " where the table has " +
                       count_of(table.columns.size(), "column"));
    }
    table.rows.push_back(std::move(fields));
    table.lines.push_back(line);
  }
  if (table.columns.empty()) throw DataError(table.path.string() + ": the file is empty");
}

}  // namespace mvn
