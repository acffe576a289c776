// Source: wandb/sweeps, src/sweeps/config/schema.json, params.py and grid_search.py.
#include "runner/import/wandb_axes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "mvn/nearest.h"
#include "orchestrate/sweep/scalar.h"
#include "runner/import/yaml_text.h"

namespace mvn {
namespace {

// The keys of an axis in the order in which they are written, and a comment behind it.
struct Axis {
  std::vector<std::pair<std::string, std::string>> entries;
  std::string comment;
};

class AxesWriter {
 public:
  AxesWriter(const WandbProgram& program, ProblemList& problems, ProblemList& warnings)
      : program_(program), problems_(problems), warnings_(warnings) {}

  std::string write(const Node& parameters) {
    std::string text;
    read_parameters("", parameters, text);
    const bool as_such = program_.args_word != "${args_no_boolean_flags}" && writes_words();
    if (boolean_ && as_such) {
      warn(*boolean_,
           "parameters: true and false reach the program as such, not as Python's True "
           "and False");
    }
    return text;
  }

 private:
  void fail(const Mark& where, const std::string& message) { problems_.add(where, message); }
  void warn(const Mark& where, const std::string& message) {
    warnings_.add(where, "warning: " + message);
  }

  // A map with none but these keys.
  bool check_map(const std::string& key, const Node& map, const std::vector<std::string>& known) {
    return check_wandb_map(key, map, known, problems_);
  }

  void read_parameters(const std::string& prefix, const Node& map, std::string& text) {
    if (!map.is_map()) {
      fail(map.mark, "parameters: expected a map, got " + describe(map));
      return;
    }
    for (const Entry& entry : map.entries) {
      const std::string key = prefix + entry.key;
      if (("." + key + ".").find("..") != std::string::npos) {
        fail(entry.mark, "parameters: '" + key + "' has an empty part");
      } else if (!entry.value.is_map()) {
        fail(entry.value.mark,
             key + ": expected a map such as {values: [...]}, got " + describe(entry.value));
      } else if (entry.value.find("parameters") != nullptr) {
        read_nested(key, entry, text);
      } else {
        note_dots(entry);
        if (key == "seed") note_seed(entry);
        write_axis(key, read_axis(key, entry.value), text);
      }
    }
  }

  void read_nested(const std::string& key, const Entry& entry, std::string& text) {
    if (!check_map(key, entry.value, {"parameters"})) return;
    if (writes_words()) warn_of_map(entry.mark, key);
    read_parameters(key + ".", entry.value.find("parameters")->value, text);
  }

  void note_dots(const Entry& entry) {
    if (program_.args_word.find("json") == std::string::npos) return;
    if (entry.key.find('.') == std::string::npos) return;
    warn(entry.mark, entry.key +
                         ": a name with dots is a map within a map in trial.json and in "
                         "${args_json}");
  }

  void note_seed(const Entry& entry) {
    if (entry.value.find("value") != nullptr) return;
    warn(entry.mark,
         "seed: stays a parameter of the program; for means and intervals over the seeds, write "
         "repeats: {seeds: [0, 1, 2]} instead of args.seed, and --seed=${seed} in worker.command");
  }

  static void write_axis(const std::string& key, const Axis& axis, std::string& text) {
    std::string inside;
    for (const auto& [word, value] : axis.entries) {
      inside.append(inside.empty() ? "" : ", ").append(word).append(": ").append(value);
    }
    text += "  " + yaml_text("args." + key) + ": {" + inside + "}" +
            (axis.comment.empty() ? "" : "  # " + axis.comment) + "\n";
  }

  // The values of an axis on one line, Python's None for null where words of a command say it.
  std::string value_of(const std::string& key, const Node& value) {
    if (value.is_scalar() && !value.quoted && core_bool(value.text) && !boolean_) {
      boolean_ = value.mark;
    }
    if (value.is_map() && !value.entries.empty() && writes_words()) warn_of_map(value.mark, key);
    if (!value.is_null()) return yaml(value);
    if (!writes_words()) {
      warn(value.mark, key + ": a parameter that is null is not in trial.json, where W&B has null");
      return "null";
    }
    warn(value.mark, key + ": W&B hands null to the program as None, and so it is written");
    return "None";
  }

  [[nodiscard]] bool writes_words() const {
    return !program_.args_word.empty() && program_.args_word.find("json") == std::string::npos;
  }

  void warn_of_map(const Mark& where, const std::string& key) {
    warn(where, key + ": its parameters reach the program one by one, as " + key +
                    ".NAME=VALUE; W&B writes one " + key + "={...} with all of them");
  }

  Axis read_axis(const std::string& key, const Node& node) {
    const Node* named = node.get("distribution");
    const std::string distribution = named == nullptr ? "" : named->text;
    if (const Entry* value = node.find("value")) {
      check_map(key, node, {"value", "distribution"});
      return {{{"value", value_of(key, value->value)}}, ""};
    }
    if (const Node* values = node.get("values")) return listed(key, node, *values);
    return range(key, node, distribution);
  }

