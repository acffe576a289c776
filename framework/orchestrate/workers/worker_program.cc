#include "orchestrate/workers/worker_program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <sstream>

#include "common/environment_variable.h"
#include "common/files.h"
#include "common/hashing.h"
#include "common/text.h"
#include "mvn/error.h"
#include "orchestrate/process/run_to_end.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// "path size modified", or "path -" where there is no such file.
std::string stamp(const fs::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return file.string() + " -\n";
  std::ostringstream text;
  text << file.string() << ' ' << info.st_size << ' ' << info.st_mtim.tv_sec << '.'
       << info.st_mtim.tv_nsec << '\n';
  return text.str();
}

std::string stamps_of_folder(const fs::path& folder) {
  std::vector<std::string> stamps;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".so") stamps.push_back(stamp(entry.path()));
  }
  std::sort(stamps.begin(), stamps.end());
  std::string text = folder.string() + "\n";
  for (const auto& each : stamps) text += each;
  return text;
}

// The devices of a machine change: a home folder can be shared by many of them.
std::string machine() {
  std::string text = host_name();
  std::error_code ignored;
  std::vector<std::string> gpus;
  for (const auto& entry : fs::directory_iterator("/dev", ignored)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with("nvidia")) gpus.push_back(name);
  }
  std::sort(gpus.begin(), gpus.end());
  for (const auto& gpu : gpus) text += " " + gpu;
  return text + "\n";
}

// What describe and check may take: a file that a stranger made can keep them busy for ever.
Patience patience() {
  constexpr double kLimit = 900;
  const auto given = environment_variable("MVN_CHECK_LIMIT");
  if (given.empty()) return {.limit = kLimit};
  char* end = nullptr;
  const double seconds = std::strtod(given.c_str(), &end);
  if (*end != '\0' || !(seconds >= 0)) {
    throw ConfigError("", "MVN_CHECK_LIMIT: expected seconds, 0 for no limit, got '" + given + "'");
  }
  return {.limit = seconds};
}

