#include "runner/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "common/files.h"
#include "common/text.h"

namespace mvn {

UsageError::~UsageError() = default;

void refuse_word(const std::string& word) {
  throw UsageError("unexpected argument '" + word + "'; see mvn-runner --help");
}

void add_repeated(CLI::App& app, const std::string& name, std::vector<std::string>& values,
                  const std::string& help, const std::string& shape) {
  // One value each time: `--set a=b sweep.yaml` must not take the file for a second one.
  app.add_option(name, values, help)->allow_extra_args(false)->type_name(shape);
}

void add_format(CLI::App& app, std::string& format, const std::vector<std::string>& choices) {
  std::string list;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    list.append(i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ").append(choices[i]);
  }
  auto* option = app.add_option("--format", format, list + " (" + format + ")")
                     ->type_name("FORMAT")
                     ->check(CLI::IsMember(choices));
  if (std::ranges::find(choices, "json") == choices.end()) return;
  app.add_flag_callback(
         "--json", [&format] { format = "json"; }, "Short for --format json")
      ->excludes(option);
}

CLI::Validator number_of_at_least(double least) {
  const auto wanted = [least](const std::string& text) {
    double number = 0;
    const bool fits = CLI::detail::lexical_cast(text, number) && number >= least;
    return fits ? std::string()
                : "must be a number of at least " + short_number(least) + ", got " + text;
  };
  return {wanted, "", ""};
}

void write_or_print(const std::string& text, const std::string& file, std::ostream& out) {
  if (file.empty()) {
    out << text << std::flush;
    return;
  }
  write_file_atomically(file, text);
  out << "wrote " << file << std::endl;
}

}  // namespace mvn
