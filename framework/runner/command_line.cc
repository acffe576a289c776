#include "runner/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "common/text.h"
#include "mvn/nearest.h"
#include "runner/commands.h"

namespace mvn {
namespace {

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
};

void define(CLI::App& app, CommandLine& line, bool& version) {
  app.name("mvn-runner");
  app.formatter(std::make_shared<HelpFormatter>());
  app.require_subcommand(0, 1);
  app.allow_extras();
  app.add_flag("--version", version, "Print the version");
  app.add_option("--results", line.results, "Folder of results.db and the trials (results)")
      ->type_name("DIR");
  add_repeated(app, "--plugin-dir", line.plugin_dirs, "Look for plugins here first", "DIR");
  std::string examples = "Examples:\n";
  for (const CommandRow& row : command_table()) {
    examples += examples_of(row);
    if (row.name == kRun) {
      row.options(app, line);
      continue;
    }
    auto* command = app.add_subcommand(row.name, row.help);
    if (row.options) row.options(*command, line);
    command->fallthrough();
    command->footer(footer_of(row));
  }
  app.footer(examples + "\n" + kExitCodes);
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

std::string command_of(const CLI::App& app, const CommandLine& line, bool version) {
  if (version) return "version";
  if (!app.get_subcommands().empty()) return app.get_subcommands().front()->get_name();
  if (line.words.empty()) return "help";
  return line.dry_run ? "plan" : kRun;
}

bool is_override(const std::string& word) {
  const auto equals = word.find('=');
  return equals != 0 && equals != std::string::npos && word[0] != '-';
}

// `mvn-runner sweep.yaml training.epochs=1`, and `plan` likewise: the first of the words that is no
// KEY=VALUE, or names a file, is the sweep. Returns what is left over.
std::vector<std::string> take_sweep(CommandLine& line) {
  auto words = line.words;
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
  if (!sweep.has_parent_path() && !sweep.has_extension()) {
    for (const CommandRow& row : command_table()) {
      if (row.name != kRun) known.push_back(row.name);
    }
  }
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
  CommandLine line;
  bool version = false;
  CLI::App app("Runs sweeps of language-model training, from YAML to SQL.");
  define(app, line, version);
  line.text = shell_text(arguments);
  try {
    parse(app, arguments);
  } catch (const CLI::CallForHelp&) {
    const auto commands = app.get_subcommands();
    line.command = "help";
    line.help = commands.empty() ? app.help() : commands.front()->help("mvn-runner");
    return line;
  } catch (const CLI::ParseError& error) {
    throw UsageError(std::string(error.what()) + "; see mvn-runner --help");
  }
  line.command = command_of(app, line, version);
  line.help = app.help();
  auto extras = app.remaining(true);
  const CommandRow* row = find_command(line.command);
  const auto left = row != nullptr && row->takes_sweep ? take_sweep(line) : line.words;
  extras.insert(extras.end(), left.begin(), left.end());
  if (!extras.empty()) refuse_extra(app, extras);
  if (row != nullptr && row->takes_sweep) {
    check_sweep_exists(line.sweep);
    check_overrides(line.overrides);
  }
  if (row != nullptr && row->check) row->check(line);
  return line;
}

}  // namespace mvn
