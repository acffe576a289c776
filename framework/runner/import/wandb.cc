// Source: wandb/sweeps, src/sweeps/config/schema.json and hyperband_stopping.py; the words of
// `command` are those of wandb's agent, wandb/sdk/launch/sweeps/utils.py.
#include "runner/import/wandb.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "common/files.h"
#include "common/json.h"
#include "mvn/nearest.h"
#include "orchestrate/sweep/document.h"
#include "orchestrate/sweep/scalar.h"
#include "orchestrate/sweep/settings.h"
#include "runner/command.h"
#include "runner/import/python_yaml.h"
#include "runner/import/wandb_axes.h"
#include "runner/import/yaml_text.h"

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

// One name for a folder however it is spelled.
fs::path followed(const fs::path& folder) {
  std::error_code error;
  const auto result = fs::weakly_canonical(fs::absolute(folder), error);
  return error ? fs::absolute(folder).lexically_normal() : result;
}

// Words of a command that are surely files: "src/train.py".
bool names_file(const std::string& word) {
  return !word.starts_with("-") && (word.ends_with(".py") || word.ends_with(".sh"));
}

class WandbImporter {
 public:
  WandbImporter(const fs::path& file, const WandbOptions& options)
      : file_(file),
        options_(options),
        root_(read_yaml_file(file, "a sweep file", problems_, YamlDialect::kPython)) {
    read_as_python(root_, warnings_);
  }

  ImportedWandb run() {
    problems_.throw_if_any();
    check_keys();
    read_method();
    ImportedWandb result;
    std::string text = named("name", name()) + named("description", text_at("description"));
    text += named("method", program_.method);
    text += named("metric", metric());
    text += named("worker", worker());
    text += parameters();
    text += run_cap(result);
    text += named("early_terminate", early_terminate());
    problems_.throw_if_any();
    result.sweep = header() + text;
    result.warnings = warnings_.sorted();
    return result;
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
      program_.method = method->text;
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
    static const std::vector<std::string> known = {"name", "goal", "target", "impute",
                                                   "impute_while_running"};
    if (!check_wandb_map("metric", *metric, known, problems_)) return "";
    const Node* name = metric->get("name");
    if (name == nullptr || !name->is_scalar()) {
      fail(metric->mark, "metric: `name` is required");
      return "";
    }
    note_imputation(*metric);
    const Node* goal = metric->get("goal");
    std::string text = "{name: " + yaml(*name) + ", goal: " + (goal ? yaml(*goal) : "minimize");
    if (const Node* target = metric->get("target")) text += ", target: " + yaml(*target);
    return text + "}";
  }

  // W&B's defaults are what `method: bayes` does here.
  void note_imputation(const Node& metric) {
    const Node* failed = metric.get("impute");
    if (failed != nullptr && failed->text != "worst") {
      warn(failed->mark, "metric: impute: left out: a trial that fails counts as the worst here");
    }
    const Node* running = metric.get("impute_while_running");
    if (running != nullptr && running->text != "false") {
      warn(running->mark,
           "metric: impute_while_running: left out: a trial that runs counts as a bad one here");
    }
  }

  std::string worker() {
    const std::string words = command();
    if (!problems_.empty()) return "";
    find_folder();
    return "{command: [" + words + "]" + (cwd_.empty() ? "" : ", cwd: " + yaml_text(cwd_)) +
           ", tracker: wandb}";
  }

  // "" after a problem at `wanted`.
  std::string program(const Mark& wanted) {
    const Node* program = root_.get("program");
    program_file_ = !options_.program.empty()                    ? options_.program
                    : program != nullptr && program->is_scalar() ? program->text
                                                                 : "";
    if (!program_file_.empty()) {
      files_.push_back(program_file_);
      return yaml_text(program_file_);
    }
    fail(wanted,
         "program: there is none, as where an agent calls a function; name the program that calls "
         "it: mvn-runner import wandb " +
             file_.string() + " --program train.py");
    return "";
  }

