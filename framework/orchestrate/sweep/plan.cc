// How a plan comes about:
// 1. the file, what it extends and --set become one tree (document.cc);
// 2. each stage gets the shared keys with its own laid upon them (stages.cc);
// 3. a stage's axes multiply out (axes.cc), and each combination is resolved section by section
//    against the schemas, each different section once (section_resolver.cc);
// 4. upstream stages first, combinations become trials: references to other trials are looked up
//    and the result is hashed (trial_builder.cc).
// Problems are collected throughout and thrown together before step 4, which needs a sound sweep.
#include "orchestrate/sweep/plan.h"

#include <algorithm>
#include <memory>
#include <ranges>
#include <set>
#include <unordered_set>

#include "common/hashing.h"
#include "orchestrate/sweep/document.h"
#include "orchestrate/sweep/locate.h"
#include "orchestrate/sweep/recipes.h"
#include "orchestrate/sweep/settings.h"
#include "orchestrate/sweep/stages.h"
#include "orchestrate/sweep/trial_builder.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// Beside "stage/key", SweepPlan::locations has the places of one trial's key and of one value.
std::string place_of_trial(const std::string& key, const std::string& id) { return key + "#" + id; }
std::string place_of_value(const std::string& key, const Json& value) {
  return key + "=" + canonical_json(value);
}

class Planner : public std::enable_shared_from_this<Planner> {
 public:
  Planner(const fs::path& file, const Description& installed, PlanOptions options)
      : installed_(with_own_sections(installed)),
        options_(std::move(options)),
        sections_(section_names(installed_)),
        document_(load_sweep(file, installed_, options_.overrides, problems_)) {
    plan_.file = fs::absolute(file).lexically_normal();
    plan_.text = document_.text;
    plan_.roles = KeyRoles(installed_);
    plan_.resolved = to_core_json(document_.root);
  }

  SweepPlan run() {
    read_settings();
    draft_stages();
    const auto order = order_stages(stages_, links_, problems_);
    refuse_links_to_searches();
    problems_.throw_if_any();
    for (const std::size_t index : order) {
      builder_.build(drafts_[index]);
      note_items(drafts_[index]);
      rank(drafts_[index]);
    }
    problems_.throw_if_any();
    for (const std::size_t index : order) note_search(index);
    for (const std::size_t index : order) collect(drafts_[index]);
    warn_of_duplicates();
    for (const std::size_t index : order) warn_of_seeds(drafts_[index]);
    warn_of_unused_conditions();
    cap();
    hurry_upstream();
    return std::move(plan_);
  }

  // By the same steps, for a stage that has this draw alone.
  PlannedDraw plan_draw(std::size_t index, SweepPlan& plan, const Point& point) {
    problems_ = ProblemList();
    StageDrafts& stage = drafts_[index];
    stage.first_draw = static_cast<std::int64_t>(plan.searches.at(stage.stage.name).points.size());
    if (!stage.axes.search) throw Error("stage '" + stage.stage.name + "' draws no trials");
    stage.axes.groups[0].points = {assignments(stage.axes, stage.axes.search->axes, point)};
    stage.drafts.clear();
    stage.trials.clear();
    stage.draft_of.clear();
    drafter_->draft(stage);
    note_links(stage, index);
    order_stages(stages_, links_, problems_);
    refuse_links_to_searches();
    note_locations(plan, stage);
    problems_.throw_if_any();
    builder_.build(stage);
    problems_.throw_if_any();
    rank(stage);
    return draw_of(stage, plan, point);
  }

 private:
  void read_settings() {
    const Node& root = document_.root;
    plan_.name = read_name(root, plan_.file, problems_);
    plan_.resources = read_resources(root, problems_);
    // Whether the device is there is found out later, which then points at it.
    if (const Node* resources = root.get("resources");
        resources != nullptr && resources->is_map()) {
      if (const Node* device = resources->get("device")) {
        plan_.locations["/resources.device"] = device->mark.location();
      }
    }
    plan_.prepare = read_prepare(root, problems_);
    read_launch(root);
    plan_.retry = read_retry(root, problems_);
    plan_.limits = read_limits(root, problems_);
    plan_.cap = read_run_cap(root, problems_);
    stages_ = read_stages(root, sections_, Layering(installed_), problems_);
    for (const Stage& stage : stages_) {
      plan_.metrics[stage.name] = read_metric(stage.tree, problems_);
      const Node* metric = stage.tree.get("metric");
      if (const Node* name = metric == nullptr ? nullptr : metric->get("name")) {
        plan_.locations[stage.name + "/metric.name"] = name->mark.location();
      }
      if (auto rule = read_early_terminate(stage.tree, problems_)) {
        plan_.stopping[stage.name] = std::move(*rule);
      }
    }
  }

