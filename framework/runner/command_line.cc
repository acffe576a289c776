#include "runner/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <sstream>

#include "common/nearest.h"
#include "common/text.h"
#include "runner/ask_runner.h"

namespace mvn {
namespace {

constexpr auto* kExamples = R"(Examples:
  mvn-runner experiments/quickstart.yaml             run a sweep, or what is left of it
  mvn-runner plan sweep.yaml                         its trials, what is left, what that takes
  mvn-runner sweep.yaml training.epochs=1            change a value
  mvn-runner status                                  from another terminal: where the sweeps stand
  mvn-runner pause                                   no new trials until mvn-runner resume
  mvn-runner query "SELECT * FROM group_stats"       mean and interval over the seeds
  mvn-runner compare demo --by model.plugin          which is better, by how much, how sure
  mvn-runner plugins lora                            the parameters of a plugin
  mvn-runner schema --output sweep.schema.json       what editors complete and check sweeps by
  mvn-runner import wandb sweep.yaml                 a W&B sweep file as one of mvn-runner
  mvn-runner import gpt-neo gpt3_XL_256_Pile.json    a recipe from another trainer's file
  mvn-runner rerun 3f2a --verify                     train it again: are the results the same?
  mvn-runner merge 3f2a --output merged              a trial's adapter and base as one model

Exit codes: 0 all trials done, 1 some failed, 64 bad configuration (nothing was started),
130 interrupted. Running the same command again goes on where it stopped.)";

const std::vector<std::string> kCommands = {"plan",    "rerun",   "plugins",    "schema", "query",
                                            "compare", "collect", "status",     "pause",  "resume",
                                            "drain",   "stop",    "new-plugin", "import", "merge"};

// The lines of kExamples that call this command, and where the options of all commands are.
std::string footer_of(const std::string& command) {
  std::string footer;
  std::istringstream lines(kExamples);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  mvn-runner " + command + " ")) footer += line + "\n";
  }
  if (!footer.empty()) footer = "Examples:\n" + footer + "\n";
  return footer + "mvn-runner --help has the options of every command, such as --results DIR.";
}

// CLI11 2.1 has no other way to say that either a sweep or a command is given.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override {
    if (app->get_parent() != nullptr) return Formatter::make_usage(app, std::move(name));
    return "Usage: mvn-runner [OPTIONS] SWEEP.yaml [KEY=VALUE]...\n"
           "       mvn-runner COMMAND [OPTIONS]\n";
  }
};

void add_repeated(CLI::App& app, const std::string& name, std::vector<std::string>& values,
                  const std::string& help, const std::string& shape) {
  // One value each time: `--set a=b sweep.yaml` must not take the file for a second one.
  app.add_option(name, values, help)->allow_extra_args(false)->type_name(shape);
}

// CLI11's own validators name the largest number that there is, with all its digits.
CLI::Validator number_of_at_least(double least) {
  const auto wanted = [least](const std::string& text) {
    double number = 0;
    const bool fits = CLI::detail::lexical_cast(text, number) && number >= least;
    return fits ? std::string()
                : "must be a number of at least " + short_number(least) + ", got " + text;
  };
  return {wanted, "", ""};
}

// CLI11's names of what it reads into, before they become a CommandLine.
struct Parsed {
  CommandLine line;
  std::vector<std::string> words;  // of a run or a plan: the sweep and KEY=VALUE
  std::string results;
  std::vector<std::string> plugin_folders;
  std::string import_file;
  bool rebuild = false;
  bool version = false;
  bool dry_run = false;
  double region = -1;  // below 0: not given
};

void add_run(CLI::App& app, Parsed& parsed) {
  app.add_option("sweep", parsed.words,
                 "Sweep to run; KEY=VALUE after it sets a value, as --set does")
      ->type_name("SWEEP.yaml [KEY=VALUE]");
  add_repeated(app, "--set", parsed.line.overrides,
               "Set a value of the sweep, as in --set task.train=data.tsv", "KEY=VALUE");
  app.add_option("--workers", parsed.line.workers, "Trials at a time")
      ->type_name("N")
      ->check(number_of_at_least(1));
  app.add_flag("--rerun-changed", parsed.line.rerun_changed,
               "Train trials again, from scratch, whose plugin or data has changed since");
  app.add_flag("--dry-run", parsed.dry_run, "Start nothing: the same as 'mvn-runner plan'");
}

