#include "orchestrate/sweep/keys.h"

#include <map>

#include "common/json.h"

namespace mvn {
namespace {

constexpr std::string_view kText = R"({"type": "string"})";
constexpr std::string_view kNumber = R"({"type": "number"})";
constexpr std::string_view kAny = "true";
constexpr std::string_view kCount = R"({"type": "integer", "minimum": 0})";
constexpr std::string_view kOneOrMore = R"({"type": "integer", "minimum": 1})";
constexpr std::string_view kDuration =
    R"({"type": ["number", "string"], "exclusiveMinimum": 0, "pattern": "^[0-9.]+(e[0-9]+)?[smhd]?$"})";

using Groups = std::map<std::string_view, std::vector<Key>>;

std::vector<Key> sweep_keys() {
  return {
      {"name",
       "The sweep's name and its folder under the results: letters, digits, '-', '_' and '.'. By "
       "default the file's name without .yaml.",
       R"({"type": ["string", "number"], "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$"})"},
      {"description", "Free text.", kText},
      {"extends",
       "A file, or a list of files of which later ones win, that this one is laid upon; relative "
       "to this file.",
       R"({"type": ["string", "array"], "items": {"type": "string"}})"},
      {"stages", "Parts of a sweep that build upon each other: each is a sweep of its own.",
       R"({"type": "object", "minProperties": 1})"},
      {"prepare", "Commands that make missing data, run before the first trial.",
       R"({"type": "array", "items": {"$ref": "#/definitions/prepare"}})"},
      {"resources", "What the machine gives.", R"({"$ref": "#/definitions/resources"})"},
      {"run_cap", "When the sweep starts no more trials: a number of trials, or a map of limits.",
       R"({"anyOf": [{"type": "integer", "minimum": 1}, {"$ref": "#/definitions/run_cap"}]})"},
      {"retry",
       "How often a trial that failed goes on from its last checkpoint, in one run of the sweep, "
       "by the kind of failure.",
       R"({"$ref": "#/definitions/retry"})"},
      {"limits", "When a trial takes too long: durations such as 90s, 15m, 2h or 1d, or seconds.",
       R"({"$ref": "#/definitions/limits"})"},
  };
}

std::vector<Key> stage_keys() {
  return {
      {"method",
       "grid (default): all combinations. random: draws from distributions, as many as run_cap "
       "says. bayes: the same, drawn as the sweep goes where results are good. list: the trials "
       "under `trials`.",
       R"({"enum": ["bayes", "grid", "list", "random"], "default": "grid"})"},
      {"metric", "What to compare trials by; eval/loss, minimize by default.",
       R"({"$ref": "#/definitions/metric"})"},
      {"recipe",
       "A file of parameters that lies under the sections optimizer, schedule and training: NAME "
       "for recipes/NAME.yaml beside this file or among those that came with mvn-runner, or a path "
       "that ends in .yaml.",
       kText},
      {"seed", "Seed of every trial, 0 by default; `repeats` runs several.", kCount},
      {"parameters",
       "What varies, by dotted key: {value: x}, {values: [x, y]}, or a range {min: x, max: y}.",
       kAny},
      {"zip", "Axes that move together: each item maps keys to lists of equal lengths.", kAny},
      {"repeats", "Runs every combination with several seeds.",
       R"({"$ref": "#/definitions/repeats"})"},
      {"trials", "With `method: list`: each map of dotted keys and values is one trial.", kAny},
      {"exclude",
       "Leaves out the trials for which one of these conditions holds, such as \"adapter.r == 16 "
       "&& training.batch_size > 16\".",
       R"({"type": ["string", "array"], "items": {"type": "string"}})"},
      {"priority",
       "Conditions: trials for which the first one holds start first, then those of the second, "
       "and so on.",
       R"({"type": ["string", "array"], "items": {"type": "string"}})"},
      {"when", "Adds axes to the trials for which a condition holds.", kAny},
      {"early_terminate", "Stops trials that do badly beside the others; they can go on later.",
       R"({"$ref": "#/definitions/early_terminate"})"},
      {"search", "How `method: random` and `method: bayes` draw.",
       R"({"$ref": "#/definitions/search"})"},
  };
}

std::vector<Key> axis_keys() {
  return {
      {"value", "One value for all trials.", kAny},
      {"values", "The values of this axis.", R"({"type": "array", "minItems": 1})"},
      {"min", "Lower bound of a range, which belongs to it.", kNumber},
      {"max", "Upper bound of a range, which belongs to it.", kNumber},
      {"q", "Step: points or draws are multiples of it.",
       R"({"type": "number", "exclusiveMinimum": 0})"},
      {"count", "Number of points of a grid over a range.", R"({"type": "integer", "minimum": 2})"},
      {"distribution",
       "How a range is spread. By default int_uniform between integers, q_uniform with q, "
       "otherwise "
       "uniform. A grid takes categorical, uniform, int_uniform, q_uniform and log_uniform_values.",
       R"({"enum": ["categorical", "constant", "uniform", "int_uniform", "q_uniform",
          "log_uniform_values", "q_log_uniform_values", "inv_log_uniform_values", "normal",
          "q_normal", "log_normal", "q_log_normal", "beta", "q_beta"]})"},
      {"probabilities",
       "With `values` and `method: random` or `bayes`: how likely each is; they sum to 1.",
       R"({"type": "array", "items": {"type": "number", "minimum": 0}})"},
      {"mu", "Mean of normal, or of the logarithm of log_normal; 0 by default.", kNumber},
      {"sigma", "Standard deviation of the same; 1 by default.",
       R"({"type": "number", "exclusiveMinimum": 0})"},
      {"a", "First shape parameter of beta.", R"({"type": "number", "exclusiveMinimum": 0})"},
      {"b", "Second shape parameter of beta.", R"({"type": "number", "exclusiveMinimum": 0})"},
  };
}

std::vector<Key> metric_keys() {
  return {
      {"name", "A metric that trials report, such as eval/accuracy.", kText},
      {"goal", "Whether more or less of it is better.", R"({"enum": ["maximize", "minimize"]})"},
      {"target", "Once a trial reports this value or a better one, no more trials start.", kNumber},
  };
}

std::vector<Key> early_terminate_keys() {
  return {
      {"type",
       "asha: at each rung the best 1 in eta go on. hyperband: as W&B does it. median: the best "
       "value must not be worse than the median of the others' means.",
       R"({"enum": ["asha", "hyperband", "median"]})"},
      {"min_iter",
       "The first rung, as a number of recorded values of the metric: rungs are at min_iter, "
       "min_iter * eta, and so on. For median: judge from there on; 1 by default.",
       kOneOrMore},
      {"max_iter",
       "hyperband: the last iteration; rungs are at max_iter / eta, max_iter / eta^2, "
       "and so on, s of them.",
       kOneOrMore},
      {"s", "hyperband, with max_iter: the number of rungs.", kOneOrMore},
      {"eta", "1 in so many trials go on at a rung; 3 by default.",
       R"({"type": "number", "exclusiveMinimum": 1})"},
      {"strict",
       "hyperband: judge the value at the rung, as W&B does by default; false: the best one so "
       "far.",
       R"({"type": "boolean", "default": true})"},
      {"startup_trials", "median: judge once so many trials are done; 5 by default.", kOneOrMore},
  };
}

std::vector<Key> run_cap_keys() {
  constexpr std::string_view kHours = R"({"type": "number", "exclusiveMinimum": 0})";
  return {
      {"trials", "At most so many trials, the first ones.", kOneOrMore},
      {"hours", "Time during which trials ran, all runs of this sweep together.", kHours},
      {"gpu_hours", "The same for each GPU, added up.", kHours},
  };
}

std::vector<Key> resources_keys() {
  return {
      {"threads", "CPU threads of a trial; 0: the cores divided by the workers.", kCount},
      {"workers", "Trials at a time; 0: as many as there are devices, or cores.", kCount},
      {"device", "auto, cpu, cuda or cuda:N.",
       R"({"type": "string", "pattern": "^(auto|cpu|cuda.*)$", "default": "auto"})"},
      {"max_trials_per_gpu", "Trials at a time on one GPU, where their memory fits; default 1.",
       kOneOrMore},
      {"gpu_memory",
       "What a trial needs of a GPU's memory, such as 12GiB; auto: measured with the first trial "
       "of "
       "each shape.",
       R"({"type": "string", "pattern": "^(auto|[0-9.]+ ?[KMGT]i?B)$", "default": "auto"})"},
  };
}

std::vector<Key> retry_keys() {
  return {
      {"crash", "The worker died, or ended with a code that says nothing else; default 1.", kCount},
      {"oom", "Out of memory, each time with half of training.micro_batch_size; default 3.",
       kCount},
      {"node", "Killed from outside; default 3.", kCount},
      {"hang", "Nothing was heard of it for limits.silence; default 1.", kCount},
      {"timeout", "An attempt took longer than limits.time; default 0.", kCount},
      {"diverged", "The loss is NaN or infinite; default 0.", kCount},
      {"same_error",
       "So many configurations that fail with one and the same error before they report anything "
       "end the sweep; default 3.",
       R"({"anyOf": [{"type": "integer", "minimum": 1}, {"enum": ["never"]}]})"},
  };
}

std::vector<Key> limits_keys() {
  return {
      {"time", "Of one attempt; none by default.", kDuration},
      {"silence", "Between two records of an attempt; none by default.", kDuration},
      {"grace", "For writing a checkpoint before it is killed; 60s by default.", kDuration},
  };
}

Groups make_groups() {
  Groups groups;
  groups["sweep"] = sweep_keys();
  groups["stage"] = stage_keys();
  groups["axis"] = axis_keys();
  groups["metric"] = metric_keys();
  groups["early_terminate"] = early_terminate_keys();
  groups["run_cap"] = run_cap_keys();
  groups["resources"] = resources_keys();
  groups["retry"] = retry_keys();
  groups["limits"] = limits_keys();
  groups["search"] = {
      {"draws", "Number of draws, each run with every seed; by default as many as fill run_cap.",
       kOneOrMore},
      {"seed", "Seed of the draws, 0 by default.", kCount},
  };
  groups["repeats"] = {
      {"seeds", "One trial of each combination for each of these seeds.",
       R"({"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0}})"},
  };
  groups["when"] = {
      {"if", "A condition such as adapter.plugin == 'lora'.", kText},
      {"parameters", "Axes of the trials for which it holds.", kAny},
  };
  groups["prepare"] = {
      {"command", "Program and arguments, run in the folder of the file that says so.",
       R"({"type": "array", "minItems": 1, "items": {"type": ["string", "number"]}})"},
      {"creates", "The file that it makes: where this exists, the command is not run.", kText},
  };
  return groups;
}

const Groups& groups() {
  static const Groups groups = make_groups();
  return groups;
}

}  // namespace

const std::vector<Key>& keys_of(std::string_view group) { return groups().at(group); }

std::vector<std::string> key_groups() {
  std::vector<std::string> names;
  for (const auto& [name, keys] : groups()) names.emplace_back(name);
  return names;
}

std::vector<std::string> key_names(std::string_view group) {
  std::vector<std::string> names;
  for (const Key& key : keys_of(group)) names.emplace_back(key.name);
  return names;
}

std::vector<std::string> choices_of(std::string_view group, std::string_view key) {
  for (const Key& each : keys_of(group)) {
    if (each.name != key) continue;
    const Json schema = Json::parse(each.schema);
    if (schema.contains("enum")) return schema.at("enum").get<std::vector<std::string>>();
  }
  return {};
}

}  // namespace mvn
