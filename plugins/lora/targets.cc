#include "targets.h"

#include <algorithm>
#include <regex>
#include <set>

#include "mvn/nearest.h"
#include "pattern.h"

namespace mvn {
namespace {

bool any_ends_path(const std::string& path, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return ends_path(path, name); });
}

// The head that turns hidden states into logits: "all-linear" leaves it alone.
bool is_output_head(const std::string& path) { return ends_path(path, "lm_head"); }

std::string last_part(const std::string& path) {
  const auto dot = path.rfind('.');
  return dot == std::string::npos ? path : path.substr(dot + 1);
}

class Matcher {
 public:
  explicit Matcher(const LoraConfig& config) : config_(config) {
    if (!config.target_modules.pattern.empty()) {
      target_ = compile_python_regex(config.target_modules.pattern);
    }
    if (!config.exclude_modules.pattern.empty()) {
      exclude_ = compile_python_regex(config.exclude_modules.pattern);
    }
    // The lazy start finds the first number of the path.
    if (config.layers_pattern.empty()) {
      layer_patterns_.push_back(std::regex(R"(.*?\.[^.]*\.(\d+)\..*)"));
    }
    for (const auto& pattern : config.layers_pattern) {
      layer_patterns_.push_back(compile_python_regex("(?:.*?\\.)?" + pattern + "\\.(\\d+)\\..*"));
    }
  }

  [[nodiscard]] bool targets(const std::string& path, bool linear) const {
    if (excludes(path)) return false;
    const auto& choice = config_.target_modules;
    if (!choice.pattern.empty()) return std::regex_match(path, target_);
    if (choice.all_linear) return linear && !is_output_head(path) && in_layers(path);
    if (std::find(choice.names.begin(), choice.names.end(), path) != choice.names.end())
      return true;
    return any_ends_path(path, choice.names) && in_layers(path);
  }

 private:
  [[nodiscard]] bool excludes(const std::string& path) const {
    const auto& choice = config_.exclude_modules;
    if (!choice.pattern.empty()) return std::regex_match(path, exclude_);
    return any_ends_path(path, choice.names);
  }

  [[nodiscard]] bool in_layers(const std::string& path) const {
    const auto& layers = config_.layers_to_transform;
    if (layers.empty()) return true;
    for (const auto& pattern : layer_patterns_) {
      std::smatch found;
      if (std::regex_match(path, found, pattern)) {
        return std::find(layers.begin(), layers.end(), std::stoll(found[1])) != layers.end();
      }
    }
    return false;
  }

