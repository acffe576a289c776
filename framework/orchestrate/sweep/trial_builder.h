// The trials of the stages: first drafts (every combination of axis values, resolved section by
// section), then, upstream stages first, trials with identities and the models they start from.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "orchestrate/sweep/condition.h"
#include "orchestrate/sweep/document.h"
#include "orchestrate/sweep/plan.h"
#include "orchestrate/sweep/recipes.h"
#include "orchestrate/sweep/section_resolver.h"
#include "orchestrate/sweep/stages.h"

namespace mvn {

// One combination of axis values.
struct Draft {
  std::vector<const ResolvedSection*> sections;  // as section_names() orders them
  std::vector<const AssignedKey*> swept;
  std::string recipe;
  std::int64_t seed = 0;
};

struct StageDrafts {
  Stage stage;
  Axes axes;
  std::deque<AssignedKey> override_keys;
  std::vector<Assignment> overrides;
  std::vector<Condition> exclude;
  std::vector<Condition> priority;
  std::int64_t first_draw = 0;  // of a search: the number of its first draft's draw
  std::vector<Draft> drafts;
  std::vector<PlannedTrial> trials;   // of the drafts that are not excluded, duplicates included
  std::vector<std::size_t> draft_of;  // of each trial: its draft
};

// Expands a stage's axes and resolves every combination.
class Drafter {
 public:
  // `trial_resolver` resolves what `when` conditions are asked about: combinations that are not
  // complete yet, so its problems do not count.
  Drafter(const std::vector<std::string>& sections, SectionResolver& resolver,
          SectionResolver& trial_resolver, Recipes& recipes, std::filesystem::path sweep_folder,
          ProblemList& problems);

  // `stage.axes`, `stage.overrides` and `stage.exclude` are read already.
  void draft(StageDrafts& stage);

 private:
  using Combination = std::vector<Assignment>;

  // The product of `combinations` and the groups, which turn faster; false when there are too many.
  bool multiply(std::vector<Combination>& combinations, const std::vector<AxisGroup>& groups,
                const Mark& mark);
  bool add_conditional(std::vector<Combination>& combinations, const StageDrafts& stage,
                       ConditionalAxes& axes);
  Draft resolve(const StageDrafts& stage, const Combination& axes, SectionResolver& resolver);

  const std::vector<std::string>& sections_;
  SectionResolver& resolver_;
  SectionResolver& trial_resolver_;
  Recipes& recipes_;
  std::filesystem::path sweep_folder_;
  ProblemList& problems_;
};

// Turns drafts into trials; stages must come in dependency order.
class TrialBuilder {
 public:
  TrialBuilder(const std::vector<std::string>& sections, ProblemList& problems)
      : sections_(sections), problems_(problems) {}

  void build(StageDrafts& stage);

 private:
  using Index = std::unordered_map<std::string, std::vector<const PlannedTrial*>>;

  PlannedTrial build_trial(const StageDrafts& stage, const Draft& draft, Json config);
  void note_default_keys(const StageDrafts& stage);
  const PlannedTrial* find_upstream(const StageReference& reference, const std::string& own_key,
                                    const Json& config);
  [[nodiscard]] std::string other_keys(const std::string& stage,
                                       const std::vector<std::string>& keys) const;
  const Index& index_of(const StageDrafts& stage, const std::vector<std::string>& keys);

  const std::vector<std::string>& sections_;
  ProblemList& problems_;
  std::map<std::string, const StageDrafts*> built_;
  std::map<std::string, std::vector<std::string>> default_keys_;
  std::map<std::string, Index> indices_;
};

}  // namespace mvn
