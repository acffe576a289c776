#include "mvn/pattern.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>

#include "mvn/error.h"

namespace mvn {
namespace {

// An expression of a stranger's file may have any length.
std::string quoted(const std::string& expression) {
  constexpr std::size_t kShown = 80;
  if (expression.size() <= kShown) return "'" + expression + "'";
  return "'" + expression.substr(0, kShown) + "...' (" + std::to_string(expression.size()) +
         " characters)";
}

[[noreturn]] void refuse(const std::string& expression, const std::string& what) {
  throw Error("the regular expression " + quoted(expression) + " uses " + what +
              ", which is not supported");
}

[[noreturn]] void refuse_invalid(const std::string& expression, const std::string& why) {
  throw Error(quoted(expression) + " is not a valid regular expression" +
              (why.empty() ? "" : ": " + why));
}

// RE2 knows escapes that Python refuses (\C, \pL, \z), and Python some that RE2 has not.
void check_escape(const std::string& whole, char escaped) {
  constexpr std::string_view kLetters = "dDsSwWbBnrtfv";
  if (std::isalnum(static_cast<unsigned char>(escaped)) != 0 &&
      kLetters.find(escaped) == std::string_view::npos) {
    refuse(whole, std::string("\\") + escaped);
  }
}

// One behind the set that begins at `begin`; a bracket that comes first is one of it.
std::size_t end_of_set(const std::string& text, std::size_t begin) {
  std::size_t i = begin + 1;
  if (i < text.size() && text[i] == '^') ++i;
  if (i < text.size() && text[i] == ']') ++i;
  for (; i < text.size() && text[i] != ']'; ++i) {
    if (text[i] == '\\') ++i;
  }
  return std::min(i + 1, text.size());
}

// One behind the group that begins at `begin`, or npos where it is not closed.
std::size_t end_of_group(const std::string& text, std::size_t begin) {
  int depth = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '[') {
      i = end_of_set(text, i) - 1;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')' && --depth == 0) {
      return i + 1;
    }
  }
  return std::string::npos;
}

// Whether there is a | outside of all groups.
bool has_alternatives(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '[') {
      i = end_of_set(text, i) - 1;
    } else if (text[i] == '(') {
      i = std::min(end_of_group(text, i), text.size()) - 1;
    } else if (text[i] == '|') {
      return true;
    }
  }
  return false;
}

void check_syntax(const std::string& part, const std::string& whole) {
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] == '\\' && i + 1 < part.size()) {
      check_escape(whole, part[++i]);
    } else if (part.compare(i, 3, "[[:") == 0) {
      refuse(whole, "[[:");
    } else if (part.compare(i, 2, "{,") == 0) {
      refuse(whole, "'{,'");
    } else if (part.compare(i, 3, "(?=") == 0 || part.compare(i, 3, "(?!") == 0) {
      refuse(whole, "'" + part.substr(i, 3) + "' elsewhere than at its beginning");
    } else if (part.compare(i, 2, "(?") == 0 && part.compare(i, 3, "(?:") != 0) {
      refuse(whole, "'" + part.substr(i, 3) + "'");
    }
  }
}

std::shared_ptr<const re2::RE2> compile(const std::string& part, const std::string& whole) {
  check_syntax(part, whole);
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto compiled = std::make_shared<const re2::RE2>(part, options);
  if (compiled->ok()) return compiled;
  std::string why = compiled->error();
  // Behind the reason RE2 repeats the part at fault, which may be all of it.
  if (const auto& at = compiled->error_arg(); !at.empty() && why.ends_with(": " + at)) {
    why.resize(why.size() - at.size() - 2);
  }
  refuse_invalid(whole, why);
}

}  // namespace

Pattern::Pattern(const std::string& expression) {
  std::string rest = expression;
  bool anchored = false;
  if (rest.starts_with("^(?=") || rest.starts_with("^(?!")) {
    rest.erase(0, 1);
    anchored = true;
  }
  while (rest.starts_with("(?=") || rest.starts_with("(?!")) {
    const auto end = end_of_group(rest, 0);
    if (end == std::string::npos) refuse_invalid(expression, "missing )");
    look_aheads_.push_back({compile(rest.substr(3, end - 4), expression), rest[2] == '='});
    rest.erase(0, end);
  }
  if (!look_aheads_.empty() && has_alternatives(rest)) {
    refuse(expression, "'(?' before alternatives; put the alternatives into a group");
  }
  expression_ = compile((anchored ? "^" : "") + rest, expression);
}

bool Pattern::looks_right(std::string_view text) const {
  return std::all_of(look_aheads_.begin(), look_aheads_.end(), [&](const LookAhead& each) {
    return each.expression->Match({text.data(), text.size()}, 0, text.size(),
                                  re2::RE2::ANCHOR_START, nullptr, 0) == each.wanted;
  });
}

bool Pattern::matches(std::string_view text) const {
  return looks_right(text) && expression_->Match({text.data(), text.size()}, 0, text.size(),
                                                 re2::RE2::ANCHOR_BOTH, nullptr, 0);
}

bool Pattern::found_in(std::string_view text) const {
  return looks_right(text) && expression_->Match({text.data(), text.size()}, 0, text.size(),
                                                 re2::RE2::UNANCHORED, nullptr, 0);
}

std::optional<std::string> Pattern::last_group_of_match(std::string_view text) const {
  const auto groups = static_cast<std::size_t>(expression_->NumberOfCapturingGroups());
  std::vector<re2::StringPiece> found(groups + 1);
  if (!looks_right(text) ||
      !expression_->Match({text.data(), text.size()}, 0, text.size(), re2::RE2::ANCHOR_BOTH,
                          found.data(), static_cast<int>(found.size()))) {
    return std::nullopt;
  }
  return std::string(found.back().data(), found.back().size());
}

}  // namespace mvn
