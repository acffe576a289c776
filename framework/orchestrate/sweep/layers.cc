#include "orchestrate/sweep/layers.h"

namespace mvn {
namespace {

void flatten_axes(const std::string& prefix, const Node& from, Node& into, ProblemList& problems) {
  for (const Entry& entry : from.entries) {
    const std::string key = prefix.empty() ? entry.key : prefix + "." + entry.key;
    const Entry* nested = entry.value.find("parameters");
    if (nested != nullptr && nested->value.is_map()) {
      for (const Entry& other : entry.value.entries) {
        if (&other != nested) {
          problems.add(other.mark, key + ": '" + other.key + "' beside nested `parameters`");
        }
      }
      flatten_axes(key, nested->value, into, problems);
    } else if (const Entry* twice = into.find(key)) {
      problems.add(entry.mark, "parameters: '" + key + "' is given twice (first on line " +
                                   std::to_string(twice->mark.line) + ")");
    } else {
      into.entries.push_back({key, entry.mark, entry.value});
    }
  }
}

void flatten_own_parameters(Node& sweep, ProblemList& problems) {
  Entry* parameters = sweep.find("parameters");
  if (parameters == nullptr || !parameters->value.is_map()) return;
  Node flat;
  flat.kind = Node::Kind::kMap;
  flat.mark = parameters->value.mark;
  flatten_axes("", parameters->value, flat, problems);
  parameters->value = std::move(flat);
}

void merge_axes(Node& base, const Node& over) {
  for (const Entry& entry : over.entries) {
    if (Entry* mine = base.find(entry.key)) {
      *mine = entry;
    } else {
      base.entries.push_back(entry);
    }
  }
}

}  // namespace

Layering::Layering(const Description& installed) {
  for (const auto& [section, specs] : installed.sections) add(section, specs);
  for (const ComponentDescription& each : installed.components) add(each.kind, each.params);
}

void Layering::add(const std::string& section, const std::vector<ParamSpec>& specs) {
  for (const ParamSpec& spec : specs) {
    for (const auto* others : {&spec.excludes, &spec.replaces}) {
      for (const std::string& other : *others) pairs_[section].emplace_back(spec.name, other);
    }
  }
}

void Layering::merge_section(std::string_view section, Node& base, const Node& over) const {
  const auto pairs = pairs_.find(section);
  if (pairs != pairs_.end()) {
    for (const auto& [first, second] : pairs->second) {
      if (over.get(first) != nullptr && over.find(second) == nullptr) base.erase(second);
      if (over.get(second) != nullptr && over.find(first) == nullptr) base.erase(first);
    }
  }
  merge(base, over);
}

void Layering::merge_stages(Node& base, const Node& over) const {
  for (const Entry& entry : over.entries) {
    Entry* mine = base.find(entry.key);
    if (mine == nullptr) {
      base.entries.push_back(entry);
    } else if (mine->value.is_map() && entry.value.is_map()) {
      merge_sweep(mine->value, entry.value);
    } else {
      *mine = entry;
    }
  }
}

void Layering::merge_sweep(Node& base, const Node& over) const {
  for (const Entry& entry : over.entries) {
    Entry* mine = base.find(entry.key);
    if (mine == nullptr) {
      base.entries.push_back(entry);
      continue;
    }
    mine->mark = entry.mark;
    if (!mine->value.is_map() || !entry.value.is_map()) {
      mine->value = entry.value;
    } else if (entry.key == "parameters") {
      merge_axes(mine->value, entry.value);
    } else if (entry.key == "stages") {
      merge_stages(mine->value, entry.value);
    } else {
      merge_section(entry.key, mine->value, entry.value);
    }
  }
}

void flatten_parameters(Node& sweep, ProblemList& problems) {
  flatten_own_parameters(sweep, problems);
  Entry* stages = sweep.find("stages");
  if (stages == nullptr) return;
  for (Entry& stage : stages->value.entries) flatten_own_parameters(stage.value, problems);
}

void check_exclusive(const std::string& section, const std::vector<ParamSpec>& specs,
                     const Node& values, ProblemList& problems) {
  for (const ParamSpec& spec : specs) {
    for (const std::string& other : spec.excludes) {
      if (values.get(spec.name) == nullptr || values.get(other) == nullptr) continue;
      problems.add(values.find(spec.name)->mark, section + "." + spec.name +
                                                     ": give either this or " + section + "." +
                                                     other + ", not both");
    }
  }
}

}  // namespace mvn
