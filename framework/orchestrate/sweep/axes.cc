#include "orchestrate/sweep/axes.h"

#include <algorithm>
#include <map>
#include <utility>

#include "mvn/nearest.h"
#include "orchestrate/sweep/document.h"
#include "orchestrate/sweep/key_reader.h"
#include "orchestrate/sweep/scalar.h"
#include "orchestrate/sweep/settings.h"
#include "orchestrate/sweep/yaml_hint.h"

namespace mvn {
namespace {

class AxesReader {
 public:
  AxesReader(const Node& stage, const Description& installed,
             const std::vector<std::vector<std::string>>& overridden,
             std::optional<std::int64_t> run_cap, ProblemList& problems)
      : stage_(stage),
        installed_(installed),
        sections_(section_names(installed)),
        overridden_(overridden),
        run_cap_(run_cap),
        problems_(problems) {}

  Axes read() {
    const Node* method = stage_.get("method");
    const DrawMethod* drawing = method == nullptr ? nullptr : draw_method(method->text);
    read_repeats();
    if (method != nullptr && method->text == "list") {
      read_trials(method->mark);
    } else if (drawing != nullptr) {
      read_draws(*method, *drawing);
    } else {
      refuse("trials", "needs `method: list`");
      read_zip();
      if (const Node* parameters = stage_.get("parameters")) {
        read_parameters(*parameters, axes_.groups);
      }
    }
    read_when();
    check_overlaps();
    return std::move(axes_);
  }

 private:
  using Seen = std::map<std::vector<std::string>, const AssignedKey*>;

  void refuse(const char* key, const std::string& why) {
    if (stage_.get(key) == nullptr) return;
    problems_.add(stage_.find(key)->mark, std::string(key) + ": " + why);
  }

  [[nodiscard]] bool is_overridden(const AssignedKey& key) const {
    return std::any_of(overridden_.begin(), overridden_.end(),
                       [&](const auto& path) { return is_prefix(path, key.path); });
  }

  // The key of an assignment; nullptr where it is none or the command line gives its value.
  const AssignedKey* key_of(const Entry& entry, bool swept) {
    AssignedKey key{entry.key, split_dotted(entry.key), entry.mark, swept};
    const bool empty_part = std::find(key.path.begin(), key.path.end(), "") != key.path.end();
    const bool single = key.path[0] == "recipe" || key.path[0] == "seed";
    const bool section =
        std::find(sections_.begin(), sections_.end(), key.path[0]) != sections_.end();
    if (empty_part || (single && key.path.size() > 1) || (!single && !section)) {
      problems_.add(entry.mark, "'" + entry.key + "' is no key of a trial" +
                                    (single || empty_part ? "" : whose_key(key)));
      return nullptr;
    }
    if (is_overridden(key)) return nullptr;
    axes_.keys.push_back(std::move(key));
    return &axes_.keys.back();
  }

  // The section that was left out: "lr" is optimizer.lr.
  [[nodiscard]] std::string whose_key(const AssignedKey& key) const {
    if (stage_.get("worker") != nullptr) return "; did you mean 'args." + key.dotted + "'?";
    const auto has = [&](const std::vector<ParamSpec>& specs) {
      return std::ranges::any_of(specs, [&](const auto& spec) { return spec.name == key.path[0]; });
    };
    for (const auto& [section, specs] : installed_.sections) {
      if (has(specs)) return "; did you mean '" + section + "." + key.dotted + "'?";
    }
    for (const ComponentDescription& each : installed_.components) {
      if (has(each.params)) return "; did you mean '" + each.kind + "." + key.dotted + "'?";
    }
    std::vector<std::string> known = sections_;
    known.insert(known.end(), {"recipe", "seed"});
    return suggest(key.path[0], known);
  }

  void read_trials(const Mark& method) {
    const Node* trials = stage_.get("trials");
    if (trials == nullptr) {
      problems_.add(method, "method: list needs `trials`, a list of maps");
      return;
    }
    refuse("parameters", "with `method: list`, give every key under `trials`");
    refuse("zip", "with `method: list`, give every key under `trials`");
    if (!trials->is_list() || trials->items.empty()) {
      problems_.add(trials->mark, "trials: expected a list of maps such as {optimizer.lr: 1e-4}");
      return;
    }
    AxisGroup group;
    for (const Node& trial : trials->items) {
      if (!trial.is_map()) {
        problems_.add(trial.mark, "trials: expected a map, got " + describe(trial));
        continue;
      }
      std::vector<Assignment> point;
      for (const Entry& entry : trial.entries) {
        const AssignedKey* key = key_of(entry, true);
        if (key == nullptr) continue;
        axes_.keys.back().listed = true;
        point.push_back({key, &entry.value});
      }
      group.points.push_back(std::move(point));
    }
    axes_.groups.push_back(std::move(group));
  }

