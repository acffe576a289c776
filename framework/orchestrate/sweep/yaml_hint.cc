#include "orchestrate/sweep/yaml_hint.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <vector>

#include "common/text.h"

namespace mvn {
namespace {

constexpr auto kNone = std::string::npos;

bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(std::move(line));
  }
  return lines;
}

std::size_t indentation(const std::string& line) {
  return std::min(line.find_first_not_of(" \t"), line.size());
}

int column_at(std::size_t position) { return static_cast<int>(position) + 1; }

class Reader {
 public:
  Reader(const std::string& text, int line, int column, std::string message)
      : lines_(lines_of(text)), line_(line), column_(column), message_(std::move(message)) {}

  YamlHint read() {
    if (line_ >= 1 && static_cast<std::size_t>(line_) <= lines_.size()) {
      for (const auto hint : {&Reader::tab, &Reader::missing_space, &Reader::colon_in_value,
                              &Reader::too_deep, &Reader::no_such_depth, &Reader::no_colon}) {
        if (auto found = (this->*hint)()) return *found;
      }
    }
    return {line_, column_, in_other_words()};
  }

 private:
  using Hint = std::optional<YamlHint>;

  [[nodiscard]] std::string in_other_words() const {
    if (message_ == "end of map flow not found") return "a '{' is not closed before here";
    if (message_ == "end of sequence flow not found") return "a '[' is not closed before here";
    if (message_.starts_with("unknown escape character")) {
      return message_ + "; in single quotes, a backslash is one";
    }
    return message_;
  }
  [[nodiscard]] const std::string& here() const {
    return lines_[static_cast<std::size_t>(line_) - 1];
  }
  // The last line above that says something; 0 where there is none.
  [[nodiscard]] int above() const {
    for (int line = line_ - 1; line > 0; --line) {
      const std::string& text = lines_[static_cast<std::size_t>(line) - 1];
      const auto start = text.find_first_not_of(" \t");
      if (start != kNone && text[start] != '#') return line;
    }
    return 0;
  }

  Hint tab() {
    for (int line = 1; line <= line_; ++line) {
      const std::string& text = lines_[static_cast<std::size_t>(line) - 1];
      const auto at = text.find('\t');
      if (at == kNone || at >= indentation(text) || indentation(text) == text.size()) continue;
      return YamlHint{line, column_at(at), "the line is indented with a tab: write spaces"};
    }
    return std::nullopt;
  }

  // "values:[1]" here; above, where the line was taken for a text that this one goes on with.
  Hint missing_space() {
    for (const int line : {line_, above()}) {
      if (line == 0) continue;
      const std::string& text = lines_[static_cast<std::size_t>(line) - 1];
      for (auto colon = text.find(':'); colon != kNone; colon = text.find(':', colon + 1)) {
        const auto start = key_start(text, colon);
        const bool whole = line != line_ && start == indentation(text);
        const std::string key = key_without_space(std::string_view(text).substr(start));
        const bool opens = text.find_first_of("[{", colon) == colon + 1;
        if (key.empty() || !(opens || whole)) continue;
        return YamlHint{line, column_at(colon + 1), "a space is missing after '" + key + "'"};
      }
    }
    return std::nullopt;
  }

  static std::size_t key_start(const std::string& text, std::size_t colon) {
    while (colon > 0 && is_key_character(text[colon - 1])) --colon;
    return colon;
  }

  // "description: lr: x"
  Hint colon_in_value() {
    const std::string& text = here();
    const auto colon = text.find(": ");
    if (message_ != "illegal map value" || colon == kNone || column_ <= column_at(colon + 1)) {
      return std::nullopt;
    }
    const auto start = text.find_first_not_of(' ', colon + 1);
    std::string value = start == kNone ? "" : text.substr(start, text.find(" #", start) - start);
    value.erase(value.find_last_not_of(' ') + 1);
    if (value.empty() || std::string_view("\"'[{|>&*").find(value[0]) != kNone) return std::nullopt;
    const char quote = value.find_first_of("\"\\") == kNone ? '"' : '\'';
    if (quote == '\'' && value.find('\'') != kNone) return std::nullopt;
    return YamlHint{line_, column_,
                    "a value with ': ' in it needs quotes: " +
                        text.substr(indentation(text), colon + 2 - indentation(text)) + quote +
                        value + quote};
  }

  // Below "a: 1", something that is indented deeper.
  Hint too_deep() {
    const int line = above();
    if (message_ != "illegal map value" || line == 0) return std::nullopt;
    const std::string& text = lines_[static_cast<std::size_t>(line) - 1];
    if (indentation(here()) <= indentation(text)) return std::nullopt;
    return YamlHint{line_, column_at(indentation(here())),
                    "the line is indented deeper than the one above, which has its value already"};
  }

  Hint no_such_depth() {
    const auto indented = indentation(here());
    if (message_ != "end of map not found" || indented == 0) return std::nullopt;
    if (column_ > column_at(indented)) return std::nullopt;
    return YamlHint{line_, column_at(indented), "the line is indented as none above it is"};
  }

  // Above, a line that is a key alone.
  Hint no_colon() {
    const int line = above();
    if (message_ != "illegal map value" || line == 0) return std::nullopt;
    const std::string& text = lines_[static_cast<std::size_t>(line) - 1];
    const auto start = indentation(text);
    if (text.find(':') != kNone || text[start] == '-') return std::nullopt;
    return YamlHint{line, column_at(start), "the line has no ': ' and value"};
  }

  const std::vector<std::string> lines_;
  const int line_;
  const int column_;
  const std::string message_;
};

}  // namespace

YamlHint yaml_hint(const std::string& text, int line, int column, const std::string& message) {
  YamlHint hint = Reader(text, line, column, message).read();
  const auto lines = lines_of(text);
  if (hint.line < 1 || static_cast<std::size_t>(hint.line) > lines.size()) return hint;
  const std::string& place = lines[static_cast<std::size_t>(hint.line) - 1];
  const auto before =
      std::min(static_cast<std::size_t>(std::max(hint.column, 1)) - 1, place.size());
  hint.column = 1 + static_cast<int>(columns(std::string_view(place).substr(0, before)));
  return hint;
}

std::string key_without_space(std::string_view text) {
  const auto colon = text.find(':');
  const bool key = colon != std::string_view::npos && colon > 0 &&
                   std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon),
                               is_key_character);
  if (!key || colon + 1 == text.size()) return "";
  const char next = text[colon + 1];
  return next == ' ' || next == '/' || next == '\\' ? "" : std::string(text.substr(0, colon + 1));
}

}  // namespace mvn
