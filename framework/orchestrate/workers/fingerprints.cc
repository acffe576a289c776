#include "orchestrate/workers/fingerprints.h"

#include <map>

#include "common/file_hash.h"
#include "mvn/error.h"
#include "orchestrate/workers/trial_command.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

std::string hash_or_nothing(const fs::path& file) {
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return "";
  try {
    return remembered_hash(file);
  } catch (const std::exception&) {
    return "";  // it went away, or may not be read
  }
}

void add_file(Json& prints, const std::string& kind, const Json& value, const fs::path& folder) {
  if (!value.is_string()) return;
  const auto file = (folder / value.get<std::string>()).lexically_normal();
  const auto hash = hash_or_nothing(file);
  if (!hash.empty()) prints[kind + "." + file.string()] = hash;
}

// A name's kind and what follows its first point.
std::pair<std::string, std::string> parts_of(const std::string& name) {
  const auto dot = name.find('.');
  if (dot == std::string::npos) return {name, ""};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

// The relative path within `config` by which a trial named `file`; "" where there is none.
std::string word_for(const Json& config, const std::string& file) {
  if (config.is_structured()) {
    for (const auto& item : config) {
      auto word = word_for(item, file);
      if (!word.empty()) return word;
    }
    return "";
  }
  if (!config.is_string()) return "";
  const auto& word = config.get_ref<const std::string&>();
  std::string end = fs::path(word).lexically_normal().string();
  while (end.starts_with("../")) end.erase(0, 3);
  return !word.starts_with('/') && !end.empty() && file.ends_with("/" + end) ? word : "";
}

std::string joined(const std::set<std::string>& names) {
  constexpr std::size_t kShown = 3;
  std::string text;
  std::size_t count = 0;
  for (const auto& name : names) {
    if (count++ == kShown) return text + " and " + std::to_string(names.size() - kShown) + " more";
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

// `items` are plugins, versions or files, as the kind has it.
std::string what_changed(const std::string& kind, const std::set<std::string>& items) {
  if (kind == "plugin") return "another build of plugin " + joined(items);
  if (kind == "libmvn") return "another build of libmvn";
  if (kind == "torch") return "LibTorch " + joined(items);
  if (kind == "weights") return "weights that have changed since (" + joined(items) + ")";
  return "a " + (kind == "data" ? "data file" : kind) + " that has changed since (" +
         joined(items) + ")";
}

}  // namespace

Json program_fingerprints(const Json& config, const fs::path& sweep_folder) {
  const fs::path folder = program_folder(config, sweep_folder);
  Json prints = Json::object();
  for (const auto& word : config.at("worker").at("command")) {
    add_file(prints, "program", word, folder);
  }
  const auto args = config.find("args");
  if (args == config.end() || !args->is_object()) return prints;
  for (const auto& [key, value] : args->items()) add_file(prints, "data", value, folder);
  return prints;
}

std::string fingerprint_now(const std::string& name, const Description& installed,
                            const fs::path& worker) {
  const auto [kind, rest] = parts_of(name);
  if (kind == "torch") return installed.torch;
  if (kind == "libmvn") {
    return hash_or_nothing(worker.parent_path().parent_path() / "lib" / "libmvn.so");
  }
  if (kind != "plugin") return hash_or_nothing(rest);
  for (const auto& component : installed.components) {
    if (component.plugin == rest) return hash_or_nothing(component.file);
  }
  return "";
}

void follow_files(std::vector<Fingerprint>& recorded, const std::vector<PlannedTrial>& trials,
                  const fs::path& folder) {
  std::map<std::string, const PlannedTrial*> by_id;
  for (const auto& trial : trials) by_id[trial.id] = &trial;
  std::map<std::string, std::string> files;  // by the word and the file that it named
  for (auto& print : recorded) {
    const auto [kind, file] = parts_of(print.name);
    const auto trial = by_id.find(print.trial);
    if (!file.starts_with('/') || trial == by_id.end()) continue;
    const auto word = word_for(trial->second->config, file);
    if (word.empty()) continue;
    auto& now = files[std::string(word).append("\n").append(file)];
    if (now.empty()) {
      const auto path = (folder / word).lexically_normal();
      now = fs::exists(path) ? path.string() : file;
    }
    print.name = std::string(kind).append(".").append(now);
  }
}

std::vector<Change> changes(const std::vector<Fingerprint>& recorded,
                            const std::function<std::string(const std::string& name)>& now) {
  std::map<std::string, std::string> current;
  std::map<std::string, std::set<std::string>> items;   // by kind
  std::map<std::string, std::set<std::string>> trials;  // by kind
  for (const auto& print : recorded) {
    const auto [known, is_new] = current.try_emplace(print.name);
    if (is_new) known->second = now(print.name);
    if (known->second.empty() || known->second == print.value) continue;
    const auto [kind, rest] = parts_of(print.name);
    const bool version = kind == "torch";
    const bool plugin = kind == "plugin";
    items[kind].insert(version ? print.value : plugin ? rest : fs::path(rest).filename().string());
    trials[kind].insert(print.trial);
  }
  std::vector<Change> result;
  for (const auto& [kind, names] : items) {
    result.push_back({what_changed(kind, names), trials.at(kind)});
  }
  return result;
}

std::string change_line(const Change& change, std::size_t finished, std::size_t begun, bool rerun) {
  const auto trials = [](std::size_t count, const char* kind, const char* verb) {
    return std::to_string(count) + " " + kind + " trial" + (count == 1 ? " was " : "s were ") +
           verb;
  };
  std::string text;
  if (finished > 0) text = trials(finished, "finished", "trained");
  if (begun > 0) text += (text.empty() ? "" : " and ") + trials(begun, "unfinished", "begun");
  text += " with " + change.what;
  if (rerun) return text + ": trained again from scratch";
  const bool one = finished + begun == 1;
  const std::string they = one ? "it" : "they";
  const std::string kept = finished == 0 ? they + (one ? " goes on" : " go on")
                                         : they + (one ? " is kept" : " are kept");
  return text + ": " + kept + "; --rerun-changed trains " + (one ? "it" : "them") + " again";
}

}  // namespace mvn
