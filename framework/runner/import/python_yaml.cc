// Source: PyYAML, lib/yaml/resolver.py and constructor.py.
#include "runner/import/python_yaml.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <regex>
#include <set>
#include <string>

#include "orchestrate/sweep/scalar.h"

namespace mvn {
namespace {

std::optional<bool> python_bool(const std::string& text) {
  static const std::set<std::string> yes = {"yes", "Yes", "YES", "on", "On", "ON"};
  static const std::set<std::string> no = {"no", "No", "NO", "off", "Off", "OFF"};
  if (yes.contains(text)) return true;
  if (no.contains(text)) return false;
  return core_bool(text);
}

std::string without_underscores(std::string text) {
  std::erase(text, '_');
  return text;
}

// "1:30" is 90, and "1:30.5" 90.5.
double sexagesimal(const std::string& digits) {
  double value = 0;
  for (std::size_t start = 0; start <= digits.size();) {
    const auto colon = std::min(digits.find(':', start), digits.size());
    value = value * 60 + std::atof(digits.substr(start, colon - start).c_str());
    start = colon + 1;
  }
  return value;
}

std::optional<std::int64_t> python_int(const std::string& text) {
  static const std::regex form(
      "[-+]?(0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(:[0-5]?[0-9])+)");
  if (!std::regex_match(text, form)) return std::nullopt;
  std::string digits = without_underscores(text);
  const bool negative = digits[0] == '-';
  if (negative || digits[0] == '+') digits.erase(0, 1);
  if (digits.find(':') != std::string::npos) {
    return static_cast<std::int64_t>(sexagesimal(digits)) * (negative ? -1 : 1);
  }
  int base = 10;
  if (digits.starts_with("0b") || digits.starts_with("0x")) {
    base = digits[1] == 'b' ? 2 : 16;
    digits.erase(0, 2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
  }
  errno = 0;
  const long long value = std::strtoll(digits.c_str(), nullptr, base);
  if (errno != 0) return std::nullopt;
  return negative ? -value : value;
}

std::optional<double> python_real(const std::string& text) {
  static const std::regex form(
      "[-+]?[0-9][0-9_]*\\.[0-9_]*([eE][-+][0-9]+)?|\\.[0-9][0-9_]*([eE][-+][0-9]+)?|"
      "[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\\.[0-9_]*");
  if (!std::regex_match(text, form)) return std::nullopt;
  std::string digits = without_underscores(text);
  const bool negative = digits[0] == '-';
  if (negative || digits[0] == '+') digits.erase(0, 1);
  const double value = digits.find(':') != std::string::npos ? sexagesimal(digits)
                                                             : std::strtod(digits.c_str(), nullptr);
  return negative ? -value : value;
}

class PythonReader {
 public:
  explicit PythonReader(ProblemList& warnings) : warnings_(warnings) {}

  void read(Node& node) {
    if (node.is_scalar() && !node.quoted) scalar(node);
    for (Node& item : node.items) read(item);
    for (Entry& entry : node.entries) read(entry.value);
  }

 private:
  void scalar(Node& node) {
    if (const auto flag = python_bool(node.text)) {
      if (!core_bool(node.text)) become(node, *flag ? "true" : "false");
    } else if (const auto whole = python_int(node.text)) {
      if (core_int(node.text) != whole) become(node, std::to_string(*whole));
    } else if (const auto real = python_real(node.text)) {
      if (core_real(node.text) != real) become(node, number_text(*real));
    } else if (const auto number = core_real(node.text)) {
      not_a_number(node, *number);
    }
  }

  void become(Node& node, const std::string& text) {
    warnings_.add(node.mark, "warning: W&B reads " + describe(node) + " as " + text +
                                 ", and so it is written");
    node.text = text;
  }

  // A number to YAML 1.2 alone.
  void not_a_number(Node& node, double number) {
    if (!std::isfinite(number)) {
      become(node, std::isnan(number) ? "nan"
                   : number > 0       ? "inf"
                                      : "-inf");  // as Python prints it
    } else if (node.text.find_first_of("eE.") == std::string::npos) {
      warnings_.add(node.mark,
                    "warning: W&B reads " + describe(node) + " as a text, and so it is written");
      node.quoted = true;  // 08 and 0o17
    } else if (!noted_) {
      noted_ = true;
      warnings_.add(node.mark, "warning: W&B reads " + describe(node) +
                                   ", which has no point or no sign before its exponent, as a "
                                   "text: it and its like are written as the numbers they are");
    }
  }

  ProblemList& warnings_;
  bool noted_ = false;
};

}  // namespace

void read_as_python(Node& tree, ProblemList& warnings) { PythonReader(warnings).read(tree); }

}  // namespace mvn
