#include "orchestrate/store/table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "common/json.h"
#include "common/printable.h"
#include "common/text.h"
#include "common/utf8.h"
#include "mvn/error.h"
#include "mvn/nearest.h"

namespace mvn {
namespace {

constexpr std::size_t kGap = 2;        // between columns
constexpr std::size_t kNarrowest = 8;  // a column is not squeezed further

std::string full(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

// Six digits, but large numbers (times, counts) in full.
std::string readable(double number) {
  if (!std::isfinite(number) || std::abs(number) >= 1e6) return full(number);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", number);
  return text.data();
}

// The first `width` columns, the last of them "…" where something is cut.
std::string cut(const std::string& text, std::size_t width) {
  if (mvn::columns(text) <= width) return text;
  std::size_t end = 0;
  for (std::size_t taken = 0; end < text.size(); ++end) {
    if (!continues_utf8(text[end]) && taken++ == width - 1) break;
  }
  return text.substr(0, end) + "…";
}

class TableWriter : public RowWriter {
 public:
  TableWriter(std::ostream& out, std::optional<std::size_t> width) : out_(out), width_(width) {}

  void columns(const std::vector<std::string>& names) override {
    for (const auto& name : names) names_.push_back(printable(name));
    numeric_.assign(names.size(), true);
  }

  void row(std::vector<Cell> cells) override {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (!aligned_ && std::holds_alternative<std::string>(cells[i])) numeric_[i] = false;
      texts.push_back(text_of(cells[i]));
    }
    if (aligned_) return line(texts);
    rows_.push_back(std::move(texts));
    if (rows_.size() == kRowsToAlignBy) align();
  }

  void end() override {
    if (!aligned_) align();
    out_.flush();
  }

 private:
  // Writes what waited for the widths.
  void align() {
    widths_ = fitting_widths();
    aligned_ = true;
    std::vector<std::string> rules;
    for (const std::size_t width : widths_) rules.emplace_back(width, '-');
    line(names_);
    line(rules);
    for (const auto& texts : rows_) line(texts);
    if (rows_.empty()) out_ << "(no rows)\n";
    out_.flush();
    rows_ = {};
  }

  static std::string text_of(const Cell& cell) {
    if (const auto* text = std::get_if<std::string>(&cell)) return printable(*text);
    if (const auto* number = std::get_if<double>(&cell)) return readable(*number);
    if (const auto* number = std::get_if<std::int64_t>(&cell)) return std::to_string(*number);
    return "-";
  }

  // As wide as the contents; where that is more than fits, the widest columns give way.
  std::vector<std::size_t> fitting_widths() {
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      std::size_t width = mvn::columns(names_[i]);
      for (const auto& texts : rows_) width = std::max(width, mvn::columns(texts[i]));
      widths.push_back(width);
    }
    if (!width_ || widths.empty()) return widths;
    std::size_t total = std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
    while (total > *width_) {
      const auto widest = std::ranges::max_element(widths);
      if (*widest <= kNarrowest) break;
      --*widest;
      --total;
      squeezed_ = true;
    }
    return widths;
  }

  void line(const std::vector<std::string>& texts) {
    std::string text;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::string shown = squeezed_ ? cut(texts[i], widths_[i]) : texts[i];
      const std::size_t taken = mvn::columns(shown);
      const std::string padding(taken < widths_[i] ? widths_[i] - taken : 0, ' ');
      if (i > 0) text.append(kGap, ' ');
      text += numeric_[i] ? padding + shown : shown + padding;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out_ << (width_ ? cut(text, std::max<std::size_t>(*width_, 1)) : text) << '\n';
  }

  std::ostream& out_;
  std::optional<std::size_t> width_;
  std::vector<std::string> names_;
  std::vector<bool> numeric_;
  std::vector<std::vector<std::string>> rows_;  // until the widths are known
  std::vector<std::size_t> widths_;
  bool aligned_ = false;
  bool squeezed_ = false;  // some columns gave way
};

class CsvWriter : public RowWriter {
 public:
  CsvWriter(std::ostream& out, bool terminal) : out_(out), terminal_(terminal) {}

  void columns(const std::vector<std::string>& names) override {
    row(std::vector<Cell>(names.begin(), names.end()));
  }

  void row(std::vector<Cell> cells) override {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) out_ << ',';
      field(cells[i]);
    }
    out_ << '\n';
  }

  void end() override { out_.flush(); }

 private:
  void field(const Cell& cell) {
    if (const auto* number = std::get_if<double>(&cell)) out_ << full(*number);
    if (const auto* number = std::get_if<std::int64_t>(&cell)) out_ << *number;
    const auto* stored = std::get_if<std::string>(&cell);
    if (stored == nullptr) return;
    const std::string text = terminal_ ? printable_lines(*stored) : *stored;
    // An empty text is quoted: an empty field is NULL.
    if (!text.empty() && text.find_first_of("\",\r\n") == std::string::npos) {
      out_ << text;
      return;
    }
    out_ << '"';
    for (const char c : text) {
      if (c == '"') out_ << '"';
      out_ << c;
    }
    out_ << '"';
  }

  std::ostream& out_;
  bool terminal_;
};

class JsonWriter : public RowWriter {
 public:
  JsonWriter(std::ostream& out, bool terminal) : out_(out), terminal_(terminal) {}

  void columns(const std::vector<std::string>& names) override {
    for (const auto& name : names) keys_.push_back(dump(name));
    out_ << '[';
  }

  void row(std::vector<Cell> cells) override {
    out_ << (first_ ? "\n{" : ",\n{");
    first_ = false;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      out_ << (i > 0 ? "," : "") << keys_[i] << ':' << dump(json_of(cells[i]));
    }
    out_ << '}';
  }

  void end() override {
    out_ << (first_ ? "]\n" : "\n]\n");
    out_.flush();
  }

 private:
  static Json json_of(const Cell& cell) {
    if (const auto* number = std::get_if<double>(&cell)) return number_to_json(*number);
    if (const auto* number = std::get_if<std::int64_t>(&cell)) return *number;
    if (const auto* text = std::get_if<std::string>(&cell)) return *text;
    return nullptr;
  }
  // Escaped as JSON has it, and on a terminal all else that it would obey.
  [[nodiscard]] std::string dump(const Json& json) const {
    const auto text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
    return terminal_ ? printable(text) : text;
  }

  std::ostream& out_;
  bool terminal_;
  std::vector<std::string> keys_;  // as JSON; columns keep the query's order
  bool first_ = true;
};

}  // namespace

RowWriter::~RowWriter() = default;

RowFormat row_format(std::string_view name) {
  static const std::vector<std::string> kNames = {"table", "csv", "json"};
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) {
    throw ConfigError("", "unknown format '" + std::string(name) + "'" + suggest(name, kNames));
  }
  return static_cast<RowFormat>(found - kNames.begin());
}

std::unique_ptr<RowWriter> make_row_writer(RowFormat format, std::ostream& out,
                                           std::optional<std::size_t> width) {
  switch (format) {
    case RowFormat::kCsv:
      return std::make_unique<CsvWriter>(out, width.has_value());
    case RowFormat::kJson:
      return std::make_unique<JsonWriter>(out, width.has_value());
    case RowFormat::kTable:
      break;
  }
  return std::make_unique<TableWriter>(out, width);
}

std::optional<std::size_t> terminal_width(int descriptor) {
  winsize size{};
  if (::isatty(descriptor) == 0 || ::ioctl(descriptor, TIOCGWINSZ, &size) != 0) return {};
  return size.ws_col > 0 ? std::optional<std::size_t>(size.ws_col) : std::nullopt;
}

}  // namespace mvn
