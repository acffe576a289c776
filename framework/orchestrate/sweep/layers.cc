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

void merge_stages(Node& base, const Node& over) {
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

}  // namespace

const std::vector<Exclusive>& exclusive_parameters() {
  static const std::vector<Exclusive> pairs = {{"training", "epochs", "steps"},
                                               {"schedule", "warmup_steps", "warmup_ratio"},
                                               {"schedule", "warmup_steps", "warmup_tokens"},
                                               {"schedule", "warmup_ratio", "warmup_tokens"},
                                               {"schedule", "min_lr", "min_lr_ratio"}};
  return pairs;
}

void merge_section(std::string_view section, Node& base, const Node& over) {
  for (const Exclusive& pair : exclusive_parameters()) {
    if (pair.section != section) continue;
    if (over.get(pair.first) != nullptr && over.find(pair.second) == nullptr) {
      base.erase(pair.second);
    }
    if (over.get(pair.second) != nullptr && over.find(pair.first) == nullptr) {
      base.erase(pair.first);
    }
  }
  merge(base, over);
}

void merge_sweep(Node& base, const Node& over) {
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

void check_exclusive(std::string_view section, const Node& values, ProblemList& problems) {
  for (const Exclusive& pair : exclusive_parameters()) {
    if (pair.section != section) continue;
    if (values.get(pair.first) == nullptr || values.get(pair.second) == nullptr) continue;
    const Mark& where = values.find(pair.second)->mark;
    const std::string prefix = std::string(section) + ".";
    problems.add(where, prefix + std::string(pair.second) + ": give either this or " + prefix +
                            std::string(pair.first) + ", not both");
  }
}

}  // namespace mvn
