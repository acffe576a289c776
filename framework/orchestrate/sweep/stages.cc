#include "orchestrate/sweep/stages.h"

#include <algorithm>
#include <functional>

#include "mvn/nearest.h"
#include "orchestrate/sweep/keys.h"
#include "orchestrate/sweep/settings.h"

namespace mvn {
namespace {

Node shared_keys(const Node& sweep) {
  Node shared = sweep;
  for (const std::string& own : key_names("sweep")) shared.erase(own);
  return shared;
}

std::vector<std::string> names_of(const std::vector<Stage>& stages) {
  std::vector<std::string> names;
  for (const Stage& stage : stages) names.push_back(stage.name);
  return names;
}

// Visits upstream stages first; finds cycles.
class Sorter {
 public:
  Sorter(const std::vector<Stage>& stages, const std::vector<StageLink>& links,
         ProblemList& problems)
      : stages_(stages), links_(links), problems_(problems), state_(stages.size()) {}

  std::vector<std::size_t> sort() {
    for (std::size_t i = 0; i < stages_.size(); ++i) visit(i);
    return order_;
  }

 private:
  enum class State { kNew, kOpen, kDone };

  void visit(std::size_t stage) {
    if (state_[stage] != State::kNew) return;
    state_[stage] = State::kOpen;
    path_.push_back(stage);
    for (const StageLink& link : links_) {
      if (link.from == stage) follow(link);
    }
    path_.pop_back();
    state_[stage] = State::kDone;
    order_.push_back(stage);
  }

  void follow(const StageLink& link) {
    const auto names = names_of(stages_);
    const auto found = std::find(names.begin(), names.end(), link.to);
    if (found == names.end() || link.to.empty()) {
      const bool none = names.size() == 1 && names[0].empty();
      problems_.add(link.mark,
                    "no stage '" + link.to + "'" +
                        (none ? ": this sweep has no `stages`" : suggest(link.to, names)));
      return;
    }
    const auto to = static_cast<std::size_t>(found - names.begin());
    if (state_[to] == State::kOpen) {
      report_cycle(to, link.mark);
    } else {
      visit(to);
    }
  }

  void report_cycle(std::size_t to, const Mark& mark) {
    std::string cycle;
    for (auto each = std::find(path_.begin(), path_.end(), to); each != path_.end(); ++each) {
      cycle += stages_[*each].name + " -> ";
    }
    problems_.add(mark, "the stages wait for each other: " + cycle + stages_[to].name);
  }

  const std::vector<Stage>& stages_;
  const std::vector<StageLink>& links_;
  ProblemList& problems_;
  std::vector<State> state_;
  std::vector<std::size_t> path_;
  std::vector<std::size_t> order_;
};

}  // namespace

std::vector<Stage> read_stages(const Node& sweep, const std::vector<std::string>& sections,
                               const Layering& layering, ProblemList& problems) {
  check_keys(sweep, /*stage=*/false, sections, problems);
  const Node* stages = sweep.get("stages");
  if (stages == nullptr) return {{"", sweep.mark, shared_keys(sweep)}};
  if (!stages->is_map() || stages->entries.empty()) {
    problems.add(stages->mark, "stages: expected a map of stages, got " +
                                   (stages->is_map() ? "an empty one" : describe(*stages)));
    return {};
  }
  std::vector<Stage> result;
  for (const Entry& entry : stages->entries) {
    if (!is_plain_name(entry.key)) {
      problems.add(
          entry.mark,
          "stages: expected a name of letters, digits, '-', '_' and '.', got '" + entry.key + "'");
    }
    if (!entry.value.is_map() && !entry.value.is_null()) {
      problems.add(entry.value.mark,
                   "stages: " + entry.key + ": expected a map, got " + describe(entry.value));
      continue;
    }
    check_keys(entry.value, /*stage=*/true, sections, problems);
    Stage stage{entry.key, entry.mark, shared_keys(sweep)};
    if (entry.value.is_map()) layering.merge_sweep(stage.tree, entry.value);
    result.push_back(std::move(stage));
  }
  return result;
}

std::vector<std::size_t> order_stages(const std::vector<Stage>& stages,
                                      const std::vector<StageLink>& links, ProblemList& problems) {
  return Sorter(stages, links, problems).sort();
}

}  // namespace mvn
