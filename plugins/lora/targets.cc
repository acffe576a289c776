#include "targets.h"

#include <algorithm>
#include <optional>
#include <set>

#include "mvn/nearest.h"

namespace mvn {
namespace {

bool any_ends_path(const std::string& path, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return ends_path(path, name); });
}

std::string last_part(const std::string& path) {
  const auto dot = path.rfind('.');
  return dot == std::string::npos ? path : path.substr(dot + 1);
}

// What a configuration says of one path, as seen_path() gives it.
class Matcher {
 public:
  Matcher(const LoraConfig& config, std::string output_layer)
      : config_(config), output_layer_(std::move(output_layer)) {
    if (!config.target_modules.pattern.empty()) target_.emplace(config.target_modules.pattern);
    if (!config.exclude_modules.pattern.empty()) exclude_.emplace(config.exclude_modules.pattern);
    // The lazy start finds the first number of the path. Peft wants something before the list of
    // layers, which a bare model has not.
    if (config.layers_pattern.empty()) {
      layers_.emplace_back(config.bare_paths ? R"((?:|.*?\.)[^.]*\.(\d+)\..*)"
                                             : R"(.*?\.[^.]*\.(\d+)\..*)");
    }
    for (const auto& pattern : config.layers_pattern) {
      layers_.emplace_back("(?:|.*?\\.)(?:" + pattern + ")\\.(\\d+)\\..*");
    }
  }

  [[nodiscard]] bool targets(const std::string& path, bool linear) const {
    return chooses(path, linear) && !excludes(path) && takes_layer_of(path);
  }

  // By target_modules alone.
  [[nodiscard]] bool chooses(const std::string& path, bool linear) const {
    if (target_) return target_->matches(path);
    if (config_.target_modules.all_linear) return linear && !ends_path(path, output_layer_);
    return any_ends_path(path, config_.target_modules.names);
  }

  [[nodiscard]] bool excludes(const std::string& path) const {
    if (exclude_) return exclude_->matches(path);
    return any_ends_path(path, config_.exclude_modules.names);
  }

  // A path that is named whole, or by an expression, is taken whatever its layer.
  [[nodiscard]] bool takes_layer_of(const std::string& path) const {
    const auto& layers = config_.layers_to_transform;
    const auto& names = config_.target_modules.names;
    if (layers.empty() || target_ || std::find(names.begin(), names.end(), path) != names.end()) {
      return true;
    }
    const auto number = layer_of(path);
    return number && std::find(layers.begin(), layers.end(), *number) != layers.end();
  }

  [[nodiscard]] std::optional<std::int64_t> layer_of(const std::string& path) const {
    for (const auto& pattern : layers_) {
      if (const auto number = pattern.last_group_of_match(path)) return std::stoll(*number);
    }
    return std::nullopt;
  }

 private:
  const LoraConfig& config_;
  std::string output_layer_;  // which "all-linear" leaves alone
  std::optional<Pattern> target_;
  std::optional<Pattern> exclude_;
  std::vector<Pattern> layers_;
};

// PEFT matches modules_to_save by the plain end of the name, without regard to dots.
bool trained_whole(const std::string& path, const LoraConfig& config) {
  return std::any_of(config.modules_to_save.begin(), config.modules_to_save.end(),
                     [&](const std::string& name) { return path.ends_with(name); });
}

bool inside_any(const std::string& path, const Targets& targets) {
  return std::any_of(targets.whole.begin(), targets.whole.end(), [&](const auto& whole) {
    return path == whole.first || path.starts_with(whole.first + ".");
  });
}

std::vector<std::string> adaptable_names(Model& model) {
  std::set<std::string> names;
  for (const auto& item : model.named_modules("", /*include_self=*/false)) {
    if (item.value()->as<Linear>() != nullptr || item.value()->as<Embedding>() != nullptr) {
      names.insert(last_part(item.key()));
    }
  }
  return {names.begin(), names.end()};
}

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// Every module's path, as the configuration sees it.
struct Seen {
  std::string path;
  std::string seen;
  bool linear;
  bool adaptable;
};

std::vector<Seen> modules_seen(Model& model, const LoraConfig& config) {
  std::vector<Seen> modules;
  for (const auto& item : model.named_modules("", /*include_self=*/false)) {
    if (item.key().empty()) continue;
    auto seen = seen_path(model, config, item.key());
    if (seen.empty()) continue;
    const bool linear = item.value()->as<Linear>() != nullptr;
    const bool adaptable = linear || item.value()->as<Embedding>() != nullptr;
    modules.push_back({item.key(), std::move(seen), linear, adaptable});
  }
  return modules;
}

