#include "orchestrate/sweep/settings.h"

#include <algorithm>
#include <map>

#include "common/nearest.h"
#include "common/trial.h"
#include "orchestrate/sweep/coerce.h"
#include "orchestrate/sweep/keys.h"
#include "orchestrate/sweep/scalar.h"
#include "orchestrate/sweep/yaml_hint.h"

namespace mvn {
namespace {

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

// Keys that people know from elsewhere, and what to do about them.
std::string known_elsewhere(const std::string& key) {
  static const std::map<std::string, std::string> later = {
      {"budget", "is `run_cap: {trials: 100, hours: 8, gpu_hours: 4}`"},
      {"checkpoint", "is no key of a sweep; see training.checkpoint_every"},
      {"program", "belongs to W&B: write worker: {command: [python3, PROGRAM]}"},
      {"command", "belongs to W&B: write worker: {command: [...]}"},
      {"project", "belongs to W&B; remove it"},
      {"entity", "belongs to W&B; remove it"}};
  const auto found = later.find(key);
  return found == later.end() ? "" : found->second;
}

void check_method(const Node& sweep, ProblemList& problems) {
  const auto methods = choices_of("stage", "method");
  const Node* method = sweep.get("method");
  if (method == nullptr || (method->is_scalar() && contains(methods, method->text))) return;
  if (method->text == "custom") {
    problems.add(method->mark, "method 'custom' is not supported: use bayes, grid, random or list");
    return;
  }
  problems.add(method->mark,
               "unknown method " + describe(*method) + suggest(method->text, methods));
}

// An integer of at least `least`, or nullopt after a problem.
std::optional<std::int64_t> whole_number(const std::string& key, const Node& node,
                                         std::int64_t least, ProblemList& problems) {
  const auto value = node.is_scalar() ? core_int(node.text) : std::nullopt;
  if (value && *value >= least && *value <= 1'000'000'000) return value;
  problems.add(node.mark, key + ": expected an integer of at least " + std::to_string(least) +
                              ", got " + describe(node));
  return std::nullopt;
}

// Of the map under `key`, which has a group of that name.
void check_known(const std::string& key, const Node& map, ProblemList& problems) {
  const auto known = key_names(key);
  for (const Entry& entry : map.entries) {
    if (contains(known, entry.key)) continue;
    problems.add(entry.mark, key + ": unknown key '" + entry.key + "'" + suggest(entry.key, known));
  }
}

const char* section_hint(const std::string& key) {
  return key == "model" || key == "adapter" || key == "task" ? " such as {plugin: NAME}" : "";
}

void check_section(const Entry& entry, ProblemList& problems) {
  if (entry.value.is_map() || entry.value.is_null()) return;
  const auto stuck = key_without_space(entry.value.text);
  problems.add(entry.value.mark,
               entry.key + ": expected a map" + section_hint(entry.key) + ", got " +
                   describe(entry.value) +
                   (stuck.empty() ? "" : "; a space is missing after '" + stuck + "'"));
}

}  // namespace

void check_keys(const Node& sweep, bool stage, const std::vector<std::string>& sections,
                ProblemList& problems) {
  const auto whole_sweep = key_names("sweep");
  auto known = key_names("stage");
  known.insert(known.end(), sections.begin(), sections.end());
  if (!stage) known.insert(known.end(), whole_sweep.begin(), whole_sweep.end());
  for (const Entry& entry : sweep.entries) {
    const std::string& key = entry.key;
    if (contains(known, key)) {
      if (contains(sections, key)) check_section(entry, problems);
    } else if (const auto reason = known_elsewhere(key); !reason.empty()) {
      problems.add(entry.mark, "'" + key + "' " + reason);
    } else if (stage && contains(whole_sweep, key)) {
      problems.add(entry.mark, "'" + key + "' belongs to the sweep, not to a stage");
    } else if (const auto dot = key.find('.');
               dot != std::string::npos && contains(sections, key.substr(0, dot))) {
      problems.add(entry.mark, looks_like_axis(entry.value)
                                   ? "'" + key + "': " + axis_elsewhere(key)
                                   : "'" + key + "': outside `parameters`, write " +
                                         key.substr(0, dot) + ": {" + key.substr(dot + 1) +
                                         ": ...}");
    } else {
      problems.add(entry.mark, "unknown key '" + key + "'" + suggest(key, known));
    }
  }
  check_method(sweep, problems);
}

bool is_plain_name(const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= 100 && name[0] != '.' && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), plain);
}

std::string read_name(const Node& sweep, const std::filesystem::path& file, ProblemList& problems) {
  const Node* name = sweep.get("name");
  const std::string text = name == nullptr ? file.stem().string() : name->text;
  if (is_plain_name(text) && !is_sweep_name(text)) {
    problems.add(name == nullptr ? sweep.mark : name->mark,
                 "name: '" + text + "' is a file of the results folder: choose another");
  }
  if (is_plain_name(text)) return text;
  if (name == nullptr) {
    problems.add(sweep.mark, "the file's name '" + text +
                                 "' cannot name the sweep: add `name:` (letters, digits, -, _, .)");
  } else {
    problems.add(name->mark,
                 "name: expected letters, digits, '-', '_' and '.', got " + describe(*name));
  }
  return text;
}

