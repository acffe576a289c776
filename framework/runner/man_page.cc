#include "runner/man_page.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "runner/command_line.h"
#include "runner/commands/commands.h"

namespace mvn {
namespace {

// In lines of at most 72 characters, where there are spaces to break them at.
std::string broken(std::string text) {
  constexpr std::size_t kWidth = 72;
  for (std::size_t start = 0; text.size() - start > kWidth;) {
    auto space = text.rfind(' ', start + kWidth);
    if (space == std::string::npos || space <= start) space = text.find(' ', start + kWidth);
    if (space == std::string::npos) break;
    text[space] = '\n';
    start = space + 1;
  }
  return text;
}

// As roff takes it: a dash is one that can be copied, and no line begins with a request.
std::string roff(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    const bool at_start = escaped.empty() || escaped.back() == '\n';
    if (at_start && (c == '.' || c == '\'')) escaped += "\\&";
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string bold(const std::string& text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + roff(text) + "\\fR"; }

// "DIR" of an option; of a choice "table|json".
std::string value_of(const CLI::Option& option) {
  const auto type = option.get_type_name();
  const auto colon = type.find(":{");
  if (colon == std::string::npos) return italic(type);
  auto members = type.substr(colon + 2, type.rfind('}') - colon - 2);
  std::ranges::replace(members, ',', '|');
  return roff(members);
}

// A paragraph with a mark before it.
std::string tagged(const std::string& mark, const std::string& text) {
  return ".TP\n" + mark + "\n" + roff(broken(text)) + "\n";
}

std::string option_text(const CLI::Option& option) {
  std::string names;
  const auto add = [&](const std::string& name) {
    names.append(names.empty() ? "" : ", ").append(bold(name));
  };
  for (const auto& name : option.get_snames()) add("-" + name);
  for (const auto& name : option.get_lnames()) add("--" + name);
  if (option.get_expected_max() > 0) names += " " + value_of(option);
  return tagged(names, option.get_description());
}

std::string options_text(const CLI::App& app) {
  std::string text;
  for (const auto* option : app.get_options()) {
    if (option == app.get_help_ptr() && app.get_parent() != nullptr) continue;  // all have it
    if (option->get_positional()) {
      text += tagged(italic(option->get_name(true)), option->get_description());
    } else if (!option->get_lnames().empty()) {
      text += option_text(*option);
    }
  }
  return text;
}

// "gc [SWEEP]"
std::string usage_of(const CLI::App& app, const std::string& before) {
  std::string usage = before + app.get_name();
  for (const auto* option : app.get_options()) {
    if (!option->get_positional()) continue;
    const auto type = option->get_type_name();
    const auto shape = type.substr(0, type.find(":{"));
    usage.append(option->get_required() ? " " : " [").append(shape);
    usage.append(option->get_required() ? "" : "]");
  }
  return usage;
}

std::string command_text(const CLI::App& command, const std::string& before) {
  std::string text = ".SS " + std::string("\"") + roff(usage_of(command, before)) + "\"\n";
  text += roff(broken(command.get_description())) + ".\n" + options_text(command);
  const auto within = before + command.get_name() + " ";
  for (const auto* action : command.get_subcommands({})) text += command_text(*action, within);
  return text;
}

std::string examples_text() {
  std::string text = ".SH EXAMPLES\n";
  for (const CommandRow& row : command_table()) {
    for (const auto& [command, does] : row.examples) {
      text += tagged(bold("mvn-runner " + command), does);
    }
  }
  return text;
}

constexpr const char* kRest =
    ".SH EXIT STATUS\n"
    ".TP\n0\nAll trials are done; the command did what it was asked for.\n"
    ".TP\n1\nSome trials failed; something went wrong that the message names.\n"
    ".TP\n64\nA bad configuration or command line. Nothing was started.\n"
    ".TP\n130\nInterrupted. Running the same command again goes on where it stopped.\n"
    ".SH FILES\n"
    ".TP\n\\fIresults/results.db\\fR\nEverything that was measured, in SQLite.\n"
    ".TP\n\\fIresults/SWEEP/\\fR\nThe logs, spools, checkpoints and models of a sweep's trials.\n"
    ".SH ENVIRONMENT\n"
    ".TP\n\\fBNO_COLOR\\fR\nWhen it is set and not empty, nothing is printed in colour.\n"
    ".TP\n\\fBCUDA_VISIBLE_DEVICES\\fR\nThe GPUs that may be used; empty: none.\n"
    ".TP\n\\fBMVN_CPU_ISA\\fR\nThe largest instruction set to use: portable, avx2, avx512 or "
    "avx512_bf16.\n"
    ".TP\n\\fBMVN_PLUGIN_PATH\\fR\nFolders of plugins, separated by colons.\n"
    ".TP\n\\fBXDG_CACHE_HOME\\fR\nWhere what can be found out again is remembered.\n"
    ".SH SEE ALSO\n"
    ".BR sqlite3 (1)\n";

}  // namespace

std::string man_page(const CLI::App& app, const std::string& date) {
  std::string text =
      ".TH MVN\\-RUNNER 1 \"" + date + "\" \"mvn\\-runner " MVN_VERSION "\" \"User Commands\"\n";
  text +=
      ".SH NAME\nmvn\\-runner \\- runs sweeps of language\\-model training, from YAML to SQL\n"
      ".SH SYNOPSIS\n.B mvn\\-runner\n[\\fIOPTIONS\\fR] \\fISWEEP.yaml\\fR "
      "[\\fIKEY\\fR=\\fIVALUE\\fR]...\n.br\n.B mvn\\-runner\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n"
      ".SH DESCRIPTION\n"
      "A sweep is a YAML file that describes experiments.\n"
      "The first form runs its trials, or what is left of them,\n"
      "and stores what they measure in one SQLite database,\n"
      "which the commands answer from.\n"
      ".SH OPTIONS\n";
  text += options_text(app) + ".SH COMMANDS\n";
  for (const auto* command : app.get_subcommands({})) {
    if (!command->get_group().empty()) text += command_text(*command, "");
  }
  return text + examples_text() + kRest;
}

}  // namespace mvn
