#include "runner/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>

#include "common/text.h"
#include "mvn/nearest.h"
#include "runner/commands/commands.h"
#include "runner/complete.h"
#include "runner/status.h"

namespace mvn {
namespace {

constexpr const char* kComplete = "complete";  // what shells ask; see completions()
constexpr const char* kAbout = "Runs sweeps of language-model training, from YAML to SQL.";
constexpr const char* kExitCodes =
    "Exit codes: 0 all trials done, 1 some failed, 64 bad configuration (nothing was started),\n"
    "130 interrupted. Running the same command again goes on where it stopped.";

std::string examples_of(const CommandRow& row) {
  constexpr std::size_t kColumn = 51;
  std::string text;
  for (const auto& [command, does] : row.examples) {
    std::string line = "  mvn-runner " + command;
    line.resize(std::max(kColumn, line.size() + 2), ' ');
    text.append(line).append(" ").append(does).append("\n");
  }
  return text;
}

// Its examples, and where the options of all commands are.
std::string footer_of(const CommandRow& row) {
  const auto examples = examples_of(row);
  return (examples.empty() ? "" : "Examples:\n" + examples + "\n") +
         "mvn-runner --help has the options of every command, such as --results DIR.";
}

// CLI11 2.1 has no other way to say that either a sweep or a command is given.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override {
    if (app->get_parent() != nullptr) return Formatter::make_usage(app, std::move(name));
    return "Usage: mvn-runner [OPTIONS] SWEEP.yaml [KEY=VALUE]...\n"
           "       mvn-runner COMMAND [OPTIONS]\n";
  }

  // What may stand there is in the option's help already.
  std::string make_option_opts(const CLI::Option* option) const override {
    if (option->get_expected_max() == 0) return "";
    const auto type = option->get_type_name();
    return " " + type.substr(0, type.find(":{"));
  }
};

// What the app was told: the action of each of its commands, by name; that of a run is kRun's.
using Actions = std::map<std::string, Action>;

Actions define(CLI::App& app, CommonOptions& common, bool& version) {
  app.name("mvn-runner");
  app.formatter(std::make_shared<HelpFormatter>());
  app.require_subcommand(0, 1);
  app.allow_extras();
  app.add_flag("--version", version, "Print the version");
  app.add_option("--results", common.results, "Folder of results.db and the trials (results)")
      ->type_name("DIR");
  add_repeated(app, "--plugin-dir", common.plugin_dirs, "Look for plugins here first", "DIR");
  add_run_options(app, common);
  Actions actions;
  std::string examples = "Examples (each command's --help has its own):\n";
  for (const CommandRow& row : command_table()) {
    if (row.name == kRun || row.name == "plan" || row.name == "status" || row.name == "query" ||
        row.name == "compare") {
      examples += examples_of(row);
    }
    if (row.name == kRun) {
      actions[row.name] = row.define(app);
      continue;
    }
    auto* command = app.add_subcommand(row.name, row.help);
    actions[row.name] = row.define(*command);
    command->fallthrough();
    for (auto* action : command->get_subcommands({})) action->fallthrough();
    command->footer(footer_of(row));
  }
  app.footer(examples + "\n" + kExitCodes);
  return actions;
}

// The command that was typed, or an action of it; null where there is none.
const CLI::App* asked(const CLI::App& app) {
  const auto commands = app.get_subcommands();
  return commands.empty() ? nullptr : commands.front();
}

// "--dryrun" is not known; "--dry-run" is.
[[noreturn]] void refuse_extra(const CLI::App& app, const std::vector<std::string>& extras) {
  const auto option = std::find_if(extras.begin(), extras.end(),
                                   [](const auto& extra) { return extra.starts_with("-"); });
  if (option == extras.end()) refuse_word(extras.front());
  std::vector<std::string> known;
  for (const auto* each = &app; each != nullptr; each = asked(*each)) {
    for (const auto* taken : each->get_options()) {
      if (!taken->get_lnames().empty()) known.push_back("--" + taken->get_lnames().front());
    }
  }
  const auto name = option->substr(0, option->find('='));
  if (std::ranges::find(known, name) != known.end()) {
    throw UsageError("'" + name + "' stands after the command that it belongs to");
  }
  const auto nearest = nearest_name(name, known);
  throw UsageError(
      "unknown option '" + name + "'" +
      (nearest.empty() ? "; see mvn-runner --help" : "; did you mean '" + nearest + "'?"));
}

Action printing(std::string text) {
  return [text = std::move(text)](const CommonOptions&, std::ostream& out) {
    out << text << std::flush;
    return 0;
  };
}

void parse(CLI::App& app, const std::vector<std::string>& arguments) {
  // CLI11 wants the arguments without the program's name, the last one first.
  std::vector<std::string> words(arguments.rbegin(), arguments.rend());
  if (!words.empty()) words.pop_back();
  app.parse(words);
}

// Alone where there are results it says how they stand, else what it takes.
Action without_words(std::string help) {
  return [help = std::move(help)](const CommonOptions& common, std::ostream& out) {
    if (!has_results(common.results)) {
      out << help << std::flush;
      return 0;
    }
    show_status(common.results, StatusFormat::kTable, out);
    out << "(mvn-runner --help lists what it can be asked)" << std::endl;
    return 0;
  };
}

Action completing(const CLI::App& app, const std::vector<std::string>& arguments) {
  auto first = arguments.begin() + 2;
  if (first != arguments.end() && *first == "--") ++first;
  std::string text;
  for (const auto& line : completions(app, {first, arguments.end()})) text += line + "\n";
  return printing(text);
}

}  // namespace

void with_command_line(const std::function<void(const CLI::App& app)>& use) {
  CommonOptions common;
  bool version = false;
  CLI::App app(kAbout);
  const auto actions = define(app, common, version);
  use(app);
}

CommandLine parse_command_line(const std::vector<std::string>& arguments) {
  CommandLine line;
  bool version = false;
  CLI::App app(kAbout);
  auto actions = define(app, line.common, version);
  line.common.text = shell_text(arguments);
  if (arguments.size() > 1 && arguments[1] == kComplete) {
    line.action = completing(app, arguments);
    return line;
  }
  try {
    parse(app, arguments);
  } catch (const CLI::CallForHelp&) {
    const auto* command = asked(app);
    line.action = printing(command == nullptr ? app.help() : command->help("mvn-runner"));
    return line;
  } catch (const CLI::ParseError& error) {
    throw UsageError(std::string(error.what()) + "; see mvn-runner --help");
  }
  const auto extras = app.remaining(true);
  if (!extras.empty()) refuse_extra(app, extras);
  // A word that a command does not take comes here as if it were a sweep.
  const auto words = app.get_option("sweep")->results();
  if (version) {
    line.action = printing("mvn-runner " MVN_VERSION "\n");
  } else if (const auto* command = asked(app)) {
    if (!words.empty()) refuse_word(words.front());
    line.action = actions.at(command->get_name());
  } else {
    line.action = words.empty() ? without_words(app.help()) : actions.at(kRun);
  }
  return line;
}

}  // namespace mvn
