#include "orchestrate/sweep/coerce.h"

#include <algorithm>
#include <cmath>

#include "mvn/error.h"
#include "mvn/nearest.h"
#include "orchestrate/sweep/hub_paths.h"
#include "orchestrate/sweep/key_reader.h"
#include "orchestrate/sweep/scalar.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// Integers up to here are exact in a double: 1e3 may stand for 1000.
constexpr double kLargestExact = 9007199254740992.0;

// One coercion: remembers what its problems need to say.
class Coercion {
 public:
  Coercion(const std::string& key, const ParamSpec& spec, const std::string& declared,
           const CoerceContext& context)
      : key_(key), spec_(spec), declared_(declared), context_(context) {}

  std::optional<Json> run(const Node& node) {
    switch (spec_.type) {
      case ParamType::kBool:
        return boolean(node);
      case ParamType::kInt:
        return integer(node);
      case ParamType::kReal:
        return real(node);
      case ParamType::kText:
        return text(node);
      case ParamType::kPath:
        return path(node);
      case ParamType::kTextList:
      case ParamType::kTextOrList:
        return text_list(node);
      case ParamType::kObject:
        return object(node);
      case ParamType::kPathList:
        return path_list(node);
      case ParamType::kWeights:
        return weights(node);
    }
    return std::nullopt;
  }

 private:
  std::nullopt_t fail(const Node& node, const std::string& message) {
    context_.problems->add(node.mark, key_ + ": " + message);
    return std::nullopt;
  }

  std::nullopt_t wrong_type(const Node& node, const std::string& wanted) {
    if (declared_.empty()) {
      const auto least = spec_.min     ? " of at least " + number_text(*spec_.min)
                         : spec_.above ? " greater than " + number_text(*spec_.above)
                                       : std::string();
      return fail(node, "expected " + wanted + least + ", got " + describe(node));
    }
    if (looks_like_axis(node)) return fail(node, axis_elsewhere(key_));
    const bool one = spec_.type != ParamType::kTextList && spec_.type != ParamType::kTextOrList &&
                     spec_.type != ParamType::kPathList;
    if (node.is_list() && one) {
      return fail(node, "expected " + wanted + ", got a list; several values are an axis: write " +
                            "parameters: {" + key_ + ": {values: [...]}}");
    }
    return fail(node, "expected " + wanted + ", got " + describe(node) + "; " + declared_);
  }

  std::optional<Json> boolean(const Node& node) {
    if (node.is_scalar()) {
      if (const auto flag = core_bool(node.text)) return *flag;
    }
    return wrong_type(node, "true or false");
  }

  std::optional<Json> integer(const Node& node) {
    if (!node.is_scalar()) return wrong_type(node, "an integer");
    auto whole = core_int(node.text);
    if (const auto number = core_real(node.text);
        !whole && number && std::abs(*number) <= kLargestExact && std::trunc(*number) == *number) {
      whole = static_cast<std::int64_t>(*number);
    }
    if (!whole) return wrong_type(node, "an integer");
    if (!in_bounds(node, static_cast<double>(*whole))) return std::nullopt;
    return *whole;
  }

  std::optional<Json> real(const Node& node) {
    const auto number = node.is_scalar() ? core_real(node.text) : std::nullopt;
    if (!number) return wrong_type(node, "a number");
    if (!std::isfinite(*number)) return fail(node, "must be finite, got " + describe(node));
    if (!in_bounds(node, *number)) return std::nullopt;
    return *number + 0.0;  // -0 and 0 are one value
  }

  bool in_bounds(const Node& node, double number) {
    if (spec_.min && number < *spec_.min) {
      fail(node, "must be at least " + number_text(*spec_.min) + ", got " + node.text);
      return false;
    }
    if (spec_.max && number > *spec_.max) {
      fail(node, "must be at most " + number_text(*spec_.max) + ", got " + node.text);
      return false;
    }
    if (spec_.above && number <= *spec_.above) {
      fail(node, "must be greater than " + number_text(*spec_.above) + ", got " + node.text);
      return false;
    }
    return true;
  }

  std::optional<Json> text(const Node& node) {
    if (!node.is_scalar()) return wrong_type(node, "a text");
    return is_choice(node) ? std::optional<Json>(node.text) : std::nullopt;
  }