  std::string command() {
    const Node* command = root_.get("command");
    if (command == nullptr) {
      program_.args_word = "${args}";
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
    if (program_.args_word.empty()) {
      warn(command->mark,
           "command: without ${args}, the program gets the path of its trial.json as a last "
           "argument, which has the parameters in [\"config\"][\"args\"]");
    }
    return text;
  }

  static const std::vector<std::string>& args_words() {
    static const std::vector<std::string> words = {
        "${args}",      "${args_no_hyphens}",   "${args_no_equals}",     "${args_no_boolean_flags}",
        "${args_json}", "${args_append_hydra}", "${args_override_hydra}"};
    return words;
  }

  // What a word of W&B's command is here; "" for nothing.
  std::string command_word(const Node& word, const Node* next) {
    if (!word.is_scalar()) {
      fail(word.mark, "command: expected a text, got " + describe(word));
      return "";
    }
    const std::string& text = word.text;
    if (text.find("${envvar:") != std::string::npos) {
      fail(word.mark, "command: a word cannot be taken from the environment (" + text +
                          "): write its value, or let the program read the variable");
      return "";
    }
    if (!text.starts_with("${") || !text.ends_with("}")) return plain_word(word);
    if (std::ranges::find(args_words(), text) != args_words().end()) {
      program_.args_word = text;
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
      program_.args_word = text;
      warn(word.mark,
           "command: ${args_json_file} is ${trial} here, a file that has the parameters in "
           "[\"config\"][\"args\"]: change how the program reads it");
      return "\"${trial}\"";
    }
    auto known = args_words();
    known.insert(known.end(),
                 {"${program}", "${interpreter}", "${env}", "${args_json_file}", "${envvar:NAME}"});
    fail(word.mark, "command: unknown word '" + text + "'" + suggest(text, known));
    return "";
  }

  std::string plain_word(const Node& word) {
    const auto flag = word.quoted ? std::nullopt : core_bool(word.text);
    if (flag) return *flag ? "\"True\"" : "\"False\"";  // as Python prints it
    if (word.text.find("${") != std::string::npos) {
      fail(word.mark, "command: W&B hands " + describe(word) +
                          " to the program as it stands, no shell reads it: write what is meant");
      return "";
    }
    if (names_file(word.text)) files_.push_back(word.text);
    return yaml_text(word.text);
  }

  // W&B runs the program in the folder where the agent was started: here, where this command was,
  // if its files are there; otherwise the file's own, or the nearest one above it that has them.
  void find_folder() {
    const fs::path here = followed(".");
    const fs::path output =
        options_.output.empty() ? here : followed(fs::absolute(options_.output).parent_path());
    std::vector<fs::path> folders = {here};
    for (fs::path each = followed(fs::absolute(file_).parent_path());; each = each.parent_path()) {
      folders.push_back(each);
      if (!each.has_relative_path()) break;
    }
    const auto has_files = [&](const fs::path& folder) {
      return std::ranges::all_of(files_,
                                 [&](const std::string& file) { return is_file(folder / file); });
    };
    const auto found = std::ranges::find_if(folders, has_files);
    if (found == folders.end()) {
      warn(root_.mark, "program: there is no '" + files_.front() +
                           "' in this folder, nor where the file is or above: add the folder to "
                           "run in as worker: {command: [...], cwd: FOLDER}");
    } else if (*found != output) {
      cwd_ = found->lexically_relative(output).string();
    }
  }

  std::string parameters() {
    const Node* parameters = root_.get("parameters");
    if (parameters == nullptr) {
      fail(root_.mark, "parameters: are required: what the sweep varies");
      return "";
    }
    return "parameters:\n" + wandb_axes(*parameters, program_, problems_, warnings_);
  }

  std::string run_cap(ImportedWandb& result) {
    const Node* cap = root_.get("run_cap");
    if (cap == nullptr) {
      if (program_.method != "random" && program_.method != "bayes") return "";
      result.needs_run_cap = true;
      const std::string sweep = options_.output.empty() ? "NEW.yaml" : options_.output;
      warn(root_.mark,
           "run_cap: there is none: W&B tries until it is stopped; say how many trials to run "
           "here: mvn-runner " +
               sweep + " run_cap=50");
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
    if (!check_wandb_map("early_terminate", *rule, known, problems_)) return "";
    const Node* type = rule->get("type");
    if (type == nullptr || type->text != "hyperband") {
      fail(type == nullptr ? rule->mark : type->mark, "early_terminate: W&B has type: hyperband");
      return "";
    }
    return yaml(with_one_kind_of_rungs(*rule));
  }

  // W&B goes by max_iter and s where both are there, otherwise by min_iter.
  Node with_one_kind_of_rungs(Node rule) {
    const bool from_above = rule.get("max_iter") != nullptr && rule.get("s") != nullptr;
    if (!from_above && rule.get("min_iter") == nullptr) {
      fail(rule.mark, "early_terminate: hyperband needs `min_iter`, or `max_iter` and `s`");
      return rule;
    }
    const std::vector<std::string> unused = from_above ? std::vector<std::string>{"min_iter"}
                                                       : std::vector<std::string>{"max_iter", "s"};
    for (const std::string& key : unused) {
      const Entry* entry = rule.find(key);
      if (entry == nullptr) continue;
      warn(entry->mark, "early_terminate: " + key + ": left out: W&B goes by " +
                            (from_above ? "max_iter and s where both are given"
                                        : "min_iter unless both max_iter and s are given"));
      rule.erase(key);
    }
    return rule;
  }

  [[nodiscard]] std::string header() const {
    const std::string who = program_file_.empty() ? "The program" : program_file_;
    return "# " + file_.filename().string() + " of W&B, by mvn-runner import wandb. " + who +
           (cwd_.empty() ? " runs in the folder of this file.\n"
                         : " runs in the folder\n# that `cwd` names, from this file's.\n") +
           "#\n"
           "# It gets its parameters as W&B's agent gives them, and stays as it is: by `tracker: "
           "wandb`\n"
           "# the `wandb` that it imports is mvn-runner's, and what it logs is recorded here. "
           "Without it\n"
           "# the program reports to W&B itself.\n";
  }

  const fs::path file_;
  const WandbOptions options_;
  ProblemList problems_;
  ProblemList warnings_;
  Node root_;
  WandbProgram program_;
  std::string program_file_;        // "" where the command does not use it
  std::vector<std::string> files_;  // that the command names
  std::string cwd_;                 // "" for the folder of the file that is written
};

}  // namespace

ImportedWandb import_wandb(const fs::path& file, const WandbOptions& options) {
  return WandbImporter(file, options).run();
}

void write_wandb(const fs::path& file, const WandbOptions& options, std::ostream& out,
                 std::ostream& notes) {
  const auto imported = import_wandb(file, options);
  const std::string& output = options.output;
  if (!output.empty() && fs::exists(output)) {
    throw UsageError(output + " exists already; move it away or choose another name");
  }
  for (const Problem& warning : imported.warnings) notes << render(warning) << "\n";
  if (output.empty()) {
    out << imported.sweep << std::flush;
    return;
  }
  write_file_atomically(output, imported.sweep);
  out << "wrote " << output << "; see what it runs with\n  mvn-runner " << output
      << (imported.needs_run_cap ? " run_cap=50" : "") << " --dry-run" << std::endl;
}

}  // namespace mvn
