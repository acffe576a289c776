#include "orchestrate/launch/trial_command.h"

#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTrial = "${trial}";
constexpr std::string_view kArgs = "${args}";

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string with_trial(std::string word, const std::string& trial_file) {
  for (auto at = word.find(kTrial); at != std::string::npos;
       at = word.find(kTrial, at + trial_file.size())) {
    word.replace(at, kTrial.size(), trial_file);
  }
  return word;
}

bool is_program(const fs::path& file) {
  return fs::is_regular_file(file) && ::access(file.c_str(), X_OK) == 0;
}

}  // namespace

bool has_own_program(const Json& config) {
  return config.contains("worker") && config.at("worker").contains("command");
}

std::vector<std::string> trial_command(const Json& config, const fs::path& trial_file) {
  std::vector<std::string> command;
  bool told = false;
  for (const Json& each : config.at("worker").at("command")) {
    const auto word = each.get<std::string>();
    told = told || word == kArgs || word.find(kTrial) != std::string::npos;
    if (word != kArgs) {
      command.push_back(with_trial(word, trial_file.string()));
      continue;
    }
    const auto args = config.find("args");
    if (args == config.end()) continue;
    for (const auto& [key, value] : args->items()) {
      command.push_back("--" + key + "=" + text_of(value));
    }
  }
  if (!told) command.push_back(trial_file.string());
  return command;
}

ProcessSpec trial_process(const Json& config, const fs::path& trial_file, const fs::path& spool,
                          const fs::path& log, const fs::path& folder) {
  ProcessSpec spec;
  spec.command = trial_command(config, trial_file);
  spec.folder = folder;
  spec.environment = {
      {"MVN_TRIAL", trial_file.string()}, {"MVN_SPOOL", spool.string()}, {"PYTHONUNBUFFERED", "1"}};
  spec.log = log;
  return spec;
}

std::string why_not_startable(const std::string& program, const fs::path& folder) {
  if (program.find('/') != std::string::npos) {
    return is_program(folder / program) ? "" : "no program '" + program + "'";
  }
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string each; std::getline(folders, each, ':');) {
    if (is_program(fs::path(each) / program)) return "";
  }
  const bool line = program.find(' ') != std::string::npos;
  return "no program '" + program + "' in PATH" +
         (line ? "; write it as a list: [program, argument]" : "");
}

}  // namespace mvn