void add_plan(CLI::App& app, Parsed& parsed) {
  auto* plan = app.add_subcommand("plan", "Show the trials, what is left, and what that will take");
  plan->add_option("sweep", parsed.words, "Sweep to plan; KEY=VALUE and --workers as in a run")
      ->type_name("SWEEP.yaml [KEY=VALUE]")
      ->required();
  plan->add_option("--format", parsed.line.format, "table or json (table)")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"table", "json"}));
}

void add_rerun(CLI::App& app, CommandLine& line) {
  auto* rerun = app.add_subcommand("rerun", "Train a trial again, from scratch, in its place");
  rerun->add_option("trial", line.trial, "The beginning of its id")->type_name("TRIAL")->required();
  rerun->add_flag("--verify", line.verify,
                  "In a folder of its own; then compare: is it the same to the last bit?");
  rerun
      ->add_option("--tolerance", line.tolerance,
                   "Relative difference of two metrics that --verify lets pass (1e-5)")
      ->type_name("R")
      ->check(number_of_at_least(0));
  rerun->add_flag("--keep", line.keep, "Keep what --verify wrote");
  rerun->add_flag("--run-command", line.run_command,
                  "Run the trial's own program though no sweep file of yours names it");
}

void add_merge(CLI::App& app, CommandLine& line) {
  auto* merge = app.add_subcommand("merge", "Make one model of a trained adapter and its base");
  merge->add_option("trial", line.trial, "Trial whose adapter it is, or --adapter")
      ->type_name("TRIAL");
  merge->add_option("--adapter", line.adapter, "Folder of a PEFT adapter")->type_name("DIR");
  merge->add_option("--model", line.model, "Folder of the base model (the one that was trained)")
      ->type_name("DIR");
  merge->add_option("--output", line.output, "New folder to write")->type_name("DIR")->required();
  merge->add_option("--dtype", line.dtype, "float32, bfloat16 or float16 (the base's)")
      ->type_name("TYPE");
  merge->add_option("--plugin", line.plugin, "Model plugin (by the base's model_type)")
      ->type_name("NAME");
}

void add_compare(CLI::App& app, Parsed& parsed) {
  auto& request = parsed.line.compare;
  auto* compare = app.add_subcommand(
      "compare", "Say which value of a parameter is better, by how much, and how sure that is");
  compare->add_option("sweep", request.sweep, "Its name, or its file")
      ->type_name("SWEEP")
      ->required();
  compare->add_option("--by", request.by, "Parameter whose values are compared: model.plugin")
      ->type_name("KEY")
      ->required();
  compare->add_option("--baseline", request.baseline, "Compare all others with this value alone")
      ->type_name("VALUE");
  compare
      ->add_option("--metric", request.metric,
                   "Judge by this metric; by the test split's where there is one (the sweep's)")
      ->type_name("NAME");
  compare
      ->add_option("--rope", parsed.region,
                   "Largest difference that is none in practice (0.01 of scores up to 1, else 0)")
      ->type_name("R")
      ->check(number_of_at_least(0));
  add_repeated(*compare, "--within", request.within,
               "Compare within each value of this parameter, as within each data set", "KEY");
  compare->add_option("--format", parsed.line.format, "table, json, markdown or latex (table)")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"table", "json", "markdown", "latex"}));
}

