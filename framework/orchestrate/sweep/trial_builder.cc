#include "orchestrate/sweep/trial_builder.h"

#include <algorithm>
#include <utility>

#include "common/hashing.h"
#include "orchestrate/sweep/key_reader.h"

namespace mvn {
namespace {

constexpr std::size_t kMaxTrials = 1'000'000;

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : canonical_json(value);
}

// The swept keys with this trial's values; a swept section as its single parameters.
Json swept_values(const std::vector<const AssignedKey*>& swept, const Json& config) {
  Json values = Json::object();
  for (const AssignedKey* key : swept) {
    if (key->dotted == "seed") continue;
    const Json& value = value_at(config, key->dotted);
    const bool section = key->path.size() == 1 && value.is_object();
    if (!section) {
      values[key->dotted] = value;
      continue;
    }
    for (const auto& [name, item] : value.items()) values[key->dotted + "." + name] = item;
  }
  return values;
}

// The configuration of a combination, references to other trials not looked up yet.
Json compose(const std::vector<std::string>& sections, const Draft& draft) {
  Json config = {{"seed", draft.seed}};
  if (!draft.recipe.empty()) config["recipe"] = draft.recipe;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const Json& values = draft.sections[i]->values;
    if (!values.empty()) config[sections[i]] = values;
  }
  return config;
}

}  // namespace

Drafter::Drafter(const std::vector<std::string>& sections, SectionResolver& resolver,
                 SectionResolver& trial_resolver, Recipes& recipes,
                 std::filesystem::path sweep_folder, ProblemList& problems)
    : sections_(sections),
      resolver_(resolver),
      trial_resolver_(trial_resolver),
      recipes_(recipes),
      sweep_folder_(std::move(sweep_folder)),
      problems_(problems) {}

void Drafter::draft(StageDrafts& stage) {
  std::vector<Combination> combinations(1);
  if (!multiply(combinations, stage.axes.groups, stage.stage.mark)) return;
  for (ConditionalAxes& axes : stage.axes.conditional) {
    if (!add_conditional(combinations, stage, axes)) return;
  }
  if (!stage.axes.repeats.points.empty() &&
      !multiply(combinations, {stage.axes.repeats}, stage.stage.mark)) {
    return;
  }
  stage.drafts.reserve(combinations.size());
  for (const Combination& axes : combinations) {
    stage.drafts.push_back(resolve(stage, axes, resolver_));
  }
}

bool Drafter::multiply(std::vector<Combination>& combinations, const std::vector<AxisGroup>& groups,
                       const Mark& mark) {
  for (const AxisGroup& group : groups) {
    std::vector<Combination> longer;
    if (combinations.size() * group.points.size() > kMaxTrials) {
      problems_.add(mark, "more than " + std::to_string(kMaxTrials) + " trials");
      return false;
    }
    longer.reserve(combinations.size() * group.points.size());
    for (const Combination& axes : combinations) {
      for (const Combination& point : group.points) {
        longer.push_back(axes);
        longer.back().insert(longer.back().end(), point.begin(), point.end());
      }
    }
    combinations = std::move(longer);
  }
  return true;
}

bool Drafter::add_conditional(std::vector<Combination>& combinations, const StageDrafts& stage,
                              ConditionalAxes& axes) {
  std::vector<Combination> result;
  for (Combination& combination : combinations) {
    const Draft draft = resolve(stage, combination, trial_resolver_);
    std::vector<Combination> more = {std::move(combination)};
    if (axes.condition.holds(compose(sections_, draft)) &&
        !multiply(more, axes.groups, axes.condition.mark())) {
      return false;
    }
    result.insert(result.end(), std::make_move_iterator(more.begin()),
                  std::make_move_iterator(more.end()));
  }
  combinations = std::move(result);
  return true;
}

