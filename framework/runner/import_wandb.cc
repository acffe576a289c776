// Source: wandb/sweeps, src/sweeps/config/schema.json, params.py and grid_search.py; the words of
// `command` are those of wandb's agent.
#include "runner/import_wandb.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "common/files.h"
#include "common/json.h"
#include "common/nearest.h"
#include "orchestrate/sweep/document.h"
#include "orchestrate/sweep/scalar.h"
#include "orchestrate/sweep/settings.h"
#include "runner/command_line.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// Keys of W&B's files that say nothing about what runs, and why there is no counterpart.
const std::map<std::string, std::string>& left_out() {
  static const std::map<std::string, std::string> reasons = {
      {"apiVersion", "is W&B's own"},
      {"controller", "is W&B's own: mvn-runner is its own controller"},
      {"entity", "is W&B's own: results are kept in the results folder"},
      {"image_uri", "is W&B Launch's: the program runs on this machine"},
      {"job", "is W&B Launch's: the program runs on this machine"},
      {"kind", "is W&B's own"},
      {"project", "is W&B's own: results are kept in the results folder, by sweep"},
      {"scheduler", "is W&B Launch's: `resources` says what the machine gives"}};
  return reasons;
}

// How PyYAML, and with it W&B, reads a plain scalar that is a text elsewhere.
std::optional<bool> python_bool(const Node& node) {
  if (!node.is_scalar() || node.quoted) return std::nullopt;
  static const std::set<std::string> yes = {"yes", "Yes", "YES", "on", "On", "ON"};
  static const std::set<std::string> no = {"no", "No", "NO", "off", "Off", "OFF"};
  if (yes.contains(node.text)) return true;
  if (no.contains(node.text)) return false;
  return std::nullopt;
}

bool is_plain(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_./+-").find(c) != std::string_view::npos;
  };
  return !text.empty() && text != "-" && std::all_of(text.begin(), text.end(), plain);
}

std::string quoted(const std::string& text) { return Json(text).dump(); }

// A text as YAML spells it so that it stays a text.
std::string yaml_text(const std::string& text) {
  const bool other = core_bool(text) || core_real(text) || text == "null" || text == "Null" ||
                     text == "NULL" || text == "~";
  return is_plain(text) && !other ? text : quoted(text);
}

// On one line.
std::string yaml(const Node& node) {
  if (const auto flag = python_bool(node)) return *flag ? "true" : "false";
  if (node.is_scalar()) return is_plain(node.text) && !node.quoted ? node.text : quoted(node.text);
  if (node.is_null()) return "null";
  std::string text;
  for (const Node& item : node.items) text += (text.empty() ? "" : ", ") + yaml(item);
  for (const Entry& entry : node.entries) {
    text += (text.empty() ? "" : ", ") + yaml_text(entry.key) + ": " + yaml(entry.value);
  }
  return node.is_list() ? "[" + text + "]" : "{" + text + "}";
}

// The keys of an axis in the order in which they are written, and a comment behind it.
struct Axis {
  std::vector<std::pair<std::string, std::string>> entries;
  std::string comment;
};

class WandbImporter {
 public:
  explicit WandbImporter(const fs::path& file)
      : file_(file), root_(read_yaml_file(file, "a sweep file", problems_)) {}

  ImportedWandb run() {
    problems_.throw_if_any();
    check_keys();
    read_method();
    std::string text = named("name", name()) + named("description", text_at("description"));
    text += named("method", method_);
    text += named("metric", metric());
    text += named("worker", "{command: [" + command() + "]}");
    text += parameters();
    text += run_cap();
    text += named("early_terminate", early_terminate());
    problems_.throw_if_any();
    return {header() + text, warnings_.sorted()};
  }

 private:
  static std::string named(const std::string& key, const std::string& value) {
    return value.empty() ? "" : key + ": " + value + "\n";
  }

  void fail(const Mark& where, const std::string& message) { problems_.add(where, message); }
  void warn(const Mark& where, const std::string& message) {
    warnings_.add(where, "warning: " + message);
  }