MetricGoal read_metric(const Node& stage, ProblemList& problems) {
  MetricGoal goal{"eval/loss", false};
  const Node* metric = stage.get("metric");
  if (metric == nullptr) return goal;
  if (!metric->is_map()) {
    problems.add(metric->mark, "metric: write {name: eval/accuracy, goal: maximize}");
    return goal;
  }
  check_known("metric", *metric, problems);
  const Node* name = metric->get("name");
  const Node* direction = metric->get("goal");
  if (name == nullptr || !name->is_scalar() || name->text.empty()) {
    problems.add(metric->mark, "metric: `name` is required, such as eval/accuracy");
  } else {
    goal.name = name->text;
  }
  if (direction == nullptr) {
    problems.add(metric->mark, "metric: `goal` is required: maximize or minimize");
  } else if (direction->text != "maximize" && direction->text != "minimize") {
    problems.add(direction->mark, "metric: unknown goal " + describe(*direction) +
                                      suggest(direction->text, choices_of("metric", "goal")));
  } else {
    goal.maximize = direction->text == "maximize";
  }
  if (const Node* target = metric->get("target")) {
    goal.target = target->is_scalar() ? core_real(target->text) : std::nullopt;
    if (!goal.target) {
      problems.add(target->mark, "metric: target: expected a number, got " + describe(*target));
    }
  }
  return goal;
}

namespace {

// "12GiB", "800 MB": bytes.
std::optional<std::int64_t> byte_count(const std::string& text) {
  static const std::map<std::string, double> units = {
      {"kB", 1e3},        {"KB", 1e3},           {"MB", 1e6},
      {"GB", 1e9},        {"TB", 1e12},          {"KiB", 1024.0},
      {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {"TiB", 1024.0 * 1073741824.0}};
  const auto end = text.find_last_of("0123456789.");
  if (end == std::string::npos) return std::nullopt;
  const auto start = text.find_first_not_of(' ', end + 1);
  const auto unit = start == std::string::npos ? units.end() : units.find(text.substr(start));
  const auto value = core_real(text.substr(0, end + 1));
  if (unit == units.end() || !value || *value <= 0 || *value * unit->second > 9e18) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(*value * unit->second);
}

std::int64_t read_gpu_memory(const Node& node, ProblemList& problems) {
  if (node.is_scalar() && node.text == "auto") return 0;
  const auto bytes = node.is_scalar() ? byte_count(node.text) : std::nullopt;
  if (bytes) return *bytes;
  problems.add(node.mark, "resources.gpu_memory: expected auto or a size such as 12GiB, got " +
                              describe(node));
  return 0;
}

}  // namespace

Resources read_resources(const Node& sweep, ProblemList& problems) {
  Resources result;
  const Node* resources = sweep.get("resources");
  if (resources == nullptr) return result;
  if (!resources->is_map()) {
    problems.add(resources->mark,
                 "resources: expected a map such as {workers: 2}, got " + describe(*resources));
    return result;
  }
  check_known("resources", *resources, problems);
  const auto number = [&](const char* key) {
    const Node* node = resources->get(key);
    if (node == nullptr) return 0;
    return static_cast<int>(
        whole_number("resources." + std::string(key), *node, 0, problems).value_or(0));
  };
  result.threads = number("threads");
  result.workers = number("workers");
  if (const Node* device = resources->get("device")) {
    if (device->text != "auto" && device->text != "cpu" && !device->text.starts_with("cuda")) {
      static const std::vector<std::string> devices = {"auto", "cpu", "cuda"};
      problems.add(device->mark, "resources.device: unknown device " + describe(*device) +
                                     suggest(device->text, devices));
    }
    result.device = device->text;
  }
  if (const Node* most = resources->get("max_trials_per_gpu")) {
    result.max_trials_per_gpu = static_cast<int>(
        whole_number("resources.max_trials_per_gpu", *most, 1, problems).value_or(1));
  }
  if (const Node* memory = resources->get("gpu_memory")) {
    result.gpu_memory = read_gpu_memory(*memory, problems);
  }
  return result;
}

namespace {

std::optional<Preparation> read_preparation(const Node& item, ProblemList& problems) {
  const Node* command = item.get("command");
  const Node* creates = item.get("creates");
  check_known("prepare", item, problems);
  const bool words = command != nullptr && command->is_list() && !command->items.empty() &&
                     std::all_of(command->items.begin(), command->items.end(),
                                 [](const Node& word) { return word.is_scalar(); });
  if (!words || creates == nullptr || !creates->is_scalar() || creates->text.empty()) {
    problems.add(item.mark, "prepare: write {command: [program, argument], creates: file}");
    return std::nullopt;
  }
  Preparation result;
  for (const Node& word : command->items) result.command.push_back(word.text);
  result.folder = item.mark.source->folder;
  result.creates = (creates->mark.source->folder / creates->text).lexically_normal();
  return result;
}

}  // namespace

std::vector<Preparation> read_prepare(const Node& sweep, ProblemList& problems) {
  std::vector<Preparation> result;
  const Node* prepare = sweep.get("prepare");
  if (prepare == nullptr) return result;
  if (!prepare->is_list()) {
    problems.add(
        prepare->mark,
        "prepare: expected a list of {command: [...], creates: file}, got " + describe(*prepare));
    return result;
  }
  for (const Node& item : prepare->items) {
    if (auto step = read_preparation(item, problems)) result.push_back(std::move(*step));
  }
  return result;
}

Search read_search(const Node& stage, ProblemList& problems) {
  Search search;
  const Node* node = stage.get("search");
  if (node == nullptr) return search;
  if (!node->is_map()) {
    problems.add(node->mark, "search: write {draws: 20, seed: 0}");
    return search;
  }
  check_known("search", *node, problems);
  if (const Node* draws = node->get("draws")) {
    search.draws = whole_number("search: draws", *draws, 1, problems);
  }
  if (const Node* seed = node->get("seed")) {
    search.seed = whole_number("search: seed", *seed, 0, problems).value_or(0);
  }
  return search;
}

}  // namespace mvn
