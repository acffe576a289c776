// completion, man: what shells and man(1) are told.
#include <CLI/CLI.hpp>
#include <memory>

#include "runner/command_line.h"
#include "runner/commands/commands.h"
#include "runner/completion_script.h"
#include "runner/man_page.h"

namespace mvn {
namespace {

Action define_completion(CLI::App& app) {
  struct Options {
    std::string shell;
    std::string output;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("shell", options->shell, "bash, zsh or fish")
      ->required()
      ->type_name("SHELL")
      ->check(CLI::IsMember(completion_shells()));
  app.add_option("--output", options->output, "File to write (standard output)")->type_name("FILE");
  return [options](const CommonOptions&, std::ostream& out) {
    write_or_print(completion_script(options->shell), options->output, out);
    return 0;
  };
}

Action define_man(CLI::App& app) {
  app.group("");  // for the build, which installs what it prints
  struct Options {
    std::string output;
    std::string date;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("--output", options->output, "File to write (standard output)")->type_name("FILE");
  app.add_option("--date", options->date, "The page's")->type_name("DATE");
  return [options](const CommonOptions&, std::ostream& out) {
    std::string page;
    with_command_line(
        [&](const CLI::App& described) { page = man_page(described, options->date); });
    write_or_print(page, options->output, out);
    return 0;
  };
}

}  // namespace

std::vector<CommandRow> shell_commands() {
  return {{.name = "completion",
           .help = "Print what makes a shell complete mvn-runner's words",
           .examples = {{"completion bash", "for 'source <(...)' in ~/.bashrc"}},
           .define = define_completion},
          {.name = "man", .help = "Print the manual page", .define = define_man}};
}

}  // namespace mvn