  bool is_choice(const Node& node) {
    const auto& choices = spec_.choices;
    if (choices.empty() || std::find(choices.begin(), choices.end(), node.text) != choices.end()) {
      return true;
    }
    fail(node, "unknown value '" + node.text + "'" + suggest(node.text, choices));
    return false;
  }

  std::optional<Json> path(const Node& node) {
    if (!node.is_scalar() || node.text.empty()) return wrong_type(node, "a path");
    if (is_hub_reference(node.text)) return on_the_hub(node);
    return config_path(node, context_.folder);
  }

  std::optional<Json> path_list(const Node& node) {
    if (!node.is_list()) return path(node);
    if (node.items.empty()) return wrong_type(node, "a path or a list of paths");
    Json list = Json::array();
    for (const Node& item : node.items) {
      const auto one = path(item);
      if (!one) return std::nullopt;
      list.push_back(*one);
    }
    return list;
  }

  std::optional<Json> text_list(const Node& node) {
    const bool keep_text = spec_.type == ParamType::kTextOrList;
    if (node.is_scalar()) {
      if (!is_choice(node)) return std::nullopt;
      return keep_text ? Json(node.text) : Json::array({node.text});
    }
    if (!node.is_list())
      return wrong_type(node, keep_text ? "a text or a list" : "a list of texts");
    Json list = Json::array();
    for (const Node& item : node.items) {
      if (!item.is_scalar()) return wrong_type(item, "a text");
      if (!is_choice(item)) return std::nullopt;
      list.push_back(item.text);
    }
    return list;
  }

  std::optional<Json> object(const Node& node) {
    if (!node.is_map()) return wrong_type(node, "a map");
    return to_core_json(node);
  }

  std::optional<Json> weights(const Node& node) {
    if (looks_like_axis(node)) return fail(node, axis_elsewhere(key_));
    if (node.is_map()) return reference(node);
    if (!node.is_scalar() || node.text.empty()) {
      return wrong_type(node, "a folder, hf:OWNER/NAME, trial:ID or {stage: NAME}");
    }
    static constexpr std::string_view kTrial = "trial:";
    if (node.text.starts_with(kTrial)) return trial(node, node.text.substr(kTrial.size()));
    if (is_hub_reference(node.text)) return on_the_hub(node);
    return config_path(node, context_.folder);
  }

  std::optional<Json> on_the_hub(const Node& node) {
    if (!context_.pin) return fail(node, "nothing can be looked up on the hub here");
    try {
      return context_.pin(node.text, hub_use(key_.substr(0, key_.find('.')), spec_.type));
    } catch (const ConfigError& e) {
      return fail(node, e.message());
    } catch (const Error& e) {
      return fail(node, e.what());
    }
  }

  std::optional<Json> trial(const Node& node, const std::string& prefix) {
    if (prefix.empty()) return fail(node, "write trial:ID with the first digits of a trial's id");
    if (!context_.find_trial) return fail(node, "trials of the database cannot be looked up here");
    try {
      return Json{{"trial", context_.find_trial(prefix)}};
    } catch (const ConfigError& e) {
      return fail(node, e.message());
    } catch (const Error& e) {
      return fail(node, e.what());
    }
  }

  std::optional<Json> reference(const Node& node) {
    const MapReader map("weights", &node, *context_.problems, key_);
    return map.sound() ? std::optional(map.values()) : std::nullopt;
  }

  const std::string& key_;
  const ParamSpec& spec_;
  const std::string& declared_;
  const CoerceContext& context_;
};

}  // namespace

std::optional<Json> coerce(const std::string& key, const ParamSpec& spec, const Node& node,
                           const std::string& declared, const CoerceContext& context) {
  return Coercion(key, spec, declared, context).run(node);
}

std::string axis_elsewhere(const std::string& key) {
  return "an axis goes under `parameters`: write parameters: {" + key + ": {values: [...]}}";
}

std::string config_path(const Node& node, const fs::path& sweep_folder) {
  const fs::path path = node.text;
  const Source& source = *node.mark.source;
  if (path.is_absolute() || (!source.command_line() && source.folder == sweep_folder)) {
    return path.lexically_normal().string();
  }
  const fs::path absolute = (source.folder / path).lexically_normal();
  return source.command_line() ? absolute.string()
                               : absolute.lexically_relative(sweep_folder).string();
}

}  // namespace mvn
