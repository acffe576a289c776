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
  return text.empty() ? text : text + ": ";
}

std::string render_all(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += (text.empty() ? "" : "\n") + render(problem);
  if (problems.size() > 1) text += "\n" + std::to_string(problems.size()) + " problems";
  return text;
}

}  // namespace

std::string render(const Problem& problem) {
  std::string text = heading(problem.where) + problem.message;
  if (problem.where.line <= 0) return text;
  const std::string line = line_of(problem.where);
  if (line.empty()) return text;
  return text + "\n  " + line + "\n  " + indent(line, problem.where.column - 1) + "^";
}

SweepErrors::SweepErrors(std::vector<Problem> problems)
    : Error(render_all(problems)), problems_(std::move(problems)) {}

SweepErrors::~SweepErrors() = default;

void ProblemList::add(const Mark& where, std::string message) {
  Location place = where.location();
  if (!seen_.emplace(place.file.string(), place.line, place.column, message).second) return;
  if (std::find(files_.begin(), files_.end(), place.file) == files_.end()) {
    files_.push_back(place.file);
  }
  problems_.push_back({std::move(place), std::move(message)});
}

void ProblemList::throw_if_any() const {
  if (problems_.empty()) return;
  const auto rank = [&](const Problem& problem) {
    const auto file = std::find(files_.begin(), files_.end(), problem.where.file);
    return std::tuple(file - files_.begin(), problem.where.line, problem.where.column);
  };
  std::vector<Problem> sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Problem& a, const Problem& b) { return rank(a) < rank(b); });
  throw SweepErrors(std::move(sorted));
}

}  // namespace mvn