  // Every draw is a point of one group that assigns all keys.
  void read_draws(const Node& method, const DrawMethod& drawing) {
    refuse("trials", "needs `method: list`");
    refuse("when", "needs `method: grid`");
    const Search search = read_search(stage_, problems_);
    const auto draws = count_draws(search);
    if (!draws) {
      problems_.add(method.mark, "method: " + method.text +
                                     " needs `run_cap`, the number of trials: add it to the file, "
                                     "or run 'mvn-runner " +
                                     stage_.mark.source->file.string() + " run_cap=50'");
      return;
    }
    read_zip();
    std::vector<DrawnAxis> axes;
    for (AxisGroup& zipped : axes_.groups) axes.push_back(drawn_zip(std::move(zipped)));
    axes_.groups.clear();
    AxisGroup constants;
    constants.points.resize(1);
    read_drawn_parameters(axes, constants.points[0]);
    draw(std::move(axes), {&drawing, search.seed, *draws, *draws, {}, {}, {}, {}, Json::array()});
    if (!constants.points[0].empty()) axes_.groups.push_back(std::move(constants));
  }

  void read_drawn_parameters(std::vector<DrawnAxis>& axes, std::vector<Assignment>& constants) {
    const Node* parameters = stage_.get("parameters");
    if (parameters == nullptr) return;
    if (!parameters->is_map()) {
      problems_.add(parameters->mark,
                    "parameters: expected a map of axes, got " + describe(*parameters));
      return;
    }
    for (const Entry& entry : parameters->entries) {
      if (entry.value.is_null() || !check_axis(entry)) continue;
      const bool constant = is_constant(entry.value);
      const AssignedKey* key = key_of(entry, !constant);
      if (constant) {
        if (key != nullptr) constants.push_back({key, &entry.value.find("value")->value});
        continue;
      }
      auto random = read_random_axis(entry.key, entry.value, problems_);
      if (key == nullptr || !random) continue;
      axes.push_back({entry.key, std::move(*random), key, {}, to_core_json(entry.value)});
    }
  }

  // The draws of all axes, as points of one group.
  void draw(std::vector<DrawnAxis> axes, DrawnSearch search) {
    if (axes.empty()) return;
    std::vector<std::pair<std::string, std::function<double(double)>>> inverses;
    for (const DrawnAxis& axis : axes) {
      search.space.push_back(axis.random.dimension);
      search.written.push_back({axis.key, axis.written});
      inverses.emplace_back(axis.key, axis.random.draw);
    }
    search.random = [inverses, seed = search.seed](std::int64_t draw) {
      Point point;
      for (const auto& [key, inverse] : inverses) {
        point.push_back(inverse(uniform_draw(key, seed, draw)));
      }
      return point;
    };
    draw_first(search);
    AxisGroup all;
    for (const Point& point : search.points) {
      all.points.push_back(assignments(axes_, axes, point));
    }
    axes_.groups.push_back(std::move(all));
    if (!search.method->learns()) return;
    search.axes = std::move(axes);
    axes_.search = std::move(search);
  }

  // The random ones. Those of a method that learns are each unlike those before.
  static void draw_first(DrawnSearch& search) {
    if (!search.method->learns()) {
      for (std::int64_t i = 0; i < search.draws; ++i) search.points.push_back(search.random(i));
      return;
    }
    search.draws = std::min(search.wanted, size_of(search.space).value_or(search.wanted));
    const auto startup = static_cast<std::int64_t>(search.method->startup);
    for (std::int64_t i = 0; i < std::min(search.draws, startup); ++i) {
      search.points.push_back(fresh_draw(search.space, search.points, search.random, i));
    }
  }

  // As many as fill the cap, with all seeds of each; no more where `search` asks for more.
  [[nodiscard]] std::optional<std::int64_t> count_draws(const Search& search) const {
    if (!run_cap_) return search.draws;
    const auto seeds =
        std::max<std::int64_t>(1, static_cast<std::int64_t>(axes_.repeats.points.size()));
    const std::int64_t most = (*run_cap_ + seeds - 1) / seeds;
    return std::min(most, search.draws.value_or(most));
  }