  // Whether Slurm can give that is found out when it is asked.
  void read_launch(const Node& root) {
    plan_.slurm = read_slurm(root, problems_);
    const Node* launch = root.get("launch");
    const Node* slurm = launch != nullptr && launch->is_map() ? launch->get("slurm") : nullptr;
    if (slurm == nullptr || !slurm->is_map()) return;
    for (const Entry& entry : slurm->entries) {
      plan_.locations["/launch.slurm." + entry.key] = entry.value.mark.location();
    }
  }

  void draft_stages() {
    std::vector<std::string> recipe_sections;
    for (const auto& [name, specs] : installed_.sections) {
      if (name != "worker" && name != "args") recipe_sections.push_back(name);
    }
    std::vector<fs::path> folders = {document_.root.mark.source->file.parent_path() / "recipes"};
    folders.insert(folders.end(), options_.recipe_folders.begin(), options_.recipe_folders.end());
    recipes_.emplace(recipe_sections, folders, problems_);
    const fs::path folder = plan_.file.parent_path();
    CoerceContext context{folder, options_.find_trial, &problems_, {}};
    if (options_.pin) {
      context.pin = [this, sweep = plan_.name](const std::string& reference, HubUse use) {
        return options_.pin(sweep, reference, use);
      };
    }
    resolver_.emplace(installed_, context);
    context.problems = &ignored_;
    trial_resolver_.emplace(installed_, context);
    drafter_.emplace(sections_, *resolver_, *trial_resolver_, *recipes_, folder, problems_);
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      StageDrafts& stage = drafts_.emplace_back();
      stage.stage = stages_[i];
      read_overrides(stage);
      drafter_->draft(stage);
      note_links(stage, i);
      note_locations(plan_, stage);
    }
  }

  // The command line's values for this stage, and its axes without what these replace.
  void read_overrides(StageDrafts& stage) {
    std::vector<std::vector<std::string>> paths;
    for (const Override& each : document_.overrides) {
      if (!each.stage.empty() && each.stage != stage.stage.name) continue;
      std::string dotted;
      for (const std::string& part : each.path) dotted += (dotted.empty() ? "" : ".") + part;
      stage.override_keys.push_back({dotted, each.path, each.mark, false});
      stage.overrides.push_back({&stage.override_keys.back(), &each.value});
      paths.push_back(each.path);
    }
    stage.axes = read_axes(stage.stage.tree, installed_, paths, plan_.cap.trials, problems_);
    const Node& tree = stage.stage.tree;
    const auto given = given_keys(tree, installed_);
    stage.exclude = read_conditions("exclude", tree, installed_, given, problems_);
    stage.priority = read_conditions("priority", tree, installed_, given, problems_);
  }

  void note_links(const StageDrafts& stage, std::size_t index) {
    std::unordered_set<const ResolvedSection*> seen;
    for (const Draft& draft : stage.drafts) {
      for (const ResolvedSection* section : draft.sections) {
        if (!seen.insert(section).second) continue;
        for (const StageReference& reference : section->references) {
          const bool known = std::ranges::any_of(links_, [&](const StageLink& each) {
            return each.from == index && each.to == reference.stage;
          });
          if (!known) links_.push_back({index, reference.stage, reference.mark});
        }
      }
    }
  }

  void note_locations(SweepPlan& plan, const StageDrafts& stage) const {
    const std::string prefix = stage.stage.name + "/";
    plan.locations[prefix] = stage.stage.mark.location();
    std::set<std::string> swept;
    for (const AssignedKey& key : stage.axes.keys) {
      if (key.swept) swept.insert(key.dotted);
    }
    std::unordered_set<const ResolvedSection*> seen;
    for (const Draft& draft : stage.drafts) {
      for (std::size_t i = 0; i < sections_.size(); ++i) {
        if (seen.insert(draft.sections[i]).second) note_places(plan, stage, draft, i, swept);
      }
    }
    for (const std::string& section : sections_) {
      if (const Entry* entry = stage.stage.tree.find(section)) {
        plan.locations.emplace(prefix + section, entry->mark.location());
      }
    }
    // A swept key has several values; its own place stands for all of them.
    for (const AssignedKey& key : stage.axes.keys) {
      if (key.swept) plan.locations[prefix + key.dotted] = key.mark.location();
    }
  }

  // Each parameter's place; where an axis over maps gives several, that of each value, too.
  void note_places(SweepPlan& plan, const StageDrafts& stage, const Draft& draft,
                   std::size_t section, const std::set<std::string>& swept) const {
    const ResolvedSection& resolved = *draft.sections[section];
    for (const auto& [name, mark] : resolved.places) {
      const std::string dotted = sections_[section] + "." + name;
      const std::string key = stage.stage.name + "/" + dotted;
      const Location place = mark.location();
      const auto [known, fresh] = plan.locations.emplace(key, place);
      const bool elsewhere = known->second.line != place.line ||
                             known->second.column != place.column ||
                             known->second.file != place.file;
      if (fresh || !elsewhere || swept.contains(dotted) || own_program(draft)) continue;
      plan.locations.emplace(place_of_value(key, resolved.values.at(name)), place);
    }
  }

  // Of the trials of `method: list`, each of which has places of its own.
  void note_items(const StageDrafts& stage) {
    for (std::size_t i = 0; i < stage.trials.size(); ++i) {
      const Draft& draft = stage.drafts[stage.draft_of[i]];
      const std::string& id = stage.trials[i].id;
      const std::string prefix = stage.stage.name + "/";
      const bool listed =
          std::ranges::any_of(draft.swept, [](const AssignedKey* key) { return key->listed; });
      if (!listed || own_program(draft)) continue;
      for (std::size_t section = 0; section < sections_.size(); ++section) {
        for (const auto& [name, mark] : draft.sections[section]->places) {
          const auto key = std::string(prefix).append(sections_[section]).append(".").append(name);
          plan_.locations.emplace(place_of_trial(key, id), mark.location());
        }
      }
      for (const AssignedKey* key : draft.swept) {
        if (!key->listed) continue;
        plan_.locations.emplace(place_of_trial(prefix + key->dotted, id), key->mark.location());
      }
    }
  }

  // What a program of the user's makes of its values only it knows: their places are not asked for.
  [[nodiscard]] bool own_program(const Draft& draft) const {
    const auto worker = std::ranges::find(sections_, "worker") - sections_.begin();
    return draft.sections[static_cast<std::size_t>(worker)]->values.contains("command");
  }

  void refuse_links_to_searches() {
    for (const StageLink& link : links_) {
      for (const StageDrafts& stage : drafts_) {
        if (stage.stage.name != link.to || !stage.axes.search) continue;
        problems_.add(link.mark, "stage '" + link.to +
                                     "' is a search (method: " + stage.axes.search->method->name +
                                     "), which draws its trials as it goes: nothing can start "
                                     "from them");
      }
    }
  }

  // By the first of the conditions that holds; trials that meet none come last.
  static void rank(StageDrafts& stage) {
    for (PlannedTrial& trial : stage.trials) {
      if (stage.priority.empty()) return;
      const Json config = trial.config;
      const auto first =
          std::find_if(stage.priority.begin(), stage.priority.end(),
                       [&](Condition& condition) { return condition.holds(config); });
      trial.rank = static_cast<std::size_t>(first - stage.priority.begin());
    }
  }

  // What a trial starts from is as urgent as the trial.
  void hurry_upstream() {
    std::map<std::string, PlannedTrial*> by_id;
    for (PlannedTrial& trial : plan_.trials) by_id[trial.id] = &trial;
    for (const auto& trial : std::views::reverse(plan_.trials)) {
      for (const auto& id : trial.depends_on) {
        if (by_id.contains(id)) by_id[id]->rank = std::min(by_id[id]->rank, trial.rank);
      }
    }
  }

  // All of a search's draws, those that repeat an earlier one included.
  void note_search(std::size_t index) {
    const StageDrafts& stage = drafts_[index];
    if (!stage.axes.search) return;
    const DrawnSearch& drawn = *stage.axes.search;
    const MetricGoal& goal = plan_.metrics.at(stage.stage.name);
    PlannedSearch& search = plan_.searches[stage.stage.name];
    search.method = drawn.method;
    search.plan_draw = [self = shared_from_this(), index](SweepPlan& plan, const Point& point) {
      return self->plan_draw(index, plan, point);
    };
    search.seed = drawn.seed;
    search.draws = drawn.draws;
    if (drawn.wanted > drawn.draws) {
      plan_.warnings.push_back("method: " + drawn.method->name + ": " +
                               std::to_string(drawn.wanted) +
                               " draws are asked for, and its axes have " +
                               std::to_string(drawn.draws) + " combinations: each is drawn once");
    }
    search.seeds =
        static_cast<std::int64_t>(std::max<std::size_t>(1, stage.axes.repeats.points.size()));
    search.space = drawn.space;
    search.random = drawn.random;
    search.points = drawn.points;
    search.trials.resize(drawn.points.size());
    for (const PlannedTrial& trial : stage.trials) {
      search.trials[static_cast<std::size_t>(trial.draw)].push_back(trial.id);
    }
    // The first draw is the same whatever the results: its trial stands for all that is fixed.
    const PlannedTrial& first = stage.trials.front();
    search.id = sha256(canonical_json({{"axes", drawn.written},
                                       {"seed", drawn.seed},
                                       {"metric", goal.name},
                                       {"maximize", goal.maximize},
                                       {"draw", first.draw},
                                       {"configuration", first.group}}));
  }

  // Puts a stage's trials into the plan, each identity once. They stay here where draws may start
  // from them.
  void collect(StageDrafts& stage) {
    for (PlannedTrial& trial : stage.trials) {
      if (ids_.insert(trial.id).second) {
        plan_.trials.push_back(plan_.searches.empty() ? std::move(trial) : trial);
      } else if (duplicates_++ == 0) {
        first_duplicate_ = trial.parameters.text();
      }
    }
  }

  void warn_of_duplicates() {
    if (duplicates_ == 0) return;
    plan_.warnings.push_back(std::to_string(duplicates_) +
                             (duplicates_ == 1 ? " trial repeats an earlier one and is"
                                               : " trials repeat earlier ones and are") +
                             " run once, the first: " + first_duplicate_);
  }

  // A program that gets all it is told on its command line does the same with every seed.
  void warn_of_seeds(const StageDrafts& stage) {
    if (stage.axes.repeats.points.size() < 2 || stage.drafts.empty()) return;
    const Json config = config_of(stage.drafts.front());
    const auto worker = config.find("worker");
    if (worker == config.end() || !worker->contains("command")) return;
    const Json& command = worker->at("command");
    const bool told_args = std::ranges::any_of(
        command, [](const Json& word) { return word.get<std::string>().starts_with("${args"); });
    const std::string all = command.dump() + config.value("args", Json()).dump();
    if (!told_args || all.find("${trial}") != all.npos || all.find("${seed}") != all.npos) return;
    plan_.warnings.emplace_back(
        "repeats: the command line is the same for every seed: write ${seed} into worker.command "
        "or "
        "into a value of args, such as args: {seed: \"${seed}\"}");
  }

  // The worker and the arguments of a draft.
  [[nodiscard]] Json config_of(const Draft& draft) const {
    Json config = Json::object();
    for (std::size_t i = 0; i < sections_.size(); ++i) {
      const bool own = sections_[i] == "worker" || sections_[i] == "args";
      if (own) config[sections_[i]] = draft.sections[i]->values;
    }
    return config;
  }

  // Stages may share a condition: it is of use where it held in one of them.
  void warn_of_unused_conditions() {
    std::map<std::pair<int, int>, const Condition*> unused;
    std::set<std::pair<int, int>> used;
    const auto note = [&](const Condition& condition) {
      const std::pair place(condition.mark().line, condition.mark().column);
      if (condition.held()) used.insert(place);
      unused.emplace(place, &condition);
    };
    for (const StageDrafts& stage : drafts_) {
      for (const Condition& condition : stage.exclude) note(condition);
      for (const Condition& condition : stage.priority) note(condition);
      for (const ConditionalAxes& axes : stage.axes.conditional) note(axes.condition);
    }
    for (const auto& [place, condition] : unused) {
      if (used.contains(place)) continue;
      plan_.warnings.push_back(condition->what() + ": no trial meets the condition \"" +
                               condition->text() + "\"");
    }
  }

  void cap() {
    const std::size_t all = plan_.trials.size();
    const auto& most = plan_.cap.trials;
    if (!most || all <= static_cast<std::size_t>(*most)) return;
    for (auto i = static_cast<std::size_t>(*most); i < all; ++i) ids_.erase(plan_.trials[i].id);
    plan_.trials.resize(static_cast<std::size_t>(*most));
    plan_.warnings.push_back("run_cap: " + std::to_string(*most) + " of " + std::to_string(all) +
                             " trials");
  }

  // No more trials than run_cap has room for.
  PlannedDraw draw_of(StageDrafts& stage, const SweepPlan& plan, const Point& point) {
    PlannedDraw draw{point, {}, {}, true};
    bool known = stage.trials.empty();  // left out by `exclude`
    for (PlannedTrial& trial : stage.trials) {
      draw.ids.push_back(trial.id);
      const bool full = plan.cap.trials && plan.trials.size() + draw.fresh.size() >=
                                               static_cast<std::size_t>(*plan.cap.trials);
      const bool old = ids_.contains(trial.id);
      known = known || old;
      if (old || full) continue;
      ids_.insert(trial.id);
      draw.fresh.push_back(std::move(trial));
    }
    draw.room = known || !draw.fresh.empty();
    return draw;
  }

  const Description installed_;
  const PlanOptions options_;
  ProblemList problems_;
  std::vector<std::string> sections_;
  SweepDocument document_;
  SweepPlan plan_;
  std::vector<Stage> stages_;
  ProblemList ignored_;
  std::optional<Recipes> recipes_;
  std::optional<SectionResolver> resolver_;
  std::optional<SectionResolver> trial_resolver_;
  std::optional<Drafter> drafter_;
  TrialBuilder builder_{sections_, problems_};
  std::deque<StageDrafts> drafts_;
  std::vector<StageLink> links_;
  std::set<std::string> ids_;
  std::size_t duplicates_ = 0;
  std::string first_duplicate_;
};

}  // namespace

