#include "orchestrate/launch/trial_command.h"

#include <unistd.h>

#include <cstdlib>
#include <map>
#include <sstream>
#include <utility>

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTrial = "${trial}";

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

// Every entry of `args` by its dotted name: {optimizer: {lr: 0.1}} is optimizer.lr. As Hydra's and
// jsonargparse's command lines take them.
void flatten(const std::string& prefix, const Json& map,
             std::vector<std::pair<std::string, Json>>& entries) {
  for (const auto& [name, value] : map.items()) {
    const std::string key = prefix.empty() ? name : prefix + "." + name;
    if (value.is_object() && !value.empty()) {
      flatten(key, value, entries);
    } else {
      entries.emplace_back(key, value);
    }
  }
}

using Words = std::vector<std::string>;

Words no_hyphens(const std::string& key, const Json& value) { return {key + "=" + text_of(value)}; }
Words hyphens(const std::string& key, const Json& value) {
  return {"--" + key + "=" + text_of(value)};
}
Words no_equals(const std::string& key, const Json& value) { return {"--" + key, text_of(value)}; }
Words append_hydra(const std::string& key, const Json& value) {
  return {"+" + key + "=" + text_of(value)};
}
Words override_hydra(const std::string& key, const Json& value) {
  return {"++" + key + "=" + text_of(value)};
}

// A flag that is true is there, one that is false is not.
Words no_boolean_flags(const std::string& key, const Json& value) {
  if (!value.is_boolean()) return hyphens(key, value);
  return value.get<bool>() ? Words{"--" + key} : Words();
}

// W&B's words for `args` and what becomes of each entry.
using Writer = Words (*)(const std::string& key, const Json& value);
const std::map<std::string, Writer>& writers() {
  static const std::map<std::string, Writer> all = {{"${args}", hyphens},
                                                    {"${args_no_hyphens}", no_hyphens},
                                                    {"${args_no_equals}", no_equals},
                                                    {"${args_no_boolean_flags}", no_boolean_flags},
                                                    {"${args_append_hydra}", append_hydra},
                                                    {"${args_override_hydra}", override_hydra}};
  return all;
}

constexpr std::string_view kArgsJson = "${args_json}";

// False where `word` does not stand for `args`.
bool add_args(const std::string& word, const Json& args, std::vector<std::string>& command) {
  if (word == kArgsJson) {
    command.push_back(args.dump());
    return true;
  }
  const auto writer = writers().find(word);
  if (writer == writers().end()) return false;
  std::vector<std::pair<std::string, Json>> entries;
  flatten("", args, entries);
  for (const auto& [key, value] : entries) {
    for (std::string& argument : writer->second(key, value)) {
      command.push_back(std::move(argument));
    }
  }
  return true;
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
  const Json args = config.value("args", Json::object());
  bool told = false;
  for (const Json& each : config.at("worker").at("command")) {
    const auto word = each.get<std::string>();
    if (add_args(word, args, command)) {
      told = true;
    } else {
      told = told || word.find(kTrial) != std::string::npos;
      command.push_back(with_trial(word, trial_file.string()));
    }
  }
  if (!told) command.push_back(trial_file.string());
  return command;
}

fs::path program_folder(const Json& config, const fs::path& folder) {
  return (folder / config.at("worker").value("cwd", "")).lexically_normal();
}

ProcessSpec trial_process(const Json& config, const fs::path& trial_file, const fs::path& spool,
                          const fs::path& log, const fs::path& folder) {
  ProcessSpec spec;
  spec.command = trial_command(config, trial_file);
  spec.folder = program_folder(config, folder);
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
