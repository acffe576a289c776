#include "orchestrate/sweep/expression.h"

#include <algorithm>
#include <utility>

#include "mvn/error.h"
#include "orchestrate/sweep/scalar.h"

namespace mvn {

struct Expression::Term {
  enum class Kind { kConstant, kKey, kCompare, kIn, kAnd, kOr, kNot };
  Kind kind = Kind::kConstant;
  std::string text;  // the key or the operator
  Json constant;
  std::vector<std::shared_ptr<const Term>> parts;
};

namespace {

using Term = Expression::Term;
using TermPtr = std::shared_ptr<const Term>;

struct Token {
  enum class Kind { kEnd, kSymbol, kWord, kText };
  Kind kind = Kind::kEnd;
  std::string text;
  std::size_t at = 0;  // from 1
};

[[noreturn]] void fail(const Token& token, const std::string& message) {
  const std::string what = token.kind == Token::Kind::kEnd ? "its end" : "'" + token.text + "'";
  throw ConfigError("", message + " at " + what + " (character " + std::to_string(token.at) + ")");
}

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-' || c == '+' || c == '/';
}

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : text_(text) {}

  Token next() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    Token token;
    token.at = at_ + 1;
    if (at_ == text_.size()) return token;
    if (text_[at_] == '\'' || text_[at_] == '"') return quoted(token);
    if (is_word_character(text_[at_])) return word(token);
    return symbol(token);
  }

 private:
  Token quoted(Token token) {
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    token.kind = Token::Kind::kText;
    token.text = text_.substr(at_ + 1, end - at_ - 1);
    if (end == std::string_view::npos) fail(token, "the quote is never closed");
    at_ = end + 1;
    return token;
  }

  Token word(Token token) {
    const std::size_t start = at_;
    while (at_ < text_.size() && is_word_character(text_[at_])) ++at_;
    token.kind = Token::Kind::kWord;
    token.text = text_.substr(start, at_ - start);
    return token;
  }

  Token symbol(Token token) {
    static constexpr std::string_view kSymbols[] = {"==", "!=", "<=", ">=", "&&", "||", "<",
                                                    ">",  "!",  "(",  ")",  "[",  "]",  ","};
    token.kind = Token::Kind::kSymbol;
    for (const std::string_view symbol : kSymbols) {
      if (!text_.substr(at_).starts_with(symbol)) continue;
      token.text = symbol;
      at_ += symbol.size();
      return token;
    }
    token.text = text_.substr(at_, 1);
    fail(token, token.text == "=" ? "write == to compare," : "unexpected character");
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

class ExpressionParser {
 public:
  ExpressionParser(std::string_view text, std::vector<std::string>& keys)
      : tokenizer_(text), token_(tokenizer_.next()), keys_(keys) {}

  TermPtr parse() {
    TermPtr term = any_of();
    if (token_.kind != Token::Kind::kEnd) fail(token_, "expected && or ||");
    return term;
  }

 private:
  bool accept(std::string_view symbol, std::string_view word = "") {
    const bool found = (token_.kind == Token::Kind::kSymbol && token_.text == symbol) ||
                       (token_.kind == Token::Kind::kWord && !word.empty() && token_.text == word);
    if (found) token_ = tokenizer_.next();
    return found;
  }

  void expect(std::string_view symbol) {
    if (!accept(symbol)) fail(token_, "expected '" + std::string(symbol) + "'");
  }

  static TermPtr make(Term::Kind kind, std::string text, std::vector<TermPtr> parts) {
    auto term = std::make_shared<Term>();
    term->kind = kind;
    term->text = std::move(text);
    term->parts = std::move(parts);
    return term;
  }

  TermPtr any_of() {
    TermPtr term = all_of();
    while (accept("||", "or")) term = make(Term::Kind::kOr, "", {term, all_of()});
    return term;
  }

  TermPtr all_of() {
    TermPtr term = negation();
    while (accept("&&", "and")) term = make(Term::Kind::kAnd, "", {term, negation()});
    return term;
  }

  TermPtr negation() {
    if (++depth_ > 100) fail(token_, "nested too deeply");
    TermPtr term;
    if (accept("!", "not")) {
      term = make(Term::Kind::kNot, "", {negation()});
    } else if (accept("(")) {
      term = any_of();
      expect(")");
    } else {
      term = comparison();
    }
    --depth_;
    return term;
  }

  TermPtr comparison() {
    TermPtr left = operand();
    if (accept("", "in")) return membership(left);
    static constexpr std::string_view kOperators[] = {"==", "!=", "<=", ">=", "<", ">"};
    for (const std::string_view symbol : kOperators) {
      if (accept(symbol)) return make(Term::Kind::kCompare, std::string(symbol), {left, operand()});
    }
    return left;  // a boolean parameter by itself
  }

  TermPtr membership(const TermPtr& left) {
    std::vector<TermPtr> parts = {left};
    expect("[");
    do {
      parts.push_back(operand());
    } while (accept(","));
    expect("]");
    return make(Term::Kind::kIn, "", std::move(parts));
  }

  TermPtr operand() {
    auto term = std::make_shared<Term>();
    if (token_.kind == Token::Kind::kText) {
      term->constant = token_.text;
    } else if (token_.kind != Token::Kind::kWord) {
      fail(token_, "expected a key or a constant");
    } else if (const auto flag = core_bool(token_.text)) {
      term->constant = *flag;
    } else if (const auto number = core_real(token_.text)) {
      term->constant = *number;
    } else if (token_.text != "null") {
      if (token_.text.find('.') == std::string::npos && token_.text != "seed" &&
          token_.text != "recipe") {
        fail(token_, "a text needs quotes, and a key its section,");
      }
      term->kind = Term::Kind::kKey;
      term->text = token_.text;
      keys_.push_back(token_.text);
    }
    token_ = tokenizer_.next();
    return term;
  }

  Tokenizer tokenizer_;
  Token token_;
  std::vector<std::string>& keys_;
  int depth_ = 0;
};

Json value_of(const Term& term, const Expression::Lookup& lookup) {
  return term.kind == Term::Kind::kKey ? lookup(term.text) : term.constant;
}

bool compare(const std::string& symbol, const Json& left, const Json& right) {
  if (symbol == "==") return left == right;
  if (symbol == "!=") return left != right;
  if (left.is_null() || right.is_null()) return false;
  const bool numbers = left.is_number() && right.is_number();
  if (!numbers && !(left.is_string() && right.is_string())) {
    throw ConfigError("", "cannot order " + left.dump() + " and " + right.dump());
  }
  if (symbol == "<") return left < right;
  if (symbol == "<=") return left <= right;
  return symbol == ">" ? left > right : left >= right;
}

bool truth(const Term& term, const Expression::Lookup& lookup) {
  const auto part = [&](std::size_t i) { return truth(*term.parts[i], lookup); };
  const auto value = [&](std::size_t i) { return value_of(*term.parts[i], lookup); };
  switch (term.kind) {
    case Term::Kind::kOr:
      return part(0) || part(1);
    case Term::Kind::kAnd:
      return part(0) && part(1);
    case Term::Kind::kNot:
      return !part(0);
    case Term::Kind::kCompare:
      return compare(term.text, value(0), value(1));
    case Term::Kind::kIn:
      return std::any_of(term.parts.begin() + 1, term.parts.end(),
                         [&](const TermPtr& each) { return value(0) == value_of(*each, lookup); });
    case Term::Kind::kKey:
    case Term::Kind::kConstant:
      break;
  }
  const Json flag = value_of(term, lookup);
  if (!flag.is_boolean() && !flag.is_null()) {
    throw ConfigError("", flag.dump() + " is neither true nor false");
  }
  return flag.is_boolean() && flag.get<bool>();
}

}  // namespace

Expression::Expression(std::string_view text) : root_(ExpressionParser(text, keys_).parse()) {}

bool Expression::holds(const Lookup& lookup) const { return truth(*root_, lookup); }

}  // namespace mvn
