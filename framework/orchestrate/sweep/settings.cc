#include "orchestrate/sweep/settings.h"

#include <algorithm>
#include <map>
#include <regex>

#include "common/trial.h"
#include "mvn/error.h"
#include "mvn/nearest.h"
#include "orchestrate/sweep/coerce.h"
#include "orchestrate/sweep/key_reader.h"
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
      problems.add(entry.mark, std::string("'").append(key).append("' ").append(reason));
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
  for (const char* key : {"method", "description"}) {
    const Node* value = sweep.get(key);
    const char* group = std::string_view(key) == "method" ? "stage" : "sweep";
    if (value != nullptr) read_key(key, key_spec(group, key), *value, problems);
  }
}

bool is_plain_name(const std::string& name) {
  static const std::regex plain(key_spec("sweep", "name").pattern);
  return std::regex_search(name, plain);
}

std::string read_name(const Node& sweep, const std::filesystem::path& file, ProblemList& problems) {
  const Node* name = sweep.get("name");
  std::string text = name == nullptr ? file.stem().string() : name->text;
  if (is_plain_name(text) && !is_sweep_name(text)) {
    problems.add(name == nullptr ? sweep.mark : name->mark,
                 "name: '" + text + "' is a file of the results folder: choose another");
  }
  if (is_plain_name(text)) return text;
  if (name == nullptr) {
    problems.add(sweep.mark, "the file's name '" + text +
                                 "' cannot name the sweep: add `name:` (letters, digits, -, _, .)");
  } else {
    read_key("name", key_spec("sweep", "name"), *name, problems);
  }
  return text;
}

MetricGoal read_metric(const Node& stage, ProblemList& problems) {
  MetricGoal goal{"eval/loss", false};
  std::string direction = "minimize";
  MapReader("metric", stage.get("metric"), problems)
      .take("name", goal.name)
      .take("goal", direction)
      .take("target", goal.target);
  goal.maximize = direction == "maximize";
  return goal;
}

Resources read_resources(const Node& sweep, ProblemList& problems) {
  Resources result;
  MapReader("resources", sweep.get("resources"), problems)
      .take("threads", result.threads)
      .take("workers", result.workers)
      .take("device", result.device)
      .take("max_trials_per_gpu", result.max_trials_per_gpu)
      .take("gpu_memory", result.gpu_memory);
  return result;
}

RetryRules read_retry(const Node& sweep, ProblemList& problems) {
  RetryRules rules;
  MapReader("retry", sweep.get("retry"), problems)
      .take("crash", rules.crash)
      .take("oom", rules.oom)
      .take("node", rules.node)
      .take("hang", rules.hang)
      .take("timeout", rules.timeout)
      .take("diverged", rules.diverged)
      .take("same_error", rules.same_error);
  return rules;
}

Limits read_limits(const Node& sweep, ProblemList& problems) {
  Limits limits;
  MapReader("limits", sweep.get("limits"), problems)
      .take("time", limits.time)
      .take("silence", limits.silence)
      .take("grace", limits.grace);
  return limits;
}

RunCap read_run_cap(const Node& sweep, ProblemList& problems) {
  RunCap cap;
  MapReader("run_cap", sweep.get("run_cap"), problems)
      .take("trials", cap.trials)
      .take("hours", cap.hours)
      .take("gpu_hours", cap.gpu_hours);
  return cap;
}

SlurmRequest read_slurm(const Node& sweep, ProblemList& problems) {
  SlurmRequest request;
  const MapReader launch("launch", sweep.get("launch"), problems);
  MapReader("slurm", launch.node("slurm"), problems, "launch.slurm")
      .take("partition", request.partition)
      .take("account", request.account)
      .take("qos", request.qos)
      .take("time", request.time)
      .take("gpus", request.gpus)
      .take("cpus-per-task", request.cpus_per_task)
      .take("nodes", request.nodes)
      .take("mem", request.mem)
      .take("constraint", request.constraint)
      .take("extra", request.extra);
  return request;
}

std::vector<Preparation> read_prepare(const Node& sweep, ProblemList& problems) {
  std::vector<Preparation> result;
  const Node* prepare = sweep.get("prepare");
  if (prepare == nullptr) return result;
  read_key("prepare", key_spec("sweep", "prepare"), *prepare, problems);
  for (const Node& item : prepare->items) {
    const MapReader map("prepare", &item, problems);
    if (!map.sound()) continue;
    Preparation& step = result.emplace_back();
    map.take("command", step.command);
    const Node& creates = *map.node("creates");
    step.folder = item.mark.source->folder;
    step.creates = (creates.mark.source->folder / creates.text).lexically_normal();
  }
  return result;
}

Search read_search(const Node& stage, ProblemList& problems) {
  Search search;
  MapReader("search", stage.get("search"), problems)
      .take("draws", search.draws)
      .take("seed", search.seed);
  return search;
}

// The keys of all types are one group; which of them this one has is asked here.
std::optional<StoppingRule> read_early_terminate(const Node& stage, ProblemList& problems) {
  const Node* node = stage.get("early_terminate");
  const MapReader map("early_terminate", node, problems);
  const Node* type = map.node("type");
  const StopMethod* method = type == nullptr ? nullptr : stop_method(type->text);
  if (method == nullptr) return std::nullopt;
  std::vector<std::string> own;
  for (const KeySpec& key : method->keys) own.push_back(key.name());
  bool sound = map.sound();
  const Json values = map.values();
  for (const auto& [key, value] : values.items()) {
    if (key == "type" || contains(own, key)) continue;
    problems.add(node->find(key)->mark, "early_terminate: type " + method->name + " has no '" +
                                            key + "'" + suggest("", own));
    sound = false;
  }
  if (!sound) return std::nullopt;
  try {
    return stopping_rule(*method, values);
  } catch (const Error& error) {
    problems.add(node->mark, std::string("early_terminate: ") + error.what());
    return std::nullopt;
  }
}

}  // namespace mvn
