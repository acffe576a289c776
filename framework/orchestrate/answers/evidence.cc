#include "orchestrate/answers/evidence.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "common/json.h"
#include "common/text.h"
#include "mvn/error.h"
#include "mvn/nearest.h"
#include "orchestrate/answers/judgement.h"
#include "orchestrate/answers/read_trials.h"
#include "orchestrate/answers/words.h"
#include "orchestrate/store/label.h"

namespace mvn {
namespace {

constexpr std::size_t kMostArms = 12;
constexpr const char* kNoValue = "-";  // of a trial that has no such parameter

using Trials = std::vector<const ComparedTrial*>;

std::string value_of(const ComparedTrial& trial, const std::string& key) {
  const auto found = trial.params.find(key);
  return found == trial.params.end() ? kNoValue : found->second;
}

std::set<std::string> values_of(const Trials& trials, const std::string& key) {
  std::set<std::string> values;
  for (const auto* trial : trials) values.insert(value_of(*trial, key));
  return values;
}

// In the order of the sweep.
std::vector<std::string> ordered_values(const Trials& trials, const std::string& key) {
  std::vector<std::string> values;
  for (const auto* trial : trials) {
    const auto value = value_of(*trial, key);
    if (std::ranges::find(values, value) == values.end()) values.push_back(value);
  }
  return values;
}

template <typename Of>
std::map<std::string, Trials> grouped(const Trials& trials, Of of) {
  std::map<std::string, Trials> groups;
  for (const auto* trial : trials) groups[of(*trial)].push_back(trial);
  return groups;
}

std::map<std::string, Trials> configurations(const Trials& trials) {
  return grouped(trials, [](const ComparedTrial& trial) { return trial.group; });
}

Trials pointers(const std::vector<ComparedTrial>& trials) {
  Trials result;
  for (const auto& trial : trials) result.push_back(&trial);
  return result;
}

Trials of_stage(const ComparedSweep& sweep, const std::string& stage) {
  auto trials = pointers(sweep.trials);
  std::erase_if(trials, [&](const auto* trial) { return trial->stage != stage; });
  return trials;
}

// What sets the data apart: paths, columns, the task itself; of a program of the user's what is
// called so. A number is a setting.
bool names_data(const ComparedSweep& sweep, const std::string& key) {
  if (!sweep.texts.contains(key)) return false;
  static const std::set<std::string> kNames = {"benchmark", "corpus", "data", "dataset", "task"};
  return key.starts_with("task.") || kNames.contains(key.substr(key.rfind('.') + 1));
}

// The full name of a parameter that may be typed as it is shown: "model" for "model.plugin".
std::string known_key(const ComparedSweep& sweep, const std::string& key) {
  if (sweep.params.contains(key)) return key;
  if (sweep.params.contains(key + ".plugin")) return key + ".plugin";
  const std::vector<std::string> known(sweep.params.begin(), sweep.params.end());
  std::string nearest = nearest_name(key, known);
  for (const auto& each : known) {
    if (nearest.empty() && each.ends_with("." + key)) nearest = each;
  }
  throw ConfigError("", "no parameter of sweep '" + sweep.name + "' is called '" + key + "'" +
                            (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
}

// The parameters of a stage by what a comparison makes of them.
struct Roles {
  std::vector<std::string> data;   // data sets of their own
  std::vector<std::string> tuned;  // each arm's best
  std::vector<std::string> also;   // go with the arm
};

bool varies_within(const std::map<std::string, Trials>& groups, const std::string& key) {
  return std::ranges::any_of(
      groups, [&](const auto& group) { return values_of(group.second, key).size() > 1; });
}

// Values that are paths differ less than they look; labels() shortens them.
std::map<std::vector<std::string>, std::string> labels_of(const Trials& trials,
                                                          const std::vector<std::string>& keys) {
  std::map<std::vector<std::string>, std::string> labelled;
  std::vector<Json> parameters;
  std::vector<std::vector<std::string>> distinct;
  for (const auto* trial : trials) {
    std::vector<std::string> values;
    Json json = Json::object();
    for (const auto& key : keys) {
      values.push_back(value_of(*trial, key));
      // A number stays one, which a label treats as telling.
      const auto number = try_parse_json(values.back());
      json[key] = number.is_number() ? number : Json(values.back());
    }
    if (!labelled.emplace(values, "").second) continue;
    distinct.push_back(values);
    parameters.push_back(std::move(json));
  }
  const auto texts = labels(parameters);
  for (std::size_t i = 0; i < distinct.size(); ++i) {
    labelled[distinct[i]] = texts[i] == kNoLabel ? "" : texts[i];
  }
  return labelled;
}

// Leaves the stages that were asked for, and their trials.
void keep_stages(ComparedSweep& sweep, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return;
  std::vector<std::string> known;
  for (const auto& stage : sweep.stages) known.push_back(stage.name);
  for (const auto& name : wanted) {
    if (std::ranges::find(known, name) != known.end()) continue;
    throw ConfigError(
        "", "sweep '" + sweep.name + "' has no stage '" + name + "'" + suggest(name, known));
  }
  const auto is_out = [&](const std::string& name) {
    return std::ranges::find(wanted, name) == wanted.end();
  };
  std::erase_if(sweep.stages, [&](const auto& stage) { return is_out(stage.name); });
  std::erase_if(sweep.trials, [&](const auto& trial) { return is_out(trial.stage); });
}

std::vector<std::string> values_at(const ComparedTrial& trial,
                                   const std::vector<std::string>& keys) {
  std::vector<std::string> values;
  for (const auto& key : keys) values.push_back(value_of(trial, key));
  return values;
}

class Gatherer {
 public:
  Gatherer(Database& db, const CompareRequest& request)
      : db_(db), request_(request), sweep_(read_sweep(db, request.sweep)) {
    keep_stages(sweep_, request.stages);
    by_ = known_key(sweep_, request.by);
    if (by_ == "seed") {
      throw ConfigError("", "seeds are what a comparison rests on; compare by another parameter");
    }
    for (const auto& key : request.within) within_.push_back(known_key(sweep_, key));
    reported_ = reported_metrics(db, sweep_.row);
  }

  GatheredEvidence gather() {
    check_arms();
    check_metric();
    std::vector<std::string> left_out;
    for (const auto& stage : sweep_.stages) {
      const auto trials = of_stage(sweep_, stage.name);
      if (trials.empty()) continue;
      if (values_of(trials, by_).size() < 2) {
        left_out.push_back("Stage " + stage.name + " has one " + by_ + " alone and is left out.");
        continue;
      }
      add_stage(stage, trials);
    }
    for (auto& part : parts_) finish(part);
    if (parts_.empty()) {
      throw ConfigError("", "no stage of sweep '" + sweep_.name + "' has two values of " + by_ +
                                ": there is nothing to compare");
    }
    auto& notes = parts_.front().notes;
    notes.insert(notes.end(), left_out.begin(), left_out.end());
    return {sweep_.name, by_, std::move(parts_)};
  }

 private:
  void check_arms() {
    const auto arms = ordered_values(pointers(sweep_.trials), by_);
    if (arms.size() < 2) {
      std::vector<std::string> varying;
      for (const auto& key : sweep_.params) {
        const bool varies = values_of(pointers(sweep_.trials), key).size() > 1;
        if (varies && key != "seed") varying.push_back(key);
      }
      throw ConfigError("", "only one arm: all trials of sweep '" + sweep_.name + "' have " + by_ +
                                " " + (arms.empty() ? kNoValue : arms.front()) +
                                (varying.empty() ? "" : "; what varies is " + listed(varying, 8)));
    }
    if (arms.size() > kMostArms) {
      throw ConfigError("", by_ + " has " + std::to_string(arms.size()) + " values in sweep '" +
                                sweep_.name + "'; compare takes " + std::to_string(kMostArms) +
                                " arms at most");
    }
    const auto& baseline = request_.baseline;
    if (!baseline.empty() && std::ranges::find(arms, baseline) == arms.end()) {
      throw ConfigError("", "no " + by_ + " of sweep '" + sweep_.name + "' is '" + baseline + "'" +
                                suggest(baseline, arms));
    }
  }

  void check_metric() {
    const auto& metric = request_.metric;
    if (metric.empty()) return;
    if (!reported_.contains(metric)) {
      const std::vector<std::string> known(reported_.begin(), reported_.end());
      throw ConfigError("", "no trial of sweep '" + sweep_.name + "' reported a metric '" + metric +
                                "'" + suggest(metric, known));
    }
    const auto kind = metric_kind(db_, metric);
    if (kind == "count" || kind == "share") {
      throw ConfigError("", metric + " is a " + kind +
                                ": neither more nor less of it is better; name a score or a loss");
    }
  }

  const FinalValues& finals(const std::string& metric) {
    const auto found = finals_.find(metric);
    if (found != finals_.end()) return found->second;
    return finals_[metric] = final_values(db_, sweep_.row, metric);
  }

  std::optional<double> result(const ComparedTrial& trial, const std::string& metric) {
    if (trial.state != "done") return {};
    const auto& values = finals(metric);
    const auto found = values.find(trial.row);
    return found == values.end() ? std::nullopt : found->second;
  }

  // "test/accuracy" for "eval/accuracy", where trials that are done report it.
  std::string twin(const Trials& trials, const std::string& metric, const std::string& from,
                   const std::string& to) {
    if (!metric.starts_with(from)) return "";
    const auto name = to + metric.substr(from.size());
    if (!reported_.contains(name)) return "";
    const bool there = std::ranges::any_of(
        trials, [&](const auto* trial) { return result(*trial, name).has_value(); });
    return there ? name : "";
  }

  Roles roles_of(const Trials& trials) {
    const auto arms = grouped(trials, [&](const auto& trial) { return value_of(trial, by_); });
    const auto groups = configurations(trials);
    Roles roles;
    for (const auto& key : within_) {
      if (key != by_) roles.data.push_back(key);
    }
    std::vector<std::string> others;
    for (const auto& key : sweep_.params) {
      if (key == by_ || key == "seed" || std::ranges::find(roles.data, key) != roles.data.end() ||
          values_of(trials, key).size() < 2 || varies_within(groups, key)) {
        continue;
      }
      if (!varies_within(arms, key)) {
        roles.also.push_back(key);
      } else if (names_data(sweep_, key)) {
        roles.data.push_back(key);
      } else {
        others.push_back(key);
      }
    }
    // What follows from the data set (a column's name, its classes) is no choice.
    const auto cells = grouped(trials, [&](const auto& trial) {
      return Json(values_at(trial, roles.data)).dump() + value_of(trial, by_);
    });
    for (const auto& key : others) {
      if (varies_within(cells, key)) roles.tuned.push_back(key);
    }
    return roles;
  }

  Evidence& part_for(const std::string& metric, bool maximize) {
    for (auto& part : parts_) {
      if (part.metric == metric && part.maximize == maximize) return part;
    }
    Evidence& part = parts_.emplace_back();
    part.metric = metric;
    part.maximize = maximize;
    part.arms = ordered_values(pointers(sweep_.trials), by_);
    return part;
  }

  void add_stage(const ComparedStage& stage, const Trials& trials) {
    const auto asked = request_.metric.empty() ? stage.metric : request_.metric;
    const auto test = twin(trials, asked, "eval/", "test/");
    const auto validation = twin(trials, asked, "test/", "eval/");
    const auto judged = test.empty() ? asked : test;
    const auto chosen = validation.empty() ? asked : validation;
    const bool is_goal = chosen == stage.metric || judged == stage.metric;
    const auto kind = metric_kind(db_, asked);
    auto& part = part_for(judged, is_goal ? stage.maximize : kind != "loss");
    part.goal_is_guessed = !is_goal;
    const auto roles = roles_of(trials);
    for (const auto& key : roles.also) {
      if (std::ranges::find(part.also, key) == part.also.end()) part.also.push_back(key);
    }
    const auto names = labels_of(trials, roles.data);
    const auto choices = labels_of(trials, roles.tuned);
    std::vector<std::vector<std::string>> order;
    for (const auto* trial : trials) {
      const auto values = values_at(*trial, roles.data);
      if (std::ranges::find(order, values) == order.end()) order.push_back(values);
    }
    for (const auto& values : order) {
      auto here = trials;
      std::erase_if(here,
                    [&](const auto* trial) { return values_at(*trial, roles.data) != values; });
      ComparedSet set;
      const auto& label = names.at(values);
      set.name = stage.name + (stage.name.empty() || label.empty() ? "" : " ") + label;
      for (const auto& arm : part.arms) {
        auto its = here;
        std::erase_if(its, [&](const auto* trial) { return value_of(*trial, by_) != arm; });
        set.arms.push_back(arm_results(part, its, roles, choices, chosen));
      }
      set.texts = texts_of(here, judged);
      part.sets.push_back(std::move(set));
    }
  }

  // How many texts an accuracy is of: the trials count them.
  std::optional<double> texts_of(const Trials& trials, const std::string& judged) {
    constexpr std::string_view kEnd = "/accuracy";
    if (!judged.ends_with(kEnd)) return {};
    const auto metric = judged.substr(0, judged.size() - kEnd.size()) + "/examples";
    if (!reported_.contains(metric)) return {};
    for (const auto* trial : trials) {
      if (const auto value = result(*trial, metric)) return value;
    }
    return {};
  }

  double mean_result(const Trials& trials, const std::string& metric) {
    double sum = 0;
    double count = 0;
    for (const auto* trial : trials) {
      const auto value = result(*trial, metric);
      sum += value.value_or(0);
      count += value ? 1 : 0;
    }
    return sum / count;  // NaN where there is none
  }

  ArmResults arm_results(Evidence& part, const Trials& trials, const Roles& roles,
                         const std::map<std::vector<std::string>, std::string>& choices,
                         const std::string& chosen_by) {
    ArmResults arm;
    if (trials.empty()) return arm;
    const auto groups = configurations(trials);
    arm.draws = groups.size();
    const Trials* best = nullptr;
    double best_mean = NAN;
    // In the order of the sweep, so that of equal ones the first is taken.
    for (const auto* trial : trials) {
      const auto& group = groups.at(trial->group);
      if (group.front() != trial) continue;
      const double mean = groups.size() == 1 ? 0 : mean_result(group, chosen_by);
      const bool better = part.maximize ? mean > best_mean : mean < best_mean;
      if (best == nullptr || (!std::isnan(mean) && (std::isnan(best_mean) || better))) {
        best = &group;
        best_mean = mean;
      }
    }
    if (groups.size() > 1) part.chosen_by = chosen_by;
    if (best == nullptr) return arm;  // it has no trials
    if (!roles.tuned.empty()) {
      arm.configuration = choices.at(values_at(*best->front(), roles.tuned));
    }
    for (const auto* trial : *best) count(*trial, part.metric, arm);
    describe_start(*best, arm);
    return arm;
  }

  void count(const ComparedTrial& trial, const std::string& metric, ArmResults& arm) {
    if (trial.state == "stopped") {
      ++arm.stopped;
      return;
    }
    ++arm.trials;
    if (trial.state == "failed" || trial.state == "diverged" || trial.state == "blocked") {
      ++arm.failed;
    } else if (trial.state != "done") {
      ++arm.waiting;
    } else if (const auto value = result(trial, metric)) {
      arm.values[trial.seed] = *value;
      arm.ids[trial.seed] = trial.id;
      for (const auto& [key, text] : trial.params) {
        if (key.starts_with("model."))
          arm.start[trial.seed].push_back(std::string(key).append("=").append(text));
      }
    } else {
      ++arm.numberless;
    }
  }

  static void describe_start(const Trials& trials, ArmResults& arm) {
    const auto weights = values_of(trials, "model.weights");
    const auto trained = values_of(trials, "model.weights.trial");
    const auto& params = trials.front()->params;
    if (trained.size() > 1) {
      arm.from = Start::kTrainedPerSeed;
    } else if (!trained.contains(kNoValue)) {
      arm.from = Start::kCheckpoint;
      arm.checkpoint = "trial " + short_id(*trained.begin());
    } else if (!weights.contains(kNoValue) && !weights.contains("null")) {
      arm.from = Start::kCheckpoint;
      arm.checkpoint = *weights.begin();
    } else {
      arm.from = params.contains("model.plugin") ? Start::kRandomWeights : Start::kProgram;
    }
  }

  // Leaves out what has no results, each with a note.
  void finish(Evidence& part) {
    drop_empty_arms(part);
    std::erase_if(part.sets, [&](const ComparedSet& set) {
      const auto with_results = std::ranges::count_if(
          set.arms, [](const ArmResults& arm) { return !arm.values.empty(); });
      if (with_results < 2) {
        part.notes.push_back((set.name.empty() ? "The data set" : set.name) + " is left out: " +
                             (with_results == 0 ? "no arm has" : "only one arm has") +
                             " a result there.");
      }
      return with_results < 2;
    });
    if (part.sets.empty()) {
      throw ConfigError("", "no two arms have a value of " + part.metric +
                                " on the same data: " + part.notes.back());
    }
    set_region(part);
  }

  void drop_empty_arms(Evidence& part) {
    for (std::size_t i = part.arms.size(); i-- > 0;) {
      const auto empty = [&](const ComparedSet& set) { return set.arms[i].values.empty(); };
      if (!std::ranges::all_of(part.sets, empty)) continue;
      const auto why = without_result(part, i);
      if (part.arms.size() == 2 || part.arms[i] == request_.baseline) throw ConfigError("", why);
      part.notes.push_back(why + ": it is left out.");
      part.arms.erase(part.arms.begin() + static_cast<std::ptrdiff_t>(i));
      for (auto& set : part.sets) set.arms.erase(set.arms.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  std::string without_result(const Evidence& part, std::size_t arm) {
    std::map<std::string, std::size_t> states;
    for (const auto& trial : sweep_.trials) {
      if (value_of(trial, by_) == part.arms[arm]) ++states[trial.state];
    }
    std::string counts;
    for (const auto& [state, count] : states) {
      counts += (counts.empty() ? "" : ", ") + std::to_string(count) + " " + state;
    }
    return "arm '" + part.arms[arm] + "' of " + by_ + " has no result: none of its trials (" +
           counts + ") is done with a finite " + part.metric;
  }

  void set_region(Evidence& part) {
    std::vector<double> values;
    for (const auto& set : part.sets) {
      for (const auto& arm : set.arms) {
        for (const auto& [seed, value] : arm.values) values.push_back(value);
      }
    }
    part.region = request_.region.value_or(usual_region(metric_kind(db_, part.metric), values));
  }

  Database& db_;
  const CompareRequest& request_;
  ComparedSweep sweep_;
  std::string by_;
  std::vector<std::string> within_;
  std::set<std::string> reported_;
  std::map<std::string, FinalValues> finals_;
  std::vector<Evidence> parts_;
};

}  // namespace

GatheredEvidence gather_evidence(Database& db, const CompareRequest& request) {
  return Gatherer(db, request).gather();
}

}  // namespace mvn