  static DrawnAxis drawn_zip(AxisGroup zipped) {
    const std::size_t size = zipped.points.size();
    Json written = Json::array();
    for (const auto& point : zipped.points) {
      for (const Assignment& each : point) {
        written.push_back({each.key->dotted, to_core_json(*each.value)});
      }
    }
    const std::string key = zipped.points[0][0].key->dotted;
    RandomAxis random{categorical(std::vector<double>(size, 1.0 / static_cast<double>(size))),
                      [size](double uniform) { return uniform_index(uniform, size); },
                      {}};
    return {key, std::move(random), nullptr, std::move(zipped), std::move(written)};
  }

  void read_zip() {
    const Node* zip = stage_.get("zip");
    if (zip == nullptr) return;
    if (!zip->is_list()) {
      problems_.add(zip->mark, "zip: expected a list of maps (`- {key: [...], key: [...]}`), got " +
                                   describe(*zip));
      return;
    }
    for (const Node& group : zip->items) read_zip_group(group);
  }

  void read_zip_group(const Node& group) {
    if (!group.is_map() || group.entries.empty()) {
      problems_.add(group.mark, "zip: expected a map of keys and lists, got " + describe(group));
      return;
    }
    const Entry* longest = nullptr;
    for (const Entry& entry : group.entries) {
      if (!entry.value.is_list() || entry.value.items.empty()) {
        problems_.add(entry.mark, "zip: " + entry.key + ": expected a list of values, got " +
                                      describe(entry.value));
        return;
      }
      if (longest == nullptr) longest = &entry;
      if (entry.value.items.size() != longest->value.items.size()) {
        problems_.add(entry.mark, "zip: " + entry.key + " has " +
                                      std::to_string(entry.value.items.size()) + " values, " +
                                      longest->key + " has " +
                                      std::to_string(longest->value.items.size()));
        return;
      }
    }
    AxisGroup result;
    result.points.resize(longest->value.items.size());
    for (const Entry& entry : group.entries) {
      const AssignedKey* key = key_of(entry, true);
      if (key == nullptr) continue;
      for (std::size_t i = 0; i < result.points.size(); ++i) {
        result.points[i].push_back({key, &entry.value.items[i]});
      }
    }
    if (!result.points[0].empty()) axes_.groups.push_back(std::move(result));
  }

  void read_parameters(const Node& parameters, std::vector<AxisGroup>& groups) {
    if (!parameters.is_map()) {
      problems_.add(parameters.mark,
                    "parameters: expected a map of axes, got " + describe(parameters));
      return;
    }
    for (const Entry& entry : parameters.entries) {
      if (!entry.value.is_null()) read_axis(entry, groups);
    }
  }

  void read_when() {
    const Node* when = stage_.get("when");
    if (when == nullptr) return;
    if (!when->is_list()) {
      problems_.add(
          when->mark,
          "when: expected a list of {if: CONDITION, parameters: {...}}, got " + describe(*when));
      return;
    }
    for (const Node& item : when->items) read_conditional(item);
  }

  void read_conditional(const Node& item) {
    const MapReader map("when", &item, problems_);
    const Node* condition = map.node("if");
    const Node* parameters = map.node("parameters");
    if (condition == nullptr || parameters == nullptr) return;
    ConditionalAxes axes{
        Condition("when: if", *condition, installed_, given_keys(stage_, installed_), problems_),
        {}};
    read_parameters(*parameters, axes.groups);
    axes_.conditional.push_back(std::move(axes));
  }

  // {value: x}, also as W&B's {distribution: constant, value: x}.
  static bool is_constant(const Node& axis) {
    const Entry* distribution = axis.find("distribution");
    const bool named = distribution != nullptr && distribution->value.text == "constant";
    return axis.find("value") != nullptr && axis.entries.size() == (named ? 2U : 1U);
  }

  // A map, at least.
  bool check_axis(const Entry& entry) {
    const Node& axis = entry.value;
    if (axis.is_list()) {
      problems_.add(axis.mark, entry.key +
                                   ": a bare list is ambiguous: write `value:` (one value, which "
                                   "is a list) or `values:` (an axis)");
    } else if (const auto stuck = key_without_space(axis.text); !stuck.empty()) {
      problems_.add(axis.mark, entry.key + ": got " + describe(axis) +
                                   ": a space is missing after '" + stuck + "'");
    } else if (!axis.is_map()) {
      problems_.add(axis.mark, entry.key + ": write `value: " + axis.text +
                                   "` or, for an axis, `values: [...]`");
    }
    return axis.is_map();
  }