namespace {

std::vector<Assignment> of_section(const std::vector<Assignment>& all, const std::string& section) {
  std::vector<Assignment> own;
  std::copy_if(all.begin(), all.end(), std::back_inserter(own),
               [&](const Assignment& each) { return each.key->path[0] == section; });
  return own;
}

// The value of a top-level scalar: the command line's, an axis's, or the stage's own.
const Node* scalar_value(const char* name, const StageDrafts& stage,
                         const std::vector<Assignment>& axes) {
  const Node* value = stage.stage.tree.get(name);
  for (const auto* list : {&axes, &stage.overrides}) {
    for (const Assignment& each : *list) {
      if (each.key->dotted == name) value = each.value;
    }
  }
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::int64_t seed_from(const Node& node, ProblemList& problems) {
  if (node.is_list() || looks_like_axis(node)) {
    problems.add(node.mark, "seed: several seeds are written repeats: {seeds: [0, 1, 2]}");
    return 0;
  }
  const auto seed = read_key("seed", key_spec("stage", "seed"), node, problems);
  return seed ? seed->get<std::int64_t>() : 0;
}

}  // namespace

Draft Drafter::resolve(const StageDrafts& stage, const Combination& axes,
                       SectionResolver& resolver) {
  Draft draft;
  const Node* recipe = nullptr;
  if (const Node* name = scalar_value("recipe", stage, axes)) {
    if (name->is_scalar()) {
      recipe = &recipes_.find(*name);
      draft.recipe = is_recipe_file(name->text) ? config_path(*name, sweep_folder_) : name->text;
    } else {
      const bool several = name->is_list() || looks_like_axis(*name);
      problems_.add(name->mark,
                    "recipe: " + (several ? axis_elsewhere("recipe")
                                          : "expected a name or a file, got " + describe(*name)));
    }
  }
  const auto resolved = [&](const std::string& section, bool loose) {
    const Entry* below = recipe == nullptr ? nullptr : recipe->find(section);
    return &resolver.resolve(section, below, stage.stage.tree.find(section),
                             of_section(axes, section), of_section(stage.overrides, section),
                             stage.stage.mark, loose);
  };
  const ResolvedSection* worker = resolved("worker", false);
  const bool own_program = worker->values.contains("command");
  for (const std::string& section : sections_) {
    const bool loose = own_program || section == "args";
    draft.sections.push_back(section == "worker" ? worker : resolved(section, loose));
    const auto& places = draft.sections.back()->places;
    if (section == "args" && !own_program && !places.empty()) {
      problems_.add(places.begin()->second,
                    "args: belong to a program of your own: give `worker.command` too");
    }
  }
  if (const Node* seed = scalar_value("seed", stage, axes)) {
    draft.seed = seed_from(*seed, problems_);
  }
  for (const Assignment& each : axes) {
    if (each.key->swept) draft.swept.push_back(each.key);
  }
  return draft;
}

void TrialBuilder::build(StageDrafts& stage) {
  stage.trials.reserve(stage.drafts.size());
  const std::size_t seeds = std::max<std::size_t>(1, stage.axes.repeats.points.size());
  for (std::size_t i = 0; i < stage.drafts.size(); ++i) {
    const Draft& draft = stage.drafts[i];
    Json config = compose(sections_, draft);
    const bool excluded =
        std::any_of(stage.exclude.begin(), stage.exclude.end(),
                    [&](Condition& condition) { return condition.holds(config); });
    if (excluded) continue;
    stage.trials.push_back(build_trial(stage, draft, std::move(config)));
    stage.draft_of.push_back(i);
    if (stage.axes.search) {
      stage.trials.back().draw = stage.first_draw + static_cast<std::int64_t>(i / seeds);
    }
  }
  if (stage.trials.empty() && !stage.drafts.empty() && stage.first_draw == 0) {
    problems_.add(stage.exclude[0].mark(), "exclude: no trial is left");
  }
  built_[stage.stage.name] = &stage;
  note_default_keys(stage);
}

// What a downstream trial must share with the trial it starts from: what tells these apart.
void TrialBuilder::note_default_keys(const StageDrafts& stage) {
  auto& keys = default_keys_[stage.stage.name];
  bool seeds = false;
  for (const Draft& draft : stage.drafts) {
    seeds = seeds || draft.seed != stage.drafts[0].seed;
    if (draft.swept == stage.drafts[0].swept && &draft != &stage.drafts[0]) continue;
    for (const AssignedKey* key : draft.swept) {
      const bool known = std::find(keys.begin(), keys.end(), key->dotted) != keys.end();
      if (!known && key->dotted != "seed") keys.push_back(key->dotted);
    }
  }
  if (seeds) keys.emplace_back("seed");
}

PlannedTrial TrialBuilder::build_trial(const StageDrafts& stage, const Draft& draft, Json config) {
  PlannedTrial trial;
  trial.stage = stage.stage.name;
  trial.seed = draft.seed;
  Json group = config;
  for (std::size_t i = 0; i < sections_.size(); ++i) {
    for (const StageReference& reference : draft.sections[i]->references) {
      const PlannedTrial* upstream =
          find_upstream(reference, sections_[i] + "." + reference.param, config);
      if (upstream == nullptr) continue;
      config[sections_[i]][reference.param] = {{"trial", upstream->id}};
      group[sections_[i]][reference.param] = {{"trial", upstream->group}};
      trial.depends_on.push_back(upstream->id);
    }
  }
  group.erase("seed");
  trial.parameters = swept_values(draft.swept, config);
  trial.config = config;
  trial.id = sha256(trial.config.text());
  trial.group = sha256(canonical_json(group));
  return trial;
}

const PlannedTrial* TrialBuilder::find_upstream(const StageReference& reference,
                                                const std::string& own_key, const Json& config) {
  const StageDrafts& upstream = *built_.at(reference.stage);
  std::vector<std::string> keys;
  std::string wanted;
  std::string description;
  for (const std::string& key :
       reference.match ? *reference.match : default_keys_.at(reference.stage)) {
    const Json& mine = value_at(config, key);
    if (reference.match && mine.is_null()) {
      std::string reason = own_key + ": match: this stage's trials have no '";
      problems_.add(reference.mark, reason.append(key).append("'"));
      return nullptr;
    }
    if (mine.is_null() || key == own_key) continue;
    keys.push_back(key);
    wanted += canonical_json(mine) + "\n";
    description += (description.empty() ? "" : ", ") + key + " = " + text_of(mine);
  }
  const Index& index = index_of(upstream, keys);
  const auto found = index.find(wanted);
  if (found != index.end() && found->second.size() == 1) return found->second[0];
  std::string message = own_key + ": stage '" + reference.stage + "' has ";
  const std::string with = description.empty() ? "" : " with " + description;
  if (found == index.end()) {
    message += "no trial" + with + "; ";
  } else {
    const std::string differing = other_keys(reference.stage, keys);
    message +=
        std::to_string(found->second.size()) + " trials" + with + ", but a trial starts from one; ";
    if (!differing.empty())
      message += "vary here too what tells them apart (" + differing + "), or ";
  }
  problems_.add(reference.mark, message + "name the keys to compare: {stage: " + reference.stage +
                                    ", match: [...]}");
  return nullptr;
}

// What the stage varies beyond `keys`.
std::string TrialBuilder::other_keys(const std::string& stage,
                                     const std::vector<std::string>& keys) const {
  std::string text;
  for (const std::string& key : default_keys_.at(stage)) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    text += (text.empty() ? "" : ", ") + key;
  }
  return text;
}

const TrialBuilder::Index& TrialBuilder::index_of(const StageDrafts& stage,
                                                  const std::vector<std::string>& keys) {
  std::string name = stage.stage.name;
  for (const std::string& key : keys) name += "\n" + key;
  const auto known = indices_.find(name);
  if (known != indices_.end()) return known->second;
  Index& index = indices_[name];
  std::map<std::string, bool> seen;
  for (const PlannedTrial& trial : stage.trials) {
    if (!seen.emplace(trial.id, true).second) continue;
    const Json config = trial.config;
    std::string values;
    for (const std::string& key : keys) values += canonical_json(value_at(config, key)) + "\n";
    index[values].push_back(&trial);
  }
  return index;
}

}  // namespace mvn