  const LoraConfig& config_;
  std::regex target_;
  std::regex exclude_;
  std::vector<std::regex> layer_patterns_;
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

void check_found(Model& model, const LoraConfig& config, const Targets& targets,
                 const ConfigFault& fault) {
  if (!targets.linears.empty() || !targets.embeddings.empty()) return;
  const auto& choice = config.target_modules;
  const auto known = adaptable_names(model);
  std::string wanted = "all-linear";
  if (!choice.pattern.empty()) wanted = "the expression '" + choice.pattern + "'";
  if (!choice.names.empty()) wanted = list_of(choice.names);
  std::string nearest;
  for (const auto& name : choice.names) {
    if (nearest.empty()) nearest = nearest_name(name, known);
  }
  fault("target_modules", wanted + " matches no layer of the model" +
                              (nearest.empty() ? "" : "; did you mean '" + nearest + "'?") +
                              " (its layers: " + list_of(known) + ")");
}

void warn_unmatched(Model& model, const LoraConfig& config, const Targets& targets,
                    const std::function<void(const std::string&)>& warn) {
  if (!warn) return;
  for (const auto& name : config.target_modules.names) {
    const auto matches = [&](const auto& target) { return ends_path(target.path, name); };
    if (std::any_of(targets.linears.begin(), targets.linears.end(), matches) ||
        std::any_of(targets.embeddings.begin(), targets.embeddings.end(), matches)) {
      continue;
    }
    warn("target_modules: '" + name + "' matches no layer of the model" +
         suggest(name, adaptable_names(model)));
  }
}

// Layers that Python treats otherwise in Mamba models, because fused kernels see raw weights there:
// peft refuses out_proj, and transformers multiplies by dt_proj's weight past its adapter.
void warn_python_differs(Model& model, const Targets& targets,
                         const std::function<void(const std::string&)>& warn) {
  const auto config = model.config(HeadKind::kNone);
  const auto type = config.find("model_type");
  const std::set<std::string> types = {"mamba", "mamba2", "falcon_mamba", "falcon_h1",
                                       "nemotron_h"};
  if (!warn || type == config.end() || !type->second.is_text() ||
      !types.contains(type->second.as_text())) {
    return;
  }
  const auto say = [&](const std::string& name, const std::string& what) {
    const auto is_it = [&](const auto& target) { return ends_path(target.path, name); };
    if (std::none_of(targets.linears.begin(), targets.linears.end(), is_it)) return;
    warn("target_modules: " + name + " of a " + type->second.as_text() +
         " model is adapted and works here, but " + what + "; exclude_modules: [" + name +
         "] avoids that");
  };
  say("out_proj", "Python's peft refuses to open such an adapter");
  say("dt_proj", "Python's transformers passes its adapter by and computes something else");
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

Targets find_targets(Model& model, const LoraConfig& config, const ConfigFault& fault,
                     const std::function<void(const std::string&)>& warn) {
  const Matcher matcher(config);
  Targets targets;
  find_whole(model, config, targets, fault);
  for (const auto& item : model.named_modules("", /*include_self=*/false)) {
    const auto& path = item.key();
    if (path.empty() || inside_any(path, targets)) continue;
    const auto linear = std::dynamic_pointer_cast<Linear>(item.value());
    if (!matcher.targets(path, linear != nullptr)) continue;
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
  check_found(model, config, targets, fault);
  if (config.use_dora && !targets.embeddings.empty()) {
    fault("use_dora", "works on linear layers only, and target_modules matches the embedding '" +
                          targets.embeddings.front().path + "'");
  }
  if (config.start == LoraStart::kPissa && !targets.embeddings.empty()) {
    fault("init_lora_weights",
          "pissa works on linear layers only, and target_modules matches the "
          "embedding '" +
              targets.embeddings.front().path + "'");
  }
  warn_unmatched(model, config, targets, warn);
  warn_python_differs(model, targets, warn);
  return targets;
}

LoraLayerSettings layer_settings(const LoraConfig& config, const std::string& path) {
  const auto matches = [&](const auto& entry) {
    return std::regex_match(path, compile_python_regex("(.*\\.)?(" + entry.first + ")"));
  };
  LoraLayerSettings settings{.r = config.r,
                             .scaling = 0,
                             .dropout = config.dropout,
                             .use_dora = config.use_dora,
                             .start = config.start,
                             .pissa_iterations = config.pissa_iterations};
  double alpha = config.alpha;
  if (const auto entry =
          std::find_if(config.rank_pattern.begin(), config.rank_pattern.end(), matches);
      entry != config.rank_pattern.end()) {
    settings.r = entry->second;
  }
  if (const auto entry =
          std::find_if(config.alpha_pattern.begin(), config.alpha_pattern.end(), matches);
      entry != config.alpha_pattern.end()) {
    alpha = entry->second;
  }
  settings.scaling = config.scaling(alpha, settings.r);
  return settings;
}

std::vector<std::string> target_names(Model& model, const Targets& targets) {
  std::set<std::string> short_names;
  std::vector<std::string> paths;
  for (const auto& target : targets.linears) {
    short_names.insert(last_part(target.path));
    paths.push_back(target.path);
  }
  for (const auto& target : targets.embeddings) {
    short_names.insert(last_part(target.path));
    paths.push_back(target.path);
  }
  for (const auto& item : model.named_modules("", /*include_self=*/false)) {
    if (short_names.contains(last_part(item.key())) && !targets.contains(item.key())) return paths;
  }
  return {short_names.begin(), short_names.end()};
}

}  // namespace mvn