// The last parts of the names that `wanted` takes.
template <typename Wanted>
std::vector<std::string> names_of(const std::vector<Seen>& modules, const Wanted& wanted) {
  std::set<std::string> names;
  for (const auto& module : modules) {
    if (wanted(module)) names.insert(last_part(module.seen));
  }
  return {names.begin(), names.end()};
}

// Which keys leave out the modules that `chosen` would take: "exclude_modules", or nothing.
template <typename Chosen>
std::string left_out_by(const std::vector<Seen>& modules, const Matcher& matcher,
                        const Targets& targets, const Chosen& chosen) {
  std::set<std::string> keys;
  for (const auto& module : modules) {
    if (!chosen(module)) continue;
    if (inside_any(module.path, targets)) {
      keys.insert("modules_to_save");
    } else if (matcher.excludes(module.seen)) {
      keys.insert("exclude_modules");
    } else if (!matcher.takes_layer_of(module.seen)) {
      keys.insert("layers_to_transform");
    }
  }
  std::string text;
  for (const auto& key : keys) text += (text.empty() ? "" : " or ") + key;
  return text;
}

std::string only_left_out(const std::string& keys) {
  return " matches only what " + keys + " leaves out";
}

void check_found(const LoraConfig& config, const Matcher& matcher, const std::vector<Seen>& modules,
                 const Targets& targets, const ConfigFault& fault) {
  if (!targets.linears.empty() || !targets.embeddings.empty()) return;
  const auto& choice = config.target_modules;
  std::string wanted = "all-linear";
  if (!choice.pattern.empty()) wanted = "the expression '" + choice.pattern + "'";
  if (!choice.names.empty()) wanted = list_of(choice.names);
  const auto keys = left_out_by(modules, matcher, targets, [&](const Seen& module) {
    return matcher.chooses(module.seen, module.linear);
  });
  if (!keys.empty()) fault("target_modules", wanted + only_left_out(keys));
  const auto known = names_of(modules, [](const Seen& module) { return module.adaptable; });
  std::string nearest;
  for (const auto& name : choice.names) {
    if (nearest.empty()) nearest = nearest_name(name, known);
  }
  fault("target_modules", wanted + " matches no layer of the model" +
                              (nearest.empty() ? "" : "; did you mean '" + nearest + "'?") +
                              " (its layers: " + list_of(known) + ")");
}

// Entries that match nothing, and the layers whose paths the configuration sees.
class UnmatchedEntries {
 public:
  UnmatchedEntries(const LoraConfig& config, const Matcher& matcher,
                   const std::vector<Seen>& modules, const Targets& targets, const Warn& warn)
      : config_(config),
        matcher_(matcher),
        modules_(modules),
        targets_(targets),
        warn_(warn),
        known_(names_of(modules, [](const Seen& module) { return module.adaptable; })),
        known_adapted_(
            names_of(modules, [&](const Seen& module) { return targets.contains(module.path); })) {
    for (const auto& module : modules) {
      if (targets.contains(module.path)) adapted_.push_back(module.seen);
    }
  }

  void say() const {
    say_targets();
    say_excluded();
    say_layers();
    say_patterns("rank_pattern", config_.rank_pattern);
    say_patterns("alpha_pattern", config_.alpha_pattern);
  }

 private:
  void say_targets() const {
    for (const auto& name : config_.target_modules.names) {
      const auto ends = [&](const std::string& path) { return ends_path(path, name); };
      if (std::any_of(adapted_.begin(), adapted_.end(), ends)) continue;
      const auto keys = left_out_by(modules_, matcher_, targets_,
                                    [&](const Seen& module) { return ends(module.seen); });
      warn_("target_modules: '" + name + "'" +
            (keys.empty() ? " matches no layer of the model" + suggest(name, known_)
                          : only_left_out(keys)));
    }
  }

  void say_excluded() const {
    const auto& choice = config_.exclude_modules;
    const auto excluded = [&](const Seen& module) { return matcher_.excludes(module.seen); };
    if (!choice.pattern.empty() && std::none_of(modules_.begin(), modules_.end(), excluded)) {
      warn_("exclude_modules: the expression '" + choice.pattern +
            "' matches no module of the model");
    }
    for (const auto& name : choice.names) {
      if (std::none_of(modules_.begin(), modules_.end(),
                       [&](const Seen& module) { return ends_path(module.seen, name); })) {
        warn_("exclude_modules: '" + name + "' matches no module of the model" +
              suggest(name, known_));
      }
    }
  }

