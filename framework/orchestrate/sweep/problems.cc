#include "orchestrate/sweep/problems.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "common/printable.h"
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

constexpr int kShown = 100;             // characters on either side of the caret
constexpr std::size_t kLongest = 2000;  // bytes of a message, which quotes what is in the file

// A line as far as it is shown, and blanks up to the caret.
struct Excerpt {
  std::string text;
  std::string blanks;
};

// Around the character at `caret`, counted from 0. Tabs stay tabs: the blanks have them, too.
Excerpt excerpt_of(std::string_view line, int caret) {
  const int first = std::max(0, caret - kShown);
  Excerpt excerpt{first > 0 ? "…" : "", first > 0 ? " " : ""};
  int seen = 0;
  for (std::size_t at = 0; at < line.size(); ++seen) {
    const auto size = code_point_at(line, at).size;
    const auto character = line.substr(at, size);
    at += size;
    if (seen < first) continue;
    if (seen > caret + kShown) {
      excerpt.text += "…";
      break;
    }
    const std::string shown = printable_lines(character);
    excerpt.text += shown;
    if (seen >= caret) continue;
    // An escape is as wide as its letters.
    excerpt.blanks +=
        shown == "\t" ? shown : std::string(shown == character ? 1 : shown.size(), ' ');
  }
  excerpt.blanks.append(static_cast<std::size_t>(std::max(0, caret - seen)), ' ');
  return excerpt;
}

// Without its middle where it is too long; what to do comes last.
std::string abridged(const std::string& message) {
  if (message.size() <= kLongest) return message;
  return message.substr(0, kLongest / 2) + " … " + message.substr(message.size() - kLongest / 2);
}

std::string heading(const Location& where) {
  std::string text = printable(where.file.string());
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
  std::string text = styled(place, "\033[1m", colour) + (place.empty() ? "" : " ") +
                     printable_lines(abridged(problem.message));
  const std::string line = where.line > 0 ? line_of(where) : replace_invalid_utf8(where.argument);
  if (line.empty() || where.column <= 0) return text;
  const auto excerpt = excerpt_of(line, where.column - 1);
  return text + "\n  " + excerpt.text + "\n  " + excerpt.blanks + styled("^", "\033[1;31m", colour);
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
  ++found_;
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
