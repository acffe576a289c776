#include "orchestrate/sweep/keys.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "orchestrate/search/draw_method.h"
#include "orchestrate/search/stopping.h"
#include "orchestrate/sweep/random_axis.h"

namespace mvn {
namespace {

KeySpec group_key(std::string name, std::string help) {
  std::string group = name;
  return key_of(KeyForm::kGroup, std::move(name), std::move(help), std::move(group));
}

KeySpec seed_key(std::string name, std::string help) {
  return whole_key(std::move(name), std::move(help), 0, std::nullopt);
}

KeySpec name_key() {
  KeySpec key = text_key("name",
                         "The sweep's name and its folder under the results: letters, digits, '-', "
                         "'_' and '.'. By default the file's name without .yaml.");
  key.pattern = "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$";
  key.wanted = "letters, digits, '-', '_' and '.'";
  return key;
}

KeyGroup sweep_group() {
  KeySpec extends = key_of(KeyForm::kTextOrTexts, "extends",
                           "A file, or a list of files of which later ones win, that this one is "
                           "laid upon; relative to this file.");
  return {"sweep",
          "{method: grid}",
          {name_key(), text_key("description", "Free text."), std::move(extends),
           key_of(KeyForm::kElsewhere, "stages",
                  "Parts of a sweep that build upon each other: each is a sweep of its own."),
           key_of(KeyForm::kGroups, "prepare",
                  "Commands that make missing data, run before the first trial.", "prepare"),
           group_key("resources", "What the machine gives."),
           group_key("launch", "Where mvn-runner submit runs the sweep."),
           group_key("run_cap",
                     "When the sweep starts no more trials: a number of trials, or a map of "
                     "limits."),
           group_key("retry",
                     "How often a trial that failed goes on from its last checkpoint, in one run "
                     "of the sweep, by the kind of failure."),
           group_key("limits",
                     "When a trial takes too long: durations such as 90s, 15m, 2h or 1d, or "
                     "seconds.")}};
}

KeySpec method_key() {
  std::vector<std::string> names = {"grid", "list"};
  std::string help = "grid (default): all combinations. list: the trials under `trials`.";
  for (const DrawMethod& method : draw_methods()) {
    names.push_back(method.name);
    help += " " + method.name + ": " + method.help + ".";
  }
  std::ranges::sort(names);
  return with_default(choice_key("method", help, names), "grid");
}

KeyGroup stage_group() {
  return {
      "stage",
      "{method: grid}",
      {method_key(),
       group_key("metric", "What to compare trials by; eval/loss, minimize by default."),
       text_key("recipe",
                "A file of parameters that lies under the sections optimizer, schedule and "
                "training: NAME for recipes/NAME.yaml beside this file or among those that came "
                "with mvn-runner, or a path that ends in .yaml."),
       seed_key("seed", "Seed of every trial, 0 by default; `repeats` runs several."),
       key_of(KeyForm::kElsewhere, "parameters",
              "What varies, by dotted key: {value: x}, {values: [x, y]}, or a range {min: x, max: "
              "y}."),
       key_of(KeyForm::kElsewhere, "zip",
              "Axes that move together: each item maps keys to lists of equal lengths."),
       group_key("repeats", "Runs every combination with several seeds."),
       key_of(KeyForm::kElsewhere, "trials",
              "With `method: list`: each map of dotted keys and values is one trial."),
       key_of(KeyForm::kTextOrTexts, "exclude",
              "Leaves out the trials for which one of these conditions holds, such as "
              "\"adapter.r == 16 && training.batch_size > 16\"."),
       key_of(KeyForm::kTextOrTexts, "priority",
              "Conditions: trials for which the first one holds start first, then those of "
              "the second, and so on."),
       key_of(KeyForm::kElsewhere, "when", "Adds axes to the trials for which a condition holds."),
       group_key("early_terminate",
                 "Stops trials that do badly beside the others; they can go on later."),
       group_key("search", "How `method: random` and `method: bayes` draw.")}};
}

KeySpec any(std::string name, std::string help) {
  return key_of(KeyForm::kElsewhere, std::move(name), std::move(help));
}

KeyGroup axis_group() {
  KeySpec probabilities = key_of(KeyForm::kNumbers, "probabilities",
                                 "With `values` and a `method` that draws: how likely each is; "
                                 "they sum to 1.");
  probabilities.param.min = 0;
  return {"axis",
          "{values: [1, 2]}",
          {any("value", "One value for all trials."), any("values", "The values of this axis."),
           number_key("min", "Lower bound of a range, which belongs to it."),
           number_key("max", "Upper bound of a range, which belongs to it."),
           number_key("q", "Step: points or draws are multiples of it.", 0),
           whole_key("count", "Number of points of a grid over a range.", 2, 1e6),
           choice_key("distribution",
                      "How a range is spread. By default int_uniform between integers, q_uniform "
                      "with q, otherwise uniform. A grid takes categorical, uniform, int_uniform, "
                      "q_uniform and log_uniform_values.",
                      distribution_names()),
           std::move(probabilities),
           number_key("mu", "Mean of normal, or of the logarithm of log_normal; 0 by default."),
           number_key("sigma", "Standard deviation of the same; 1 by default.", 0),
           number_key("a", "First shape parameter of beta.", 0),
           number_key("b", "Second shape parameter of beta.", 0)}};
}

KeyGroup metric_group() {
  return {"metric",
          "{name: eval/accuracy, goal: maximize}",
          {required(text_key("name", "A metric that trials report, such as eval/accuracy.")),
           required(choice_key("goal", "Whether more or less of it is better.",
                               {"maximize", "minimize"})),
           number_key("target",
                      "Once a trial reports this value or a better one, no more trials start.")}};
}

// The keys of all rules; the reader then asks that of the type whether it has them.
KeyGroup early_terminate_group() {
  std::vector<std::string> types;
  std::string help;
  std::vector<KeySpec> keys;
  for (const StopMethod& method : stop_methods()) {
    types.push_back(method.name);
    help += (help.empty() ? "" : " ") + method.name + ": " + method.help + ".";
    for (const KeySpec& key : method.keys) {
      const auto same = std::ranges::find(keys, key.name(), &KeySpec::name);
      if (same == keys.end()) {
        keys.push_back(key);
      } else if (same->param.help != key.param.help) {
        same->param.help += " " + key.param.help;
      }
    }
  }
  keys.insert(keys.begin(), required(choice_key("type", help, types)));
  return {"early_terminate", "{type: asha, min_iter: 3}", std::move(keys)};
}

KeyGroup run_cap_group() {
  return {"run_cap",
          "{trials: 100, hours: 8}",
          {whole_key("trials", "At most so many trials, the first ones.", 1),
           number_key("hours", "Time during which trials ran, all runs of this sweep together.", 0),
           number_key("gpu_hours", "The same for each GPU, added up.", 0)},
          "trials"};
}

KeyGroup resources_group() {
  KeySpec device = with_default(text_key("device", "auto, cpu, cuda or cuda:N."), "auto");
  device.words = {{"auto", {}}, {"cpu", {}}, {"cuda", {}}};
  device.pattern = "^cuda.*$";
  device.wanted = "auto, cpu, cuda or cuda:N";
  KeySpec memory = with_default(key_of(KeyForm::kBytes, "gpu_memory",
                                       "What a trial needs of a GPU's memory, such as 12GiB; auto: "
                                       "measured with the first trial of each shape."),
                                "auto");
  memory.words = {{"auto", 0}};
  memory.wanted = "auto or a size such as 12GiB";
  return {"resources",
          "{workers: 2}",
          {whole_key("threads", "CPU threads of a trial; 0: the cores divided by the workers.", 0),
           whole_key("workers", "Trials at a time; 0: as many as there are devices, or cores.", 0),
           std::move(device),
           whole_key("max_trials_per_gpu",
                     "Trials at a time on one GPU, where their memory fits; default 1.", 1),
           std::move(memory)}};
}

KeyGroup launch_group() {
  return {"launch",
          "{slurm: {time: '2:00:00'}}",
          {group_key("slurm", "What is asked of Slurm, as sbatch spells it.")}};
}

KeyGroup slurm_group() {
  const auto matching = [](KeySpec key, const char* pattern, const char* wanted) {
    key.pattern = pattern;
    key.wanted = wanted;
    return key;
  };
  return {"slurm",
          "{partition: gpu, time: '2:00:00', gpus: 4}",
          {text_key("partition", "Default: the cluster's."), text_key("account", "Who pays."),
           text_key("qos", "Quality of service."),
           matching(text_key("time", "Of the job: MINUTES, HOURS:MINUTES:SECONDS or DAYS-HOURS."),
                    "^(\\d+|\\d+:\\d\\d(:\\d\\d)?|\\d+-\\d+(:\\d\\d){0,2})$",
                    "minutes, or a text such as '2:00:00' or 1-12"),
           matching(text_key("gpus", "Of the job: a number, or TYPE:NUMBER."),
                    "^([A-Za-z][A-Za-z0-9_.-]*:)?\\d+$", "a number, or a text such as a100:2"),
           whole_key("cpus-per-task", "Cores of the job, which its trials share.", 1),
           whole_key("nodes", "The most nodes that the sweep uses, each a job of its own.", 1),
           matching(text_key("mem", "Memory of the job, such as 16G; without a unit megabytes."),
                    "^\\d+[KMGT]?$", "a size such as 16G"),
           text_key("constraint", "Features that the node must have."),
           key_of(KeyForm::kTexts, "extra", "More arguments of sbatch, as they are.")}};
}

KeyGroup retry_group() {
  constexpr double kMost = 1000;
  KeySpec same_error = whole_key("same_error",
                                 "So many configurations that fail with one and the same error "
                                 "before they report anything end the sweep; default 3.",
                                 1, 1e6);
  same_error.words = {{"never", 0}};
  same_error.wanted = "a number of configurations, at least 1, or never";
  return {"retry",
          "{crash: 2}",
          {whole_key("crash",
                     "The worker died, or ended with a code that says nothing else; default 1.", 0,
                     kMost),
           whole_key("oom", "Out of memory, each time with half of the micro-batch; default 3.", 0,
                     kMost),
           whole_key("node", "Killed from outside; default 3.", 0, kMost),
           whole_key("hang", "Nothing was heard of it for limits.silence; default 1.", 0, kMost),
           whole_key("timeout", "An attempt took longer than limits.time; default 0.", 0, kMost),
           whole_key("diverged", "The loss is NaN or infinite; default 0.", 0, kMost),
           std::move(same_error)}};
}

KeyGroup limits_group() {
  const auto duration = [](const char* name, const char* help) {
    KeySpec key = key_of(KeyForm::kDuration, name, help);
    key.wanted = "a duration such as 90s, 15m or 2h";
    return key;
  };
  return {"limits",
          "{time: 2h}",
          {duration("time", "Of one attempt; none by default."),
           duration("silence", "Between two records of an attempt; none by default."),
           duration("grace", "For writing a checkpoint before it is killed; 60s by default.")}};
}

KeyGroup search_group() {
  return {"search",
          "{draws: 20, seed: 0}",
          {whole_key("draws",
                     "Number of draws, each run with every seed; by default as many as fill "
                     "run_cap.",
                     1),
           seed_key("seed", "Seed of the draws, 0 by default.")}};
}

KeyGroup repeats_group() {
  KeySpec seeds =
      key_of(KeyForm::kIntegers, "seeds", "One trial of each combination for each of these seeds.");
  seeds.param.min = 0;
  return {"repeats", "{seeds: [0, 1, 2]}", {std::move(seeds)}};
}

KeyGroup when_group() {
  KeySpec condition = required(
      key_of(KeyForm::kTextOrTexts, "if", "A condition such as adapter.plugin == 'lora'."));
  return {"when",
          "{if: CONDITION, parameters: {...}}",
          {std::move(condition),
           required(any("parameters", "Axes of the trials for which it holds."))}};
}

KeyGroup prepare_group() {
  return {"prepare",
          "{command: [program, argument], creates: file}",
          {required(key_of(KeyForm::kTexts, "command",
                           "Program and arguments, run in the folder of the file that says so.")),
           required(text_key(
               "creates", "The file that it makes: where this exists, the command is not run."))}};
}

KeyGroup weights_group() {
  KeySpec match = key_of(KeyForm::kTexts, "match",
                         "The keys that the two trials share; by default all that the other stage "
                         "varies.");
  match.param.min = 0;
  return {"weights",
          "{stage: NAME}",
          {required(text_key("stage",
                             "The stage whose trial's model this one starts from; a trial of the "
                             "results is trial:ID.")),
           std::move(match)}};
}

const std::vector<KeyGroup>& groups() {
  static const std::vector<KeyGroup> groups = {
      sweep_group(),           stage_group(),     axis_group(),    metric_group(),
      early_terminate_group(), run_cap_group(),   retry_group(),   limits_group(),
      search_group(),          resources_group(), repeats_group(), when_group(),
      prepare_group(),         weights_group(),   launch_group(),  slurm_group()};
  return groups;
}

}  // namespace

const KeyGroup& key_group(std::string_view group) {
  const auto found = std::ranges::find(groups(), group, &KeyGroup::name);
  if (found == groups().end()) throw std::out_of_range(std::string(group));
  return *found;
}

const KeySpec& key_spec(std::string_view group, std::string_view key) {
  const auto& keys = key_group(group).keys;
  const auto found = std::ranges::find(keys, key, &KeySpec::name);
  if (found == keys.end()) throw std::out_of_range(std::string(key));
  return *found;
}

std::vector<std::string> key_groups() {
  std::vector<std::string> names;
  for (const KeyGroup& group : groups()) names.push_back(group.name);
  return names;
}

std::vector<std::string> key_names(std::string_view group) {
  std::vector<std::string> names;
  for (const KeySpec& key : key_group(group).keys) names.push_back(key.name());
  return names;
}

const std::vector<Unit>& units_of(KeyForm form) {
  static const std::vector<Unit> durations = {
      {"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  static const std::vector<Unit> bytes = {
      {"kB", 1e3},        {"KB", 1e3},           {"MB", 1e6},
      {"GB", 1e9},        {"TB", 1e12},          {"KiB", 1024.0},
      {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {"TiB", 1024.0 * 1073741824.0}};
  return form == KeyForm::kDuration ? durations : bytes;
}

}  // namespace mvn