  void say_layers() const {
    std::set<std::int64_t> layers;
    for (const auto& module : modules_) {
      if (const auto layer = matcher_.layer_of(module.seen)) layers.insert(*layer);
    }
    for (const auto layer : config_.layers_to_transform) {
      if (layers.contains(layer) || layers.empty()) continue;
      warn_("layers_to_transform: the model has no layer " + std::to_string(layer) +
            " (its layers: " + std::to_string(*layers.begin()) + " to " +
            std::to_string(*layers.rbegin()) + ")");
    }
  }

  template <typename Entry>
  void say_patterns(const std::string& key, const std::vector<Entry>& entries) const {
    for (const auto& [text, value] : entries) {
      const Pattern pattern(path_end_expression(text));
      if (std::any_of(adapted_.begin(), adapted_.end(),
                      [&](const std::string& path) { return pattern.matches(path); })) {
        continue;
      }
      warn_(key + ": '" + text + "' matches no layer that is adapted" +
            suggest(text, known_adapted_));
    }
  }

  const LoraConfig& config_;
  const Matcher& matcher_;
  const std::vector<Seen>& modules_;
  const Targets& targets_;
  const Warn& warn_;
  std::vector<std::string> known_;
  std::vector<std::string> known_adapted_;
  std::vector<std::string> adapted_;
};

// Of patterns without an order none may overrule another.
template <typename Entry>
void check_order(const std::string& key, const std::vector<Entry>& entries,
                 const std::vector<Seen>& modules, const Targets& targets,
                 const ConfigFault& fault) {
  std::vector<Pattern> patterns;
  for (const auto& entry : entries) patterns.emplace_back(path_end_expression(entry.first));
  for (const auto& module : modules) {
    if (!targets.contains(module.path)) continue;
    const Entry* first = nullptr;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (!patterns[i].matches(module.seen)) continue;
      if (first == nullptr) first = &entries[i];
      if (first->second == entries[i].second) continue;
      fault(key, "'" + first->first + "' and '" + entries[i].first + "' both match '" +
                     module.seen +
                     "' and say different things; a map of a sweep has no order, so "
                     "write them so that one of them matches");
    }
  }
}

void warn_others_differ(Model& model, const Targets& targets, const Warn& warn) {
  if (!warn) return;
  for (const auto& [layer, what] : model.caveats()) {
    const auto is_it = [&](const auto& target) { return ends_path(target.path, layer); };
    if (std::none_of(targets.linears.begin(), targets.linears.end(), is_it)) continue;
    const auto config = model.config(HeadKind::kNone);
    warn("target_modules: " + layer + " of a " + config.at("model_type").as_text() +
         " model is adapted and works here, but " + what + "; exclude_modules: [" + layer +
         "] avoids that");
  }
}

bool is_head_name(const std::string& name) { return name == "classifier" || name == "score"; }

void find_whole(Model& model, const LoraConfig& config, Targets& targets,
                const ConfigFault& fault) {
  std::vector<std::string> paths;
  for (const auto& item : model.named_modules("", /*include_self=*/false)) {
    if (item.key().empty()) continue;
    paths.push_back(last_part(item.key()));
    if (trained_whole(item.key(), config)) targets.whole.emplace_back(item.key(), item.value());
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  for (const auto& name : config.modules_to_save) {
    const bool found = std::any_of(targets.whole.begin(), targets.whole.end(),
                                   [&](const auto& whole) { return whole.first.ends_with(name); });
    if (!found && !is_head_name(name)) {
      fault("modules_to_save",
            "'" + name + "' matches no module of the model" + suggest(name, paths));
    }
  }
}

}  // namespace

bool ends_path(const std::string& path, const std::string& name) {
  return path == name || (path.size() > name.size() && path.ends_with(name) &&
                          path[path.size() - name.size() - 1] == '.');
}

bool Targets::contains(const std::string& path) const {
  const auto is_it = [&](const auto& target) { return target.path == path; };
  return std::any_of(linears.begin(), linears.end(), is_it) ||
         std::any_of(embeddings.begin(), embeddings.end(), is_it);
}