  void check_keys() {
    std::vector<std::string> known = {"name",    "description",    "method",  "metric",
                                      "metrics", "program",        "command", "parameters",
                                      "run_cap", "early_terminate"};
    for (const auto& [key, reason] : left_out()) known.push_back(key);
    for (const Entry& entry : root_.entries) {
      const auto reason = left_out().find(entry.key);
      if (reason != left_out().end()) {
        warn(entry.mark, entry.key + ": left out: it " + reason->second);
      } else if (entry.key == "metrics") {
        fail(entry.mark, "metrics: a sweep here has one objective; name it as `metric`");
      } else if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
        const auto nearest = nearest_name(entry.key, known);
        fail(entry.mark, "unknown key '" + entry.key + "' of a W&B sweep" +
                             (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
      }
    }
  }

  void read_method() {
    static const std::vector<std::string> methods = {"grid", "random", "bayes"};
    const Node* method = root_.get("method");
    if (method == nullptr) {
      fail(root_.mark, "method: is required: grid, random or bayes");
    } else if (method->text == "custom") {
      fail(method->mark,
           "method: 'custom' is a controller of your own, which cannot be taken over");
    } else if (std::find(methods.begin(), methods.end(), method->text) == methods.end()) {
      fail(method->mark, "unknown method " + describe(*method) + suggest(method->text, methods));
    } else {
      method_ = method->text;
    }
  }

  // As YAML; "" where there is none.
  std::string text_at(const std::string& key) {
    const Node* node = root_.get(key);
    if (node == nullptr) return "";
    if (node->is_scalar()) return yaml_text(node->text);
    fail(node->mark, key + ": expected a text, got " + describe(*node));
    return "";
  }

  std::string name() {
    const Node* node = root_.get("name");
    if (node == nullptr || !node->is_scalar()) return text_at("name");
    std::string plain;
    for (const char c : node->text) {
      const bool taken = is_plain_name("x" + std::string(1, c));
      if (taken) {
        plain += c;
      } else if (!plain.empty() && plain.back() != '-') {
        plain += '-';
      }
    }
    while (!plain.empty() && (plain.front() == '.' || plain.front() == '-')) plain.erase(0, 1);
    while (!plain.empty() && plain.back() == '-') plain.pop_back();
    if (plain.size() > 100) plain.resize(100);
    if (plain != node->text) {
      warn(node->mark, "name: " + describe(*node) + " is '" + plain +
                           "' here: letters, digits, '-', '_' and '.' name a folder");
    }
    return plain.empty() ? "" : yaml_text(plain);
  }

  std::string metric() {
    const Node* metric = root_.get("metric");
    if (metric == nullptr) {
      warn(root_.mark,
           "metric: there is none: add the one to compare trials by, such as metric: "
           "{name: eval/loss, goal: minimize}");
      return "";
    }
    if (!check_map("metric", *metric, {"name", "goal", "target"})) return "";
    const Node* name = metric->get("name");
    if (name == nullptr || !name->is_scalar()) {
      fail(metric->mark, "metric: `name` is required");
      return "";
    }
    const Node* goal = metric->get("goal");
    std::string text = "{name: " + yaml(*name) + ", goal: " + (goal ? yaml(*goal) : "minimize");
    if (const Node* target = metric->get("target")) text += ", target: " + yaml(*target);
    return text + "}";
  }

  // A map with none but these keys.
  bool check_map(const std::string& key, const Node& map, const std::vector<std::string>& known) {
    if (!map.is_map()) {
      fail(map.mark, key + ": expected a map, got " + describe(map));
      return false;
    }
    bool good = true;
    for (const Entry& entry : map.entries) {
      if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
      fail(entry.mark, key + ": unknown key '" + entry.key + "'" + suggest(entry.key, known));
      good = false;
    }
    return good;
  }

  std::string program(const Mark& wanted) {
    const Node* program = root_.get("program");
    if (program != nullptr && program->is_scalar()) return yaml(*program);
    fail(wanted, "program: is required, unless `command` names what to run");
    return "";
  }

  std::string command() {
    const Node* command = root_.get("command");
    if (command == nullptr) {
      args_word_ = "${args}";
      return "python3, " + program(root_.mark) + ", \"${args}\"";
    }
    if (!command->is_list() || command->items.empty()) {
      fail(command->mark, "command: expected a list of words, got " + describe(*command));
      return "";
    }
    std::string text;
    for (std::size_t i = 0; i < command->items.size(); ++i) {
      const Node* next = i + 1 < command->items.size() ? &command->items[i + 1] : nullptr;
      const std::string word = command_word(command->items[i], next);
      if (!word.empty()) text += (text.empty() ? "" : ", ") + word;
    }
    if (args_word_.empty()) {
      warn(command->mark,
           "command: without ${args}, the program gets the path of its trial.json as a last "
           "argument, which has the parameters in [\"config\"][\"args\"]");
    }
    return text;
  }

  // What a word of W&B's command is here; "" for nothing.
  std::string command_word(const Node& word, const Node* next) {
    static const std::vector<std::string> args = {"${args}", "${args_no_hyphens}",
                                                  "${args_no_boolean_flags}", "${args_json}"};
    if (!word.is_scalar()) {
      fail(word.mark, "command: expected a text, got " + describe(word));
      return "";
    }
    const std::string& text = word.text;
    if (!text.starts_with("${") || !text.ends_with("}")) return yaml_text(text);
    if (std::find(args.begin(), args.end(), text) != args.end()) {
      args_word_ = text;
      return quoted(text);
    }
    if (text == "${program}") return program(word.mark);
    if (text == "${interpreter}") return "python3";
    // Needed only to set variables: programs are looked up in PATH without it.
    if (text == "${env}") {
      const bool sets = next != nullptr && next->text.find('=') != std::string::npos;
      return sets ? "/usr/bin/env" : "";
    }
    if (text == "${args_json_file}") {
      args_word_ = text;
      warn(word.mark,
           "command: ${args_json_file} is ${trial} here, a file that has the parameters in "
           "[\"config\"][\"args\"]: change how the program reads it");
      return "\"${trial}\"";
    }
    if (text.starts_with("${envvar:")) {
      fail(word.mark, "command: a word cannot be taken from the environment (" + text +
                          "): write its value, or let the program read the variable");
      return "";
    }
    std::vector<std::string> known = args;
    known.insert(known.end(),
                 {"${program}", "${interpreter}", "${env}", "${args_json_file}", "${envvar:NAME}"});
    fail(word.mark, "command: unknown word '" + text + "'" + suggest(text, known));
    return "";
  }

  std::string run_cap() {
    const Node* cap = root_.get("run_cap");
    if (cap == nullptr) {
      if (method_ == "random" || method_ == "bayes") {
        warn(root_.mark,
             "run_cap: there is none: W&B tries until it is stopped; add how many "
             "trials to run here, such as run_cap: 50");
      }
      return "";
    }
    const auto trials = cap->is_scalar() ? core_int(cap->text) : std::nullopt;
    if (!trials || *trials < 1) {
      fail(cap->mark, "run_cap: expected an integer of at least 1, got " + describe(*cap));
    }
    return named("run_cap", yaml(*cap));
  }

  std::string early_terminate() {
    const Node* rule = root_.get("early_terminate");
    if (rule == nullptr) return "";
    static const std::vector<std::string> known = {"type", "min_iter", "max_iter",
                                                   "s",    "eta",      "strict"};
    if (!check_map("early_terminate", *rule, known)) return "";
    const Node* type = rule->get("type");
    if (type == nullptr || type->text != "hyperband") {
      fail(type == nullptr ? rule->mark : type->mark, "early_terminate: W&B has type: hyperband");
      return "";
    }
    return yaml(*rule);
  }

  std::string parameters() {
    const Node* parameters = root_.get("parameters");
    if (parameters == nullptr) {
      fail(root_.mark, "parameters: are required: what the sweep varies");
      return "";
    }
    std::string text;
    read_parameters("", *parameters, text);
    if (boolean_ && args_word_ != "${args_no_boolean_flags}" && args_word_ != "${args_json}" &&
        !args_word_.empty()) {
      warn(*boolean_,
           "parameters: true and false reach the program as such, not as Python's True "
           "and False");
    }
    return "parameters:\n" + text;
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
        write_axis(key, read_axis(key, entry.value), text);
      }
    }
  }

  void read_nested(const std::string& key, const Entry& entry, std::string& text) {
    if (!check_map(key, entry.value, {"parameters"})) return;
    if (!args_word_.empty() && args_word_.find("json") == std::string::npos) {
      warn(entry.mark, key + ": its parameters reach the program one by one, as " + key +
                           ".NAME=VALUE; W&B writes one " + key + "={...} with all of them");
    }
    read_parameters(key + ".", entry.value.find("parameters")->value, text);
  }

  void note_dots(const Entry& entry) {
    if (args_word_.find("json") == std::string::npos) return;
    if (entry.key.find('.') == std::string::npos) return;
    warn(entry.mark, entry.key +
                         ": a name with dots is a map within a map in trial.json and in "
                         "${args_json}");
  }

  static void write_axis(const std::string& key, const Axis& axis, std::string& text) {
    std::string inside;
    for (const auto& [word, value] : axis.entries) {
      inside += (inside.empty() ? "" : ", ") + word + ": " + value;
    }
    text += "  " + yaml_text("args." + key) + ": {" + inside + "}" +
            (axis.comment.empty() ? "" : "  # " + axis.comment) + "\n";
  }

  void note_booleans(const Node& value) {
    const auto flag = python_bool(value);
    if (flag) {
      warn(value.mark, "parameters: W&B reads " + describe(value) + " as " +
                           (*flag ? "true" : "false") + ", and so it is written");
    }
    const bool boolean = flag || (value.is_scalar() && !value.quoted && core_bool(value.text));
    if (boolean && !boolean_) boolean_ = value.mark;
  }

  Axis read_axis(const std::string& key, const Node& node) {
    const Node* named = node.get("distribution");
    const std::string distribution = named == nullptr ? "" : named->text;
    if (const Entry* value = node.find("value")) {
      check_map(key, node, {"value", "distribution"});
      note_booleans(value->value);
      return {{{"value", yaml(value->value)}}, ""};
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
    for (const Node& value : values.items) note_booleans(value);
    Axis axis{{{"values", yaml(values)}}, ""};
    if (const Node* shares = node.get("probabilities")) {
      if (method_ == "grid") fail(shares->mark, key + ": probabilities: a grid takes every value");
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
    if (!numbers) return {};
    if (method_ == "grid") return grid(key, node, name, *numbers);
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
        fail(node.mark, key + ": " +
                            (node.get("distribution") == nullptr
                                 ? "expected `value`, `values`, or `min` and `max`"
                                 : name + " needs `" + word + "`"));
        return std::nullopt;
      }
      if (value == nullptr) {
        numbers[word] = fallback.value_or(0);
        continue;
      }
      const double number = value->is_scalar() ? core_real(value->text).value_or(NAN) : NAN;
      if (!std::isfinite(number)) {
        fail(value->mark, key + ": " + word + ": expected a number, got " + describe(*value));
        good = false;
      }
      numbers[word] = number;
    }
    return good ? std::optional(numbers) : std::nullopt;
  }

  static bool has_exponents(const std::string& name) { return name.ends_with("log_uniform"); }

  static void append_numbers(const Node& node, const std::string& name, const Numbers& numbers,
                             Axis& axis) {
    const bool exponents = has_exponents(name);
    for (const auto* word : {"min", "max", "mu", "sigma", "a", "b", "q"}) {
      const auto number = numbers.find(word);
      if (number == numbers.end()) continue;
      const Node* written = node.get(word);
      std::string text = written == nullptr ? number_text(number->second) : written->text;
      if (exponents && std::string(word) != "q") text = bound_text(name, word, numbers);
      axis.entries.emplace_back(word, text);
    }
    if (!exponents) return;
    axis.comment = "W&B's " + name + " has exponents of e: min " + node.get("min")->text +
                   ", max " + node.get("max")->text;
  }

  // exp() of an exponent; W&B's inverse distribution takes those of 1/x, which swaps the bounds.
  static std::string bound_text(const std::string& name, const std::string& word,
                                const Numbers& numbers) {
    const bool inverse = name.starts_with("inv_");
    const std::string bound = !inverse ? word : word == "min" ? "max" : "min";
    const double exponent = numbers.at(bound) * (inverse ? -1 : 1);
    return number_text(rounded(std::exp(exponent)));
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

  [[nodiscard]] std::string header() const {
    const Node* program = root_.get("program");
    const std::string who = program == nullptr ? "the program" : program->text;
    const Node* metric = root_.get("metric");
    const Node* name = metric == nullptr ? nullptr : metric->get("name");
    return "# " + file_.filename().string() + " of W&B, by mvn-runner import wandb. " + who +
           " runs in the folder of this file.\n"
           "#\n"
           "# It gets its parameters as W&B's agent gives them. For its metrics to be recorded, "
           "let "
           "it append\n"
           "# a line of JSON to the file that MVN_SPOOL names wherever it calls wandb.log:\n"
           "#\n"
           "#     spool = open(os.environ[\"MVN_SPOOL\"], \"a\", buffering=1)\n"
           "#     print(json.dumps({\"type\": \"metric\", \"step\": step, \"values\": {\"" +
           (name == nullptr ? "eval/loss" : name->text) +
           "\": value}}), file=spool)\n"
           "#\n"
           "# What it reads from wandb.config is in the file that MVN_TRIAL names:\n"
           "#\n"
           "#     config = json.load(open(os.environ[\"MVN_TRIAL\"]))[\"config\"][\"args\"]\n"
           "#\n"
           "# With WANDB_MODE=disabled in its environment, calls of wandb that are left do "
           "nothing.\n";
  }

  const fs::path file_;
  ProblemList problems_;
  ProblemList warnings_;
  const Node root_;
  std::string method_;
  std::string args_word_;        // how the command hands over the parameters; "": not at all
  std::optional<Mark> boolean_;  // the first one among the values
};

}  // namespace

ImportedWandb import_wandb(const fs::path& file) { return WandbImporter(file).run(); }

void write_wandb(const fs::path& file, const std::string& output, std::ostream& out,
                 std::ostream& notes) {
  const auto imported = import_wandb(file);
  if (!output.empty() && fs::exists(output)) {
    throw UsageError(output + " exists already; move it away or choose another name");
  }
  for (const Problem& warning : imported.warnings) notes << render(warning) << "\n";
  if (output.empty()) {
    out << imported.sweep << std::flush;
    return;
  }
  write_file_atomically(output, imported.sweep);
  out << "wrote " << output << "; see what it runs with\n  mvn-runner " << output << " --dry-run"
      << std::endl;
}

}  // namespace mvn
