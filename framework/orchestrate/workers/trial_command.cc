#include "orchestrate/workers/trial_command.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

#include "common/environment_variable.h"
#include "common/files.h"
#include "mvn/error.h"
#include "orchestrate/sweep/placeholders.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// Every entry of `args` by its dotted name: {optimizer: {lr: 0.1}} is optimizer.lr. As Hydra's and
// jsonargparse's command lines take them.
void flatten(const std::string& prefix, const Json& map,
             std::vector<std::pair<std::string, Json>>& entries) {
  for (const auto& [name, value] : map.items()) {
    std::string key = prefix;
    if (!key.empty()) key += '.';
    key += name;
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

// The words of a script's first line after "#!"; none where it has no such line.
std::vector<std::string> interpreter_of(const fs::path& script) {
  std::ifstream in(script, std::ios::binary);
  std::array<char, 256> start{};  // as much as the kernel looks at
  in.read(start.data(), start.size());
  std::string line(start.data(), static_cast<std::size_t>(in.gcount()));
  if (!line.starts_with("#!")) return {};
  std::istringstream rest(line.substr(2, line.find('\n') - 2));
  std::vector<std::string> words;
  // Other white space than this is part of a name: a carriage return, say.
  for (std::string part; std::getline(rest, part, '\t');) {
    std::istringstream parts(part);
    for (std::string word; std::getline(parts, word, ' ');) {
      if (!word.empty()) words.push_back(word);
    }
  }
  return words;
}

bool is_executable(const fs::path& file) {
  return is_file(file) && ::access(file.c_str(), X_OK) == 0;
}

// The files that execvp() tries for a name without '/', started from `folder`. Folders that may not
// be read hold none.
std::vector<fs::path> files_in_path(const std::string& name, const fs::path& folder) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/bin:/usr/bin" : path);
  std::vector<fs::path> files;
  for (std::string each; std::getline(folders, each, ':');) {
    if (auto file = folder / each / name; is_file(file)) files.push_back(std::move(file));
  }
  return files;
}

bool is_in_path(const std::string& name, const fs::path& folder) {
  return std::ranges::any_of(files_in_path(name, folder), is_executable);
}

// What runs a file that is no program by itself: as its first line or its name says.
std::string runner_of(const fs::path& script) {
  const auto words = interpreter_of(script);
  if (!words.empty() && fs::path(words[0]).filename() != "env") return words[0];
  if (words.size() > 1) return words[1];
  return script.extension() == ".py" ? "python3" : "sh";
}

// Why a script that is there cannot run; "" where it can, and for what is no script.
std::string what_is_wrong_with_its_interpreter(const fs::path& script, const std::string& name,
                                               const fs::path& folder) {
  const auto words = interpreter_of(script);
  if (words.empty()) return "";
  if (words.back().ends_with('\r')) {
    return "'" + name +
           "' has the line ends of Windows, which its first line cannot have: sed -i " +
           "'s/\\r$//' " + name;
  }
  if (!is_executable(folder / words[0])) {
    return "'" + name + "' is run by '" + words[0] +
           "', as its first line says, which is no program";
  }
  const bool looked_up = fs::path(words[0]).filename() == "env" && words.size() > 1 &&
                         !words[1].starts_with('-') && words[1].find('=') == std::string::npos;
  if (!looked_up || words[1].find('/') != std::string::npos || is_in_path(words[1], folder)) {
    return "";
  }
  return "'" + name + "' is run by '" + words[1] +
         "', as its first line says, which is not in PATH";
}

// The same for a file that may not be there, or not be executable.
std::string why_no_start_of_file(const fs::path& file, const std::string& name,
                                 const fs::path& folder) {
  std::error_code error;
  const auto status = fs::status(file, error);
  if (error == std::errc::permission_denied) return "'" + name + "': " + error.message();
  if (fs::is_directory(status)) return "'" + name + "' is a folder";
  if (!fs::is_regular_file(status)) return "no program '" + name + "'";
  if (!is_executable(file)) {
    return "'" + name + "' is not executable: chmod +x " + name + ", or write [" + runner_of(file) +
           ", " + name + "]";
  }
  return what_is_wrong_with_its_interpreter(file, name, folder);
}

// Packages that take the place of other trackers': in the Python package, which lies in an
// installed tree or around one.
fs::path standins() {
  const auto prefix = executable_folder().parent_path();
  for (const auto& package :
       {prefix / "lib" / "mvn" / "python" / "mvn_runner", prefix.parent_path()}) {
    if (is_file(package / "standins" / "wandb" / "__init__.py")) return package / "standins";
  }
  throw Error(
      "worker.tracker: no stand-in for wandb came with this mvn-runner: lib/mvn/python is missing "
      "in " +
      prefix.string() + "; install it again");
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
      command.push_back(filled(word, [&](std::string_view name) -> std::optional<std::string> {
        if (name == "seed") return std::to_string(config.value("seed", std::int64_t{0}));
        if (name != "trial") return std::nullopt;
        told = true;
        return trial_file.string();
      }));
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
  if (config.at("worker").value("tracker", "none") == "wandb") {
    const auto given = environment_variable("PYTHONPATH");
    spec.environment["PYTHONPATH"] = standins().string() + (given.empty() ? "" : ":" + given);
  }
  return spec;
}

std::string why_not_startable(const Json& config, const fs::path& folder) {
  const auto command = trial_command(config, "");
  if (command.empty() || config.at("worker").at("command").empty()) {
    return "an empty list names no program";
  }
  const auto& program = command.front();
  if (program.find('/') != std::string::npos) {
    return why_no_start_of_file(folder / program, program, folder);
  }
  const auto files = files_in_path(program, folder);
  for (const auto& file : files) {
    if (is_executable(file)) return what_is_wrong_with_its_interpreter(file, program, folder);
  }
  if (!files.empty()) return why_no_start_of_file(files.front(), files.front().string(), folder);
  if (is_file(folder / program)) {
    return "no program '" + program + "' in PATH; the one beside the sweep file is './" + program +
           "'";
  }
  const bool line = program.find(' ') != std::string::npos;
  return "no program '" + program + "' in PATH" +
         (line ? "; write it as a list: [program, argument]" : "");
}

}  // namespace mvn