void add_commands(CLI::App& app, Parsed& parsed) {
  add_plan(app, parsed);
  add_rerun(app, parsed.line);
  auto* plugins = app.add_subcommand("plugins", "List plugins and their parameters");
  plugins->add_option("name", parsed.line.component, "Only the components of this name")
      ->type_name("NAME");
  plugins->add_flag("--json", parsed.line.json, "As JSON");
  auto* schema = app.add_subcommand(
      "schema", "Write a JSON Schema of the sweep file, for completion in an editor");
  schema->add_option("--output", parsed.line.output, "File to write (standard output)")
      ->type_name("FILE");
  auto* query = app.add_subcommand("query", "Ask the results in SQL, read-only");
  query->add_option("sql", parsed.line.sql, "One SELECT; without it, what there is to ask")
      ->type_name("SQL");
  query->add_option("--format", parsed.line.format, "table, csv or json (table)")
      ->type_name("FORMAT");
  add_compare(app, parsed);
  auto* collect = app.add_subcommand("collect", "Make results.db anew from the trials' spools");
  collect->add_flag("--rebuild", parsed.rebuild, "Replace the database")->required();
  app.add_subcommand("status", "Show where the sweeps of a results folder stand");
  for (const auto& request : runner_requests()) app.add_subcommand(request, request_help(request));
  auto* fresh = app.add_subcommand("new-plugin", "Write a plugin's skeleton that builds");
  fresh->add_option("name", parsed.line.plugin, "Its name, and its folder's")
      ->required()
      ->type_name("NAME");
  auto* import = app.add_subcommand("import", "Turn another program's file into a sweep or recipe");
  import
      ->add_option("format", parsed.line.import_format,
                   "wandb: a sweep file of W&B; gpt-neo: a JSON file of EleutherAI/gpt-neo")
      ->required()
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"gpt-neo", "wandb"}));
  import->add_option("file", parsed.import_file, "The file to read")->required()->type_name("FILE");
  import
      ->add_option("--output", parsed.line.output,
                   "wandb: the sweep file to write (standard output)")
      ->type_name("SWEEP.yaml");
  import->add_option("--program", parsed.line.program, "wandb: the program to run (the file's)")
      ->type_name("FILE");
  add_merge(app, parsed.line);
  for (auto* command : app.get_subcommands({})) {
    command->fallthrough();
    command->footer(footer_of(command->get_name()));
  }
}

void define(CLI::App& app, Parsed& parsed) {
  app.name("mvn-runner");
  app.formatter(std::make_shared<HelpFormatter>());
  app.footer(kExamples);
  app.require_subcommand(0, 1);
  app.allow_extras();
  app.add_flag("--version", parsed.version, "Print the version");
  app.add_option("--results", parsed.results, "Folder of results.db and the trials (results)")
      ->type_name("DIR");
  add_repeated(app, "--plugin-dir", parsed.plugin_folders, "Look for plugins here first", "DIR");
  add_run(app, parsed);
  add_commands(app, parsed);
}

// "--dryrun" is not known; "--dry-run" is.
[[noreturn]] void refuse_extra(const CLI::App& app, const std::vector<std::string>& extras) {
  const auto option = std::find_if(extras.begin(), extras.end(),
                                   [](const auto& extra) { return extra.starts_with("-"); });
  if (option == extras.end()) {
    throw UsageError("unexpected argument '" + extras.front() + "'; see mvn-runner --help");
  }
  std::vector<std::string> known;
  for (const auto* each : app.get_options()) {
    if (!each->get_lnames().empty()) known.push_back("--" + each->get_lnames().front());
  }
  for (const auto* command : app.get_subcommands()) {
    for (const auto* each : command->get_options()) {
      if (!each->get_lnames().empty()) known.push_back("--" + each->get_lnames().front());
    }
  }
  const auto name = option->substr(0, option->find('='));
  const auto nearest = nearest_name(name, known);
  throw UsageError(
      "unknown option '" + name + "'" +
      (nearest.empty() ? "; see mvn-runner --help" : "; did you mean '" + nearest + "'?"));
}

Command command_of(const CLI::App& app, const Parsed& parsed) {
  if (parsed.version) return Command::kVersion;
  if (app.get_subcommands().empty()) {
    if (parsed.words.empty()) return Command::kHelp;
    return parsed.dry_run ? Command::kPlan : Command::kRun;
  }
  const auto name = app.get_subcommands().front()->get_name();
  if (name == "plan") return Command::kPlan;
  if (name == "rerun") return Command::kRerun;
  if (name == "plugins") return Command::kPlugins;
  if (name == "schema") return Command::kSchema;
  if (name == "query") return Command::kQuery;
  if (name == "compare") return Command::kCompare;
  if (name == "collect") return Command::kCollect;
  if (name == "status") return Command::kStatus;
  const auto& requests = runner_requests();
  if (std::find(requests.begin(), requests.end(), name) != requests.end()) return Command::kAsk;
  if (name == "import") return Command::kImport;
  if (name == "merge") return Command::kMerge;
  return Command::kNewPlugin;
}