SweepPlan plan_sweep(const fs::path& file, const Description& installed,
                     const PlanOptions& options) {
  return std::make_shared<Planner>(file, installed, options)->run();
}

void append(SweepPlan& plan, const std::string& stage, PlannedDraw draw) {
  PlannedSearch& search = plan.searches.at(stage);
  if (!draw.room) {
    search.draws = static_cast<std::int64_t>(search.points.size());
    return;
  }
  search.points.push_back(std::move(draw.point));
  search.trials.push_back(std::move(draw.ids));
  std::ranges::move(draw.fresh, std::back_inserter(plan.trials));
}

void append_draw(SweepPlan& plan, const std::string& stage, const Point& point) {
  const PlannedSearch& search = plan.searches.at(stage);
  if (static_cast<std::int64_t>(search.points.size()) >= search.draws) return;
  append(plan, stage, search.plan_draw(plan, point));
}

Location locate(const SweepPlan& plan, const PlannedTrial& trial, const std::string& key) {
  for (std::string name = key; !name.empty();) {
    const std::string place = trial.stage + "/" + name;
    auto found = plan.locations.find(place_of_trial(place, trial.id));
    if (found == plan.locations.end()) {
      found = plan.locations.find(place_of_value(place, value_at(trial.config, name)));
    }
    if (found != plan.locations.end()) return found->second;
    const std::size_t dot = name.rfind('.');
    name = dot == std::string::npos ? "" : name.substr(0, dot);
  }
  return locate(plan, trial.stage, key);
}

Location locate(const SweepPlan& plan, const std::string& stage, const std::string& key) {
  for (std::string name = key; !name.empty();) {
    const auto found = plan.locations.find(std::string(stage).append("/").append(name));
    if (found != plan.locations.end()) return found->second;
    const std::size_t dot = name.rfind('.');
    name = dot == std::string::npos ? "" : name.substr(0, dot);
  }
  const auto found = plan.locations.find(stage + "/");
  return found == plan.locations.end() ? Location{plan.file, 0, 0} : found->second;
}

}  // namespace mvn