// A cache that cannot be read, or holds what an older version wrote, is an empty one.
std::optional<Description> cached(const fs::path& file) {
  try {
    if (file.empty() || !fs::exists(file)) return std::nullopt;
    return description_from_json(read_json(file));
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

void keep(const fs::path& file, const Description& description) {
  try {
    if (!file.empty()) write_file_atomically(file, to_json(description).dump());
  } catch (const std::exception&) {
    // Then the next run asks the worker again.
  }
}

CheckResult check_result(const Json& json) {
  CheckResult result;
  for (const auto& each : json.at("errors")) {
    result.errors.push_back({each.at("key"), each.at("message")});
  }
  result.warnings = json.value("warnings", std::vector<std::string>());
  result.notes = json.value("notes", std::vector<std::string>());
  return result;
}

}  // namespace

fs::path find_worker() {
  if (const auto given = environment_variable("MVN_WORKER"); !given.empty()) {
    if (fs::exists(given)) return fs::absolute(given);
    throw Error("MVN_WORKER names '" + given + "', which does not exist");
  }
  auto beside = executable_folder() / "mvn-worker";
  if (fs::exists(beside)) return beside;
  throw Error(beside.string() + ": not found; mvn-runner needs mvn-worker beside it");
}

WorkerProgram::WorkerProgram(fs::path file, std::vector<fs::path> plugin_folders)
    : file_(std::move(file)),
      plugin_folders_(std::move(plugin_folders)),
      package_(python_package_of(file_)) {}

void WorkerProgram::find_torch(Signals& signals) const {
  if (!package_ || torch_) return;
  torch_ = find_python_torch(*package_, [&](const std::vector<std::string>& command) {
    try {
      const auto result = run_to_end({command, {}, {}}, "", signals, patience());
      return result.end.success() ? result.output : "";
    } catch (const CannotStart&) {
      return std::string();
    }
  });
}

void WorkerProgram::require_torch(Signals& signals) const {
  find_torch(signals);
  if (torch_ && !torch_->problem.empty()) throw Error(torch_->problem);
}

std::optional<Description> WorkerProgram::shipped_description() const {
  const auto library = file_.parent_path().parent_path() / "lib" / "mvn";
  // Plugins of others are unknown to it.
  if (!plugin_folders_.empty() || !environment_variable("MVN_PLUGIN_PATH").empty()) {
    return std::nullopt;
  }
  auto description = cached(library / "description.json");
  if (!description) return std::nullopt;
  for (auto& component : description->components) {
    component.file = library / "plugins" / component.file.filename();
  }
  return description;
}

ProcessSpec WorkerProgram::spec(std::vector<std::string> words) const {
  ProcessSpec spec{std::move(words), {}, {}};
  if (torch_ && torch_->problem.empty() && !torch_->beside) {
    const auto given = environment_variable("LD_LIBRARY_PATH");
    spec.environment["LD_LIBRARY_PATH"] =
        (torch_->folder / "lib").string() + (given.empty() ? "" : ":" + given);
  }
  return spec;
}

std::vector<std::string> WorkerProgram::command(const std::string& verb) const {
  std::vector<std::string> words = {file_.string(), verb};
  for (const auto& folder : plugin_folders_) {
    words.emplace_back("--plugin-dir");
    words.push_back(folder.string());
  }
  return words;
}

Json WorkerProgram::ask(const std::string& verb, const std::string& input, Signals& signals) const {
  require_torch(signals);
  const auto result = run_to_end(spec(command(verb)), input, signals, patience());
  if (!result.end.success()) {
    const auto said = last_lines(result.errors, 15);
    throw Error("'" + file_.string() + " " + verb + "' ended with " + to_string(result.end) +
                (said.empty() ? "" : ":\n" + said));
  }
  Json answer = try_parse_json(result.output);
  if (answer.is_discarded()) {
    throw Error("'" + file_.string() + " " + verb +
                "' did not answer in JSON: " + result.output.substr(0, 200));
  }
  return answer;
}

std::string WorkerProgram::fingerprint() const {
  const auto beside = file_.parent_path().parent_path() / "lib";
  std::string text = std::string("1 ") + MVN_VERSION + "\n" + stamp(file_) +
                     stamp(beside / "libmvn.so") + machine();
  if (torch_) text += stamp(torch_->folder / "version.py");
  for (const auto* name : {"MVN_PLUGIN_PATH", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH"}) {
    text += std::string(name) + "=" + environment_variable(name) + "\n";
  }
  auto folders = plugin_folders_;
  std::istringstream listed(environment_variable("MVN_PLUGIN_PATH"));
  for (std::string folder; std::getline(listed, folder, ':');) folders.emplace_back(folder);
  folders.push_back(beside / "mvn" / "plugins");
  for (const auto& folder : folders) text += stamps_of_folder(folder);
  return sha256(text);
}

Description WorkerProgram::describe(Signals& signals) const {
  find_torch(signals);
  if (torch_ && !torch_->problem.empty()) {
    if (const auto shipped = shipped_description()) return *shipped;
  }
  const auto folder = cache_folder();
  const auto file =
      folder.empty() ? folder : folder / ("describe-" + fingerprint().substr(0, 16) + ".json");
  if (auto known = cached(file)) return *known;
  const Json answer = ask("describe", "", signals);
  try {
    auto description = description_from_json(answer);
    keep(file, description);
    return description;
  } catch (const Json::exception& e) {
    throw Error("'" + file_.string() + " describe' answered what this mvn-runner cannot read (" +
                e.what() + "); are both of version " + MVN_VERSION + "?");
  }
}

std::vector<CheckResult> WorkerProgram::check(const Json& configurations, Signals& signals) const {
  const Json answer = ask("check", configurations.dump(), signals);
  std::vector<CheckResult> results;
  try {
    for (const auto& each : answer) results.push_back(check_result(each));
  } catch (const Json::exception& e) {
    throw Error("'" + file_.string() + " check' answered what this mvn-runner cannot read (" +
                e.what() + "); are both of version " + MVN_VERSION + "?");
  }
  if (results.size() != configurations.size()) {
    throw Error("'" + file_.string() + " check' answered for " + std::to_string(results.size()) +
                " of " + std::to_string(configurations.size()) + " configurations");
  }
  return results;
}

std::string WorkerProgram::merge(const std::vector<std::string>& options, Signals& signals) const {
  auto words = command("merge");
  words.insert(words.end(), options.begin(), options.end());
  return do_once(words, "", signals, {});
}

std::string WorkerProgram::embed(const Json& request, Signals& signals,
                                 const TakeLine& take_line) const {
  return do_once(command("embed"), request.dump(), signals, take_line);
}

std::string WorkerProgram::do_once(const std::vector<std::string>& words, const std::string& input,
                                   Signals& signals, const TakeLine& take_line) const {
  require_torch(signals);
  const auto result = run_to_end(spec(words), input, signals, {}, take_line);
  if (result.end.success()) return result.errors + result.output;
  std::string said = last_lines(result.errors, 15);
  const std::string prefix = "mvn-worker: ";
  if (said.starts_with(prefix)) said.erase(0, prefix.size());
  const auto code = result.end.exit_code;
  if (code == static_cast<int>(ExitCode::kBadConfig) ||
      code == static_cast<int>(ExitCode::kBadData)) {
    throw ConfigError("", said);
  }
  throw Error("'" + shell_text(words) + "' ended with " + to_string(result.end) +
              (said.empty() ? "" : ":\n" + said));
}

ProcessSpec WorkerProgram::serve() const { return spec(command("serve")); }

}  // namespace mvn