  Axis listed(const std::string& key, const Node& node, const Node& values) {
    check_map(key, node, {"values", "probabilities", "distribution"});
    if (!values.is_list() || values.items.empty()) {
      fail(values.mark, key + ": values: expected a list of values, got " + describe(values));
      return {};
    }
    std::string list;
    for (const Node& value : values.items) {
      list += (list.empty() ? "" : ", ") + value_of(key, value);
    }
    Axis axis{{{"values", "[" + list + "]"}}, ""};
    if (const Node* shares = node.get("probabilities")) {
      if (program_.method == "grid")
        fail(shares->mark, key + ": probabilities: a grid takes every value");
      axis.entries.emplace_back("probabilities", yaml(*shares));
    }
    return axis;
  }

  // The numbers of each distribution, with W&B's default where it has one.
  struct Family {
    std::vector<std::pair<std::string, std::optional<double>>> words;
    std::string here;  // its name
  };

  static const std::map<std::string, Family>& families() {
    using Words = std::vector<std::pair<std::string, std::optional<double>>>;
    static const Words bounds = {{"min", {}}, {"max", {}}};
    static const Words steps = {{"min", {}}, {"max", {}}, {"q", 1}};
    static const Words normal = {{"mu", 0}, {"sigma", 1}};
    static const Words steps_of_normal = {{"mu", 0}, {"sigma", 1}, {"q", 1}};
    static const std::map<std::string, Family> all = {
        {"uniform", {bounds, "uniform"}},
        {"int_uniform", {bounds, "int_uniform"}},
        {"q_uniform", {steps, "q_uniform"}},
        {"log_uniform", {bounds, "log_uniform_values"}},
        {"log_uniform_values", {bounds, "log_uniform_values"}},
        {"q_log_uniform", {steps, "q_log_uniform_values"}},
        {"q_log_uniform_values", {steps, "q_log_uniform_values"}},
        {"inv_log_uniform", {bounds, "inv_log_uniform_values"}},
        {"inv_log_uniform_values", {bounds, "inv_log_uniform_values"}},
        {"normal", {normal, "normal"}},
        {"q_normal", {steps_of_normal, "q_normal"}},
        {"log_normal", {normal, "log_normal"}},
        {"q_log_normal", {steps_of_normal, "q_log_normal"}},
        {"beta", {{{"a", 1}, {"b", 1}}, "beta"}},
        {"q_beta", {{{"a", 1}, {"b", 1}, {"q", 1}}, "q_beta"}}};
    return all;
  }

  // W&B's rule where none is named.
  static std::string default_distribution(const Node& node) {
    const auto is_integer = [&](const char* bound) {
      const Node* value = node.get(bound);
      return value != nullptr && core_int(value->text).has_value();
    };
    return is_integer("min") && is_integer("max") ? "int_uniform" : "uniform";
  }

  Axis range(const std::string& key, const Node& node, const std::string& named) {
    const std::string name = named.empty() ? default_distribution(node) : named;
    const auto family = families().find(name);
    if (family == families().end()) {
      std::vector<std::string> known = {"constant", "categorical"};
      for (const auto& [each, words] : families()) known.push_back(each);
      const Node& where = *node.get("distribution");
      const bool bare = name == "categorical" || name == "constant";
      fail(where.mark,
           key + ": " +
               (bare ? name + " needs `" + (name == "constant" ? "value" : "values") + "`"
                     : "unknown distribution '" + name + "'" + suggest(name, known)));
      return {};
    }
    const auto numbers = read_numbers(key, node, name, family->second);
    if (!numbers || !check_exponents(key, node, name, *numbers)) return {};
    if (program_.method == "grid") return grid(key, node, name, *numbers);
    Axis axis{{{"distribution", family->second.here}}, ""};
    append_numbers(node, name, *numbers, axis);
    return axis;
  }

  using Numbers = std::map<std::string, double>;

  std::optional<Numbers> read_numbers(const std::string& key, const Node& node,
                                      const std::string& name, const Family& family) {
    std::vector<std::string> known = {"distribution"};
    for (const auto& [word, fallback] : family.words) known.push_back(word);
    if (node.get("distribution") == nullptr) {
      known.insert(known.end(), {"value", "values", "parameters"});
    }
    if (!check_map(key, node, known)) return std::nullopt;
    bool good = true;
    Numbers numbers;
    for (const auto& [word, fallback] : family.words) {
      const Node* value = node.get(word);
      if (value == nullptr && !fallback) {
        std::string needed = "expected `value`, `values`, or `min` and `max`";
        if (node.get("distribution") != nullptr) {
          needed = std::string(name).append(" needs `").append(word).append("`");
        }
        fail(node.mark, std::string(key).append(": ").append(needed));
        return std::nullopt;
      }
      if (value == nullptr) {
        numbers[word] = fallback.value_or(0);
        continue;
      }
      const double number = value->is_scalar() ? core_real(value->text).value_or(NAN) : NAN;
      if (!std::isfinite(number)) {
        std::string reason = std::string(key).append(": ").append(word);
        fail(value->mark, reason.append(": expected a number, got ").append(describe(*value)));
        good = false;
      }
      numbers[word] = number;
    }
    return good ? std::optional(numbers) : std::nullopt;
  }

