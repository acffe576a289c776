#include "orchestrate/sweep/section_resolver.h"

#include <algorithm>

#include "mvn/nearest.h"
#include "orchestrate/sweep/layers.h"
#include "orchestrate/sweep/placeholders.h"

namespace mvn {
namespace {

void append_pointer(std::string& key, const void* pointer) {
  key.append(reinterpret_cast<const char*>(&pointer), sizeof pointer);
}

// The assignments as a tree of their own, to be laid upon the base as one layer. Axes may assign
// the section as a whole, which then takes the place of everything below.
void lay(const Layering& layering, const std::string& section, Node& tree,
         const std::vector<Assignment>& assignments) {
  Node layer;
  layer.kind = Node::Kind::kMap;
  layer.mark = tree.mark;
  std::vector<std::pair<std::vector<std::string>, const Assignment*>> deep;
  for (const Assignment& each : assignments) {
    if (each.key->path.size() == 1) {
      tree = *each.value;
      continue;
    }
    const std::vector<std::string> path(each.key->path.begin() + 1, each.key->path.end());
    // A whole value takes the place of the one below: objects are not merged.
    if (path.size() == 1) {
      tree.erase(path[0]);
      layer.entries.push_back({path[0], each.key->mark, *each.value});
    } else {
      deep.emplace_back(path, &each);
    }
  }
  if (tree.is_null()) {
    tree.kind = Node::Kind::kMap;
  }
  layering.merge_section(section, tree, layer);
  for (const auto& [path, each] : deep) set_at(tree, path, each->key->mark, *each->value);
}

const ParamSpec* find_spec(const std::vector<ParamSpec>& specs, const Entry& entry) {
  const auto found = std::find_if(specs.begin(), specs.end(),
                                  [&](const ParamSpec& each) { return each.name == entry.key; });
  return found == specs.end() ? nullptr : &*found;
}

}  // namespace

const ResolvedSection& SectionResolver::resolve(const std::string& section, const Entry* recipe,
                                                const Entry* base,
                                                const std::vector<Assignment>& axes,
                                                const std::vector<Assignment>& overrides,
                                                const Mark& fallback, bool loose) {
  std::string key = section + (loose ? "~" : "");
  append_pointer(key, recipe);
  append_pointer(key, base);
  for (const auto* list : {&axes, &overrides}) {
    for (const Assignment& each : *list) {
      append_pointer(key, each.key);
      append_pointer(key, each.value);
    }
    append_pointer(key, nullptr);
  }
  const auto known = resolved_.find(key);
  if (known != resolved_.end()) return known->second;
  // What is no section is a problem already, and checking it as an empty one would add others.
  if (base != nullptr && !base->value.is_map() && !base->value.is_null()) {
    return resolved_.emplace(key, ResolvedSection()).first->second;
  }
  if (loose && base != nullptr) refuse_axes(section, base->value);
  Node tree;
  tree.kind = Node::Kind::kMap;
  tree.mark = base != nullptr ? base->mark : fallback;
  if (recipe != nullptr && recipe->value.is_map()) {
    layering_.merge_section(section, tree, recipe->value);
  }
  if (base != nullptr && base->value.is_map()) layering_.merge_section(section, tree, base->value);
  lay(layering_, section, tree, axes);
  lay(layering_, section, tree, overrides);
  return resolved_
      .emplace(key, loose ? resolve_loosely(section, tree) : resolve_tree(section, tree))
      .first->second;
}

// A program of the user's may take any map, but {values: [...]} is surely meant as an axis.
void SectionResolver::refuse_axes(const std::string& key, const Node& map) {
  for (const Entry& entry : map.entries) {
    const std::string inner = key + "." + entry.key;
    const bool range = entry.value.get("values") == nullptr &&
                       entry.value.get("distribution") == nullptr;  // {min, max} may be a value
    if (looks_like_axis(entry.value) && !range) {
      context_.problems->add(entry.value.mark,
                             inner + ": " + axis_elsewhere(inner) +
                                 "; for a map of this shape, write parameters: {" + inner +
                                 ": {value: {values: [...]}}}");
    } else {
      refuse_axes(inner, entry.value);
    }
  }
}

ResolvedSection SectionResolver::resolve_loosely(const std::string& section, const Node& tree) {
  ResolvedSection result;
  if (!tree.is_map()) return resolve_tree(section, tree);  // says what is wrong
  const Node* plugin = tree.get("plugin");
  const bool known = installed_.sections.contains(section) ||
                     (plugin != nullptr && installed_.find(section, plugin->text) != nullptr);
  const Schema schema = known ? schema_of(section, tree, result) : Schema();
  for (const Entry& entry : tree.entries) {
    if (entry.value.is_null()) continue;
    const ParamSpec* spec = schema.params == nullptr ? nullptr : find_spec(*schema.params, entry);
    if (spec != nullptr) {
      take_param(section, schema, *spec, entry, result);
    } else {
      if (section == "args") check_args("args." + entry.key, entry.value, *context_.problems);
      result.values[entry.key] = to_core_json(entry.value);
      result.places[entry.key] = entry.value.mark;
    }
  }
  return result;
}

ResolvedSection SectionResolver::resolve_tree(const std::string& section, const Node& tree) {
  ResolvedSection result;
  if (!tree.is_map()) {
    context_.problems->add(tree.mark,
                           section + ": expected a map of parameters, got " + describe(tree));
    return result;
  }
  const Schema schema = schema_of(section, tree, result);
  if (schema.params != nullptr) {
    check_exclusive(section, *schema.params, tree, *context_.problems);
    for (const Entry& entry : tree.entries) resolve_param(section, schema, entry, result);
    require_params(section, schema, tree);
  }
  return result;
}

SectionResolver::Schema SectionResolver::schema_of(const std::string& section, const Node& tree,
                                                   ResolvedSection& result) {
  const auto own = installed_.sections.find(section);
  if (own == installed_.sections.end()) return component_of(section, tree, result);
  const std::string owner = section == "worker" ? "section '" : "the trainer's section '";
  return {&own->second, "declared by the trainer", owner + section + "'"};
}

SectionResolver::Schema SectionResolver::component_of(const std::string& kind, const Node& tree,
                                                      ResolvedSection& result) {
  const auto known = installed_.names(kind);
  const Node* plugin = tree.get("plugin");
  if (plugin == nullptr && kind != "adapter") {
    context_.problems->add(
        tree.mark, kind + ".plugin: is required: which " + kind + " to use" + suggest("", known));
    return {};
  }
  if (plugin != nullptr && !plugin->is_scalar()) {
    context_.problems->add(plugin->mark,
                           kind + ".plugin: expected a name, got " + describe(*plugin));
    return {};
  }
  const std::string name = plugin == nullptr ? "none" : plugin->text;
  result.values["plugin"] = name;
  const ComponentDescription* component = installed_.find(kind, name);
  if (component == nullptr) {
    std::string message = kind + ".plugin: unknown " + kind + " '" + name + "'";
    for (const RefusedPlugin& refused : installed_.refused) {
      if (refused.file.stem() == name) message += "; refused: " + refused.reason;
    }
    context_.problems->add(plugin == nullptr ? tree.mark : plugin->mark,
                           message + suggest(name, known));
    return {};
  }
  if (plugin != nullptr) result.places["plugin"] = plugin->mark;
  const std::string owner = kind + " '" + name + "' (plugin " + component->file.string() + ")";
  return {&component->params, "declared by " + owner, owner};
}

void SectionResolver::resolve_param(const std::string& section, const Schema& schema,
                                    const Entry& entry, ResolvedSection& result) {
  if (entry.key == "plugin" && !installed_.sections.contains(section)) return;
  const std::string key = section + "." + entry.key;
  const ParamSpec* spec = find_spec(*schema.params, entry);
  if (entry.value.is_null()) return;
  if (spec == nullptr) {
    std::vector<std::string> known;
    for (const ParamSpec& each : *schema.params) known.push_back(each.name);
    context_.problems->add(
        entry.mark, key + ": unknown parameter of " + schema.owner + suggest(entry.key, known));
    return;
  }
  take_param(section, schema, *spec, entry, result);
}

void SectionResolver::take_param(const std::string& section, const Schema& schema,
                                 const ParamSpec& spec, const Entry& entry,
                                 ResolvedSection& result) {
  const auto value =
      coerce(section + "." + entry.key, spec, entry.value, schema.declared, context_);
  if (!value) return;
  if (section == "worker") check_command_words("worker.command", entry.value, *context_.problems);
  result.values[entry.key] = *value;
  result.places[entry.key] = entry.value.mark;
  if (spec.type == ParamType::kWeights && value->is_object() && value->contains("stage")) {
    StageReference reference{entry.key, value->at("stage"), std::nullopt, entry.value.mark};
    if (value->contains("match")) {
      reference.match.emplace();
      for (const Node& item : entry.value.get("match")->items) {
        reference.match->push_back(item.text);
      }
    }
    result.references.push_back(std::move(reference));
  }
}

void SectionResolver::require_params(const std::string& section, const Schema& schema,
                                     const Node& tree) {
  for (const ParamSpec& spec : *schema.params) {
    if (!spec.required || tree.get(spec.name) != nullptr) continue;
    context_.problems->add(tree.mark, section + "." + spec.name + ": is required by " +
                                          schema.owner + ": " + spec.help);
  }
}

}  // namespace mvn
