#include "orchestrate/sweep/problems.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "common/utf8.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {
namespace {

std::string line_of(const Location& where) {
  std::ifstream in(where.file);
  std::string line;
  for (int number = 0; number < where.line; ++number) {
    if (!std::getline(in, line)) return "";
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return replace_invalid_utf8(line);
}

// Blanks as wide as the first `characters` characters of the line; tabs stay tabs.
std::string indent(const std::string& line, int characters) {
  std::string blanks;
  int seen = 0;
  for (const char c : line) {
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) continue;  // inside a UTF-8 character
    if (seen++ == characters) break;
    blanks += c == '\t' ? '\t' : ' ';
  }
  blanks.append(static_cast<std::size_t>(std::max(0, characters - seen)), ' ');
  return blanks;
}

std::string heading(const Location& where) {
  std::string text = where.file.string();
  if (where.line > 0) {
    text += ":" + std::to_string(where.line) + ":" + std::to_string(std::max(1, where.column));
  }
  return text.empty() ? text : text + ":";
}

// `text` as the escape sequence `style` shows it.
std::string styled(const std::string& text, const char* style, bool colour) {
  return colour && !text.empty() ? std::string(style) + text + "\033[0m" : text;
}

}  // namespace

std::string render(const Problem& problem, bool colour) {
  const Location& where = problem.where;
  const std::string place = heading(where);
  std::string text =
      styled(place, "\033[1m", colour) + (place.empty() ? "" : " ") + problem.message;
  const std::string line = where.line > 0 ? line_of(where) : replace_invalid_utf8(where.argument);
  if (line.empty() || where.column <= 0) return text;
  return text + "\n  " + line + "\n  " + indent(line, where.column - 1) +
         styled("^", "\033[1;31m", colour);
}

std::string render(const std::vector<Problem>& problems, bool colour) {
  std::string text;
  for (const Problem& problem : problems) {
    text += (text.empty() ? "" : "\n") + render(problem, colour);
  }
  if (problems.size() > 1) text += "\n" + std::to_string(problems.size()) + " problems";
  return text;
}

SweepErrors::SweepErrors(std::vector<Problem> problems)
    : Error(render(problems)), problems_(std::move(problems)) {}

SweepErrors::~SweepErrors() = default;

void ProblemList::add(const Mark& where, std::string message) {
  Location place = where.location();
  const std::string source = place.file.string() + "\n" + place.argument;
  if (!seen_.emplace(source, place.line, place.column, message).second) return;
  if (std::find(sources_.begin(), sources_.end(), source) == sources_.end()) {
    sources_.push_back(source);
  }
  problems_.push_back({std::move(place), std::move(message)});
}

std::vector<Problem> ProblemList::sorted() const {
  const auto rank = [&](const Problem& problem) {
    const Location& where = problem.where;
    const auto source =
        std::find(sources_.begin(), sources_.end(), where.file.string() + "\n" + where.argument);
    return std::tuple(source - sources_.begin(), where.line, where.column);
  };
  std::vector<Problem> sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Problem& a, const Problem& b) { return rank(a) < rank(b); });
  return sorted;
}

void ProblemList::throw_if_any() const {
  if (!problems_.empty()) throw SweepErrors(sorted());
}

}  // namespace mvn