bool is_override(const std::string& word) {
  const auto equals = word.find('=');
  return equals != 0 && equals != std::string::npos && word[0] != '-';
}

// `mvn-runner sweep.yaml training.epochs=1`, and `plan` likewise: the first of the words that is no
// KEY=VALUE, or names a file, is the sweep. Returns what is left over.
std::vector<std::string> take_sweep(std::vector<std::string> words, CommandLine& line) {
  const auto sweep = std::find_if(words.begin(), words.end(), [](const std::string& word) {
    return !is_override(word) || std::filesystem::is_regular_file(word);
  });
  if (sweep == words.end()) {
    throw UsageError("which sweep? Give its file before '" + words[0] + "'; see mvn-runner --help");
  }
  line.sweep = *sweep;
  words.erase(sweep);
  std::vector<std::string> left;
  for (const auto& word : words) {
    (is_override(word) ? line.overrides : left).push_back(word);
  }
  return left;
}

// A first word that is neither a file nor a command: which of the two was meant?
void check_sweep_exists(const std::filesystem::path& sweep) {
  if (std::filesystem::exists(sweep)) return;
  std::vector<std::string> known;
  if (!sweep.has_parent_path() && !sweep.has_extension()) known = kCommands;
  const auto folder = sweep.has_parent_path() ? sweep.parent_path() : std::filesystem::path(".");
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const auto extension = entry.path().extension();
    if (extension != ".yaml" && extension != ".yml") continue;
    known.push_back(sweep.has_parent_path() ? entry.path().string()
                                            : entry.path().filename().string());
  }
  const auto nearest = nearest_name(sweep.string(), known);
  throw UsageError(sweep.string() + ": no such sweep file" +
                   (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
}

void check_overrides(const std::vector<std::string>& overrides) {
  for (const auto& text : overrides) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UsageError("--set takes KEY=VALUE, as in --set training.epochs=1, not '" + text + "'");
    }
  }
}

void parse(CLI::App& app, const std::vector<std::string>& arguments) {
  // CLI11 wants the arguments without the program's name, the last one first.
  std::vector<std::string> words(arguments.rbegin(), arguments.rend());
  if (!words.empty()) words.pop_back();
  app.parse(words);
}

}  // namespace

UsageError::~UsageError() = default;

CommandLine parse_command_line(const std::vector<std::string>& arguments) {
  Parsed parsed;
  CLI::App app("Runs sweeps of language-model training, from YAML to SQL.");
  define(app, parsed);
  auto& line = parsed.line;
  line.text = shell_text(arguments);
  try {
    parse(app, arguments);
  } catch (const CLI::CallForHelp&) {
    const auto commands = app.get_subcommands();
    line.help = commands.empty() ? app.help() : commands.front()->help("mvn-runner");
    return line;
  } catch (const CLI::ParseError& error) {
    throw UsageError(std::string(error.what()) + "; see mvn-runner --help");
  }
  line.command = command_of(app, parsed);
  auto extras = app.remaining(true);
  const bool sweeps = line.command == Command::kRun || line.command == Command::kPlan;
  const auto left = sweeps ? take_sweep(parsed.words, line) : parsed.words;
  extras.insert(extras.end(), left.begin(), left.end());
  if (!extras.empty()) refuse_extra(app, extras);
  line.help = app.help();
  if (line.command == Command::kAsk) line.request = app.get_subcommands().front()->get_name();
  if (!parsed.results.empty()) line.results = parsed.results;
  line.plugin_folders.assign(parsed.plugin_folders.begin(), parsed.plugin_folders.end());
  line.import = parsed.import_file;
  if (parsed.region >= 0) line.compare.region = parsed.region;
  if (line.import_format == "gpt-neo" && !(line.output.empty() && line.program.empty())) {
    throw UsageError("import gpt-neo writes two files, named after FILE, and takes no " +
                     std::string(line.output.empty() ? "--program" : "--output"));
  }
  if (sweeps) {
    check_sweep_exists(line.sweep);
    check_overrides(line.overrides);
  } else if (line.command == Command::kMerge && line.trial.empty() == line.adapter.empty()) {
    throw UsageError(
        "merge takes a trial or --adapter, one of the two; see mvn-runner merge --help");
  }
  return line;
}

}  // namespace mvn