  void read_axis(const Entry& entry, std::vector<AxisGroup>& groups) {
    if (!check_axis(entry)) return;
    const Node& axis = entry.value;
    const bool constant = is_constant(axis);
    const AssignedKey* key = key_of(entry, !constant);
    if (constant) {
      if (key == nullptr) return;
      AxisGroup single;
      single.points.push_back({{key, &axis.find("value")->value}});
      groups.push_back(std::move(single));
      return;
    }
    const Node* values = axis.get("values");
    std::vector<Node> points = grid_points(entry.key, axis, problems_);
    if (key == nullptr || points.empty()) return;
    AxisGroup group;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (values == nullptr) axes_.generated.push_back(std::move(points[i]));
      const Node* value = values == nullptr ? &axes_.generated.back() : &values->items[i];
      group.points.push_back({{key, value}});
    }
    groups.push_back(std::move(group));
  }

  void read_repeats() {
    const MapReader repeats("repeats", stage_.get("repeats"), problems_);
    const Node* seeds = repeats.node("seeds");
    if (seeds == nullptr || !repeats.sound()) return;
    const AssignedKey* key = key_of({"seed", repeats.key_mark("seeds"), Node()}, true);
    if (key == nullptr) return;
    for (const Node& seed : seeds->items) axes_.repeats.points.push_back({{key, &seed}});
  }

  // Two axes over one key, or over a key and a part of its value, would hide each other. The
  // points of `trials` may: there, each map is a trial of its own.
  void check_overlaps() {
    Seen seen;
    const bool list = stage_.get("trials") != nullptr;
    if (!list) check_overlaps(axes_.groups, seen);
    if (!axes_.repeats.points.empty()) check_overlaps({axes_.repeats}, seen);
    for (const ConditionalAxes& each : axes_.conditional) {
      Seen with_these = seen;  // two conditions may speak of different trials
      check_overlaps(each.groups, with_these);
    }
  }

  void check_overlaps(const std::vector<AxisGroup>& groups, Seen& seen) {
    for (const AxisGroup& group : groups) {
      for (const Assignment& each : group.points[0]) check_overlap(*each.key, seen);
    }
  }

  void check_overlap(const AssignedKey& key, Seen& seen) {
    const AssignedKey* other = nullptr;
    for (std::size_t length = 1; length <= key.path.size() && other == nullptr; ++length) {
      const auto found =
          seen.find({key.path.begin(), key.path.begin() + static_cast<std::ptrdiff_t>(length)});
      if (found != seen.end()) other = found->second;
    }
    const auto next = seen.lower_bound(key.path);
    if (other == nullptr && next != seen.end() && is_prefix(key.path, next->first)) {
      other = next->second;
    }
    if (other != nullptr) {
      problems_.add(key.mark, "'" + key.dotted + "' already has values from '" + other->dotted +
                                  "' on line " + std::to_string(other->mark.line));
    }
    seen.emplace(key.path, &key);
  }

  const Node& stage_;
  const Description& installed_;
  const std::vector<std::string> sections_;
  const std::vector<std::vector<std::string>>& overridden_;
  const std::optional<std::int64_t> run_cap_;
  ProblemList& problems_;
  Axes axes_;
};

}  // namespace

std::vector<Assignment> assignments(Axes& axes, const std::vector<DrawnAxis>& drawn,
                                    const Point& point) {
  std::vector<Assignment> assigned;
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    if (drawn[i].assigned_key == nullptr) {
      const auto& chosen = drawn[i].zipped.points[static_cast<std::size_t>(point[i])];
      assigned.insert(assigned.end(), chosen.begin(), chosen.end());
    } else {
      axes.generated.push_back(drawn[i].random.node(point[i]));
      assigned.push_back({drawn[i].assigned_key, &axes.generated.back()});
    }
  }
  return assigned;
}

Axes read_axes(const Node& stage, const Description& installed,
               const std::vector<std::vector<std::string>>& overridden,
               std::optional<std::int64_t> run_cap, ProblemList& problems) {
  return AxesReader(stage, installed, overridden, run_cap, problems).read();
}

}  // namespace mvn
