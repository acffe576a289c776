#include "orchestrate/answers/page.h"

#include <cstddef>
#include <string_view>

#include "common/printable.h"
#include "orchestrate/store/table.h"

namespace mvn {
namespace {

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string markdown(const std::string& text) {
  std::string result;
  for (const char c : printable(text)) {
    if (std::string_view("\\|*_`<>[]").find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

std::string latex(const std::string& text) {
  std::string result;
  for (const char c : printable(text)) {
    if (std::string_view("#$%&_{}").find(c) != std::string_view::npos) {
      result += '\\';
      result += c;
    } else if (c == '\\') {
      result += "\\textbackslash{}";
    } else if (c == '~' || c == '^') {
      result += std::string("\\") + c + "{}";
    } else if (c == '<' || c == '>') {
      result += std::string("$") + c + "$";
    } else {
      result += c;
    }
  }
  return replaced(replaced(result, "±", "$\\pm$"), " .. ", " to ");
}

void print_plain(const Page& page, std::ostream& out, std::optional<std::size_t> width) {
  out << printable(page.heading) << '\n';
  for (const auto& table : page.tables) {
    out << '\n';
    const auto writer = make_row_writer(RowFormat::kTable, out, width);
    writer->columns(table.columns);
    for (const auto& row : table.rows) writer->row({row.begin(), row.end()});
    writer->end();
  }
  out << '\n';
  for (const auto& sentence : page.sentences) out << printable(sentence) << '\n';
  if (!page.diagram.empty()) out << '\n';
  for (const auto& line : page.diagram) out << printable(line) << '\n';
  if (!page.notes.empty()) out << '\n';
  for (const auto& note : page.notes) out << "- " << printable(note) << '\n';
}

void print_markdown(const Page& page, std::ostream& out) {
  const auto line = [&](const std::vector<std::string>& cells) {
    out << '|';
    for (const auto& cell : cells) out << ' ' << markdown(cell) << " |";
    out << '\n';
  };
  out << "### " << markdown(page.heading) << '\n';
  for (const auto& table : page.tables) {
    out << '\n';
    line(table.columns);
    out << '|';
    for (std::size_t i = 0; i < table.columns.size(); ++i) out << "---|";
    out << '\n';
    for (const auto& row : table.rows) line(row);
  }
  for (const auto& sentence : page.sentences) out << '\n' << markdown(sentence) << '\n';
  if (!page.diagram.empty()) out << '\n';
  for (const auto& each : page.diagram) out << "    " << printable(each) << '\n';
  if (!page.notes.empty()) out << '\n';
  for (const auto& note : page.notes) out << "- " << markdown(note) << '\n';
}

void print_latex(const Page& page, std::ostream& out) {
  const auto line = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) out << (i > 0 ? " & " : "") << latex(cells[i]);
    out << " \\\\\n";
  };
  out << "% " << printable(page.heading) << "; needs \\usepackage{booktabs}\n";
  for (const auto& table : page.tables) {
    out << "\\begin{tabular}{" << std::string(table.columns.size(), 'l') << "}\n\\toprule\n";
    line(table.columns);
    out << "\\midrule\n";
    for (const auto& row : table.rows) line(row);
    out << "\\bottomrule\n\\end{tabular}\n\n";
  }
  for (const auto& sentence : page.sentences) out << latex(sentence) << '\n';
  if (!page.diagram.empty()) {
    // No name may end what is shown as it is.
    out << "\\begin{verbatim}\n";
    for (const auto& each : page.diagram) out << replaced(printable(each), "\\", "/") << '\n';
    out << "\\end{verbatim}\n";
  }
  for (const auto& note : page.notes) out << latex(note) << '\n';
}

}  // namespace

void PageTable::drop_column(std::size_t column) {
  const auto at = static_cast<std::ptrdiff_t>(column);
  columns.erase(columns.begin() + at);
  for (auto& row : rows) row.erase(row.begin() + at);
}

void print_page(const Page& page, CompareFormat format, std::ostream& out,
                std::optional<std::size_t> width) {
  if (format == CompareFormat::kMarkdown) {
    print_markdown(page, out);
  } else if (format == CompareFormat::kLatex) {
    print_latex(page, out);
  } else {
    print_plain(page, out, width);
  }
}

}  // namespace mvn