std::string seen_path(const Model& model, const LoraConfig& config, const std::string& path) {
  if (!config.bare_paths) return path;
  const auto prefix = model.base_prefix();
  return path.starts_with(prefix) ? path.substr(prefix.size()) : "";
}

namespace {

void take_targets(Model& model, const LoraConfig& config, const Matcher& matcher,
                  const ConfigFault& fault, Targets& targets) {
  for (const auto& item : model.named_modules("", /*include_self=*/false)) {
    const auto& path = item.key();
    if (path.empty() || inside_any(path, targets)) continue;
    const auto seen = seen_path(model, config, path);
    const auto linear = std::dynamic_pointer_cast<Linear>(item.value());
    if (seen.empty() || !matcher.targets(seen, linear != nullptr)) continue;
    if (linear) {
      targets.linears.push_back({path, linear});
    } else if (auto embedding = std::dynamic_pointer_cast<Embedding>(item.value())) {
      targets.embeddings.push_back({path, std::move(embedding)});
    } else {
      fault("target_modules", "'" + path +
                                  "' cannot be adapted: it is neither a linear layer nor an "
                                  "embedding (the model's are: " +
                                  list_of(adaptable_names(model)) + ")");
    }
  }
}

void check_embeddings(const LoraConfig& config, const Targets& targets, const ConfigFault& fault) {
  if (targets.embeddings.empty()) return;
  const std::string where =
      " works on linear layers only, and target_modules matches the "
      "embedding '" +
      targets.embeddings.front().path + "'";
  if (config.use_dora) fault("use_dora", where.substr(1));
  if (config.start == LoraStart::kPissa) fault("init_lora_weights", "pissa" + where);
}

}  // namespace

Targets find_targets(Model& model, const LoraConfig& config, const ConfigFault& fault,
                     const Warn& warn) {
  const Matcher matcher(config, model.output_layer());
  const auto modules = modules_seen(model, config);
  Targets targets;
  find_whole(model, config, targets, fault);
  take_targets(model, config, matcher, fault, targets);
  check_found(config, matcher, modules, targets, fault);
  check_embeddings(config, targets, fault);
  if (!config.patterns_have_order) {
    check_order("rank_pattern", config.rank_pattern, modules, targets, fault);
    check_order("alpha_pattern", config.alpha_pattern, modules, targets, fault);
  }
  if (warn) UnmatchedEntries(config, matcher, modules, targets, warn).say();
  warn_others_differ(model, targets, warn);
  return targets;
}

LayerSettings::LayerSettings(const LoraConfig& config) : config_(config) {
  for (const auto& entry : config.rank_pattern) {
    ranks_.emplace_back(path_end_expression(entry.first));
  }
  for (const auto& entry : config.alpha_pattern) {
    alphas_.emplace_back(path_end_expression(entry.first));
  }
}

std::int64_t LayerSettings::rank(const std::string& seen) const {
  for (std::size_t i = 0; i < ranks_.size(); ++i) {
    if (ranks_[i].matches(seen)) return config_.rank_pattern[i].second;
  }
  return config_.r;
}

double LayerSettings::alpha(const std::string& seen) const {
  for (std::size_t i = 0; i < alphas_.size(); ++i) {
    if (alphas_[i].matches(seen)) return config_.alpha_pattern[i].second;
  }
  return config_.alpha;
}

LoraLayerSettings LayerSettings::of(const std::string& seen) const {
  const auto r = rank(seen);
  return {.r = r,
          .scaling = config_.scaling(alpha(seen), r),
          .dropout = config_.dropout,
          .use_dora = config_.use_dora,
          .start = config_.start,
          .pissa_iterations = config_.pissa_iterations};
}

std::vector<std::string> target_names(Model& model, const Targets& targets,
                                      const std::string& prefix) {
  std::set<std::string> short_names;
  std::vector<std::string> paths;
  const auto add = [&](const std::string& path) {
    short_names.insert(last_part(path));
    const bool strips = !prefix.empty() && path.starts_with(prefix);
    paths.push_back(strips ? path.substr(prefix.size()) : path);
  };
  for (const auto& target : targets.linears) add(target.path);
  for (const auto& target : targets.embeddings) add(target.path);
  for (const auto& item : model.named_modules("", /*include_self=*/false)) {
    if (short_names.contains(last_part(item.key())) && !targets.contains(item.key())) return paths;
  }
  return {short_names.begin(), short_names.end()};
}

}  // namespace mvn