  static bool has_exponents(const std::string& name) { return name.ends_with("log_uniform"); }

  // Whether the bounds of a log_uniform make sense as what they are to W&B, exponents of e.
  bool check_exponents(const std::string& key, const Node& node, const std::string& name,
                       const Numbers& numbers) {
    if (!has_exponents(name)) return true;
    const auto bound = [&](const char* word) { return exponential(name, word, numbers); };
    const std::string min = node.get("min")->text;
    const std::string max = node.get("max")->text;
    const std::string meant = "; where " + min + " and " + max +
                              " are the values themselves, write " + name + "_values there";
    const auto holds = [](double value) { return std::isfinite(value) && value > 0; };
    if (!holds(bound("min")) || !holds(bound("max"))) {
      fail(node.mark, key + ": to W&B, the bounds of " + name +
                          " are exponents of e, and no number holds e^" +
                          (holds(std::exp(numbers.at("min"))) ? max : min) + meant);
      return false;
    }
    // Exponents are whole or negative numbers, and e^30 is beyond what anybody searches.
    const double low = numbers.at("min");
    const bool doubtful = (low > 0 && low < 1) || numbers.at("max") > 30;
    if (doubtful) {
      warn(node.mark, key + ": to W&B, the bounds of " + name +
                          " are exponents of e: it draws from " +
                          number_text(rounded(bound("min"))) + " to " +
                          number_text(rounded(bound("max"))) + meant + " and import it again");
    }
    return true;
  }

  static void append_numbers(const Node& node, const std::string& name, const Numbers& numbers,
                             Axis& axis) {
    const bool exponents = has_exponents(name);
    for (const auto* word : {"min", "max", "mu", "sigma", "a", "b", "q"}) {
      const auto number = numbers.find(word);
      if (number == numbers.end()) continue;
      const Node* written = node.get(word);
      std::string text = written == nullptr ? number_text(number->second) : written->text;
      if (exponents && std::string(word) != "q") {
        text = number_text(rounded(exponential(name, word, numbers)));
      }
      axis.entries.emplace_back(word, text);
    }
    if (!exponents) return;
    axis.comment = "W&B's " + name + " has exponents of e: min " + node.get("min")->text +
                   ", max " + node.get("max")->text;
  }

  // exp() of an exponent; W&B's inverse distribution takes those of 1/x, which swaps the bounds.
  static double exponential(const std::string& name, const std::string& word,
                            const Numbers& numbers) {
    const bool inverse = name.starts_with("inv_");
    const std::string bound = !inverse ? word : word == "min" ? "max" : "min";
    return std::exp(numbers.at(bound) * (inverse ? -1 : 1));
  }

  Axis grid(const std::string& key, const Node& node, const std::string& name,
            const Numbers& numbers) {
    Axis axis;
    if (name == "int_uniform") {
      append_numbers(node, name, numbers, axis);
      return axis;
    }
    if (name != "q_uniform") {
      fail(node.mark, key + ": a grid over " + name +
                          " needs a number of points, which W&B cannot say: give `values`, or take "
                          "method: random");
      return axis;
    }
    const double min = numbers.at("min");
    const double q = numbers.at("q");
    const double steps = (numbers.at("max") - min) / q;
    if (!(q > 0) || !(steps > 0)) {
      fail(node.mark, key + ": a grid over q_uniform needs `q` above 0, and `max` above `min`");
      return axis;
    }
    axis.entries.emplace_back("distribution", "q_uniform");
    append_numbers(node, name, numbers, axis);
    if (std::abs(steps - std::round(steps)) < 1e-9) {
      // numpy.arange's end, which W&B takes its points from.
      axis.entries[2].second = number_text(rounded(min + (std::round(steps) - 1) * q));
      axis.comment = "W&B leaves max out of a grid";
    }
    return axis;
  }

  const WandbProgram& program_;
  ProblemList& problems_;
  ProblemList& warnings_;
  std::optional<Mark> boolean_;  // the first one among the values
};

}  // namespace

bool check_wandb_map(const std::string& key, const Node& map, const std::vector<std::string>& known,
                     ProblemList& problems) {
  if (!map.is_map()) {
    problems.add(map.mark, key + ": expected a map, got " + describe(map));
    return false;
  }
  bool good = true;
  for (const Entry& entry : map.entries) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    problems.add(entry.mark, key + ": unknown key '" + entry.key + "'" + suggest(entry.key, known));
    good = false;
  }
  return good;
}

std::string wandb_axes(const Node& parameters, const WandbProgram& program, ProblemList& problems,
                       ProblemList& warnings) {
  return AxesWriter(program, problems, warnings).write(parameters);
}

}  // namespace mvn
