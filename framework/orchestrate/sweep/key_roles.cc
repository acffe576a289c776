#include "orchestrate/sweep/key_roles.h"

#include <algorithm>
#include <cmath>

#include "common/secrets.h"

namespace mvn {
namespace {

void drop_reals(Json& json) {
  if (json.is_object()) {
    for (auto item = json.begin(); item != json.end();) {
      item = item->is_number_float() ? json.erase(item) : (drop_reals(*item), std::next(item));
    }
  } else if (json.is_array()) {
    for (auto& item : json) drop_reals(item);
  }
}

}  // namespace

KeyRoles::KeyRoles(const Description& installed) {
  const auto add = [this](const std::string& section, const std::vector<ParamSpec>& specs) {
    for (const ParamSpec& spec : specs) {
      if (spec.role == ParamRole::kNone) continue;
      keys_.push_back({section, spec.name, spec.role, spec.default_value});
    }
  };
  for (const auto& [section, specs] : installed.sections) add(section, specs);
  for (const ComponentDescription& each : installed.components) add(each.kind, each.params);
}

const KeyRoles::Key* KeyRoles::of(ParamRole role) const {
  const auto found = std::ranges::find(keys_, role, &Key::role);
  return found == keys_.end() ? nullptr : &*found;
}

double KeyRoles::number(const Json& config, ParamRole role) const {
  const Key* key = of(role);
  if (key == nullptr) return 0;
  const auto section = config.find(key->section);
  if (section == config.end() || !section->is_object()) return 0;
  const auto value = section->find(key->name);
  return value != section->end() && value->is_number() ? value->get<double>() : 0;
}

std::int64_t KeyRoles::stated_micro_batch(const Json& config) const {
  for (const ParamRole role : {ParamRole::kMicroBatch, ParamRole::kBatch}) {
    if (const double size = number(config, role); size > 0) return std::llround(size);
  }
  return 0;
}

std::int64_t KeyRoles::micro_batch(const Json& config) const {
  const auto stated = stated_micro_batch(config);
  const Key* batch = of(ParamRole::kBatch);
  const bool own_program = config.contains("/worker/command"_json_pointer);
  if (stated > 0 || own_program || batch == nullptr || !batch->standard.is_int()) return stated;
  return batch->standard.as_int();
}

Json KeyRoles::with_micro_batch(Json config, std::int64_t size) const {
  if (const Key* key = of(ParamRole::kMicroBatch)) config[key->section][key->name] = size;
  return config;
}

std::optional<Json> KeyRoles::with_half_micro_batch(const Json& config) const {
  const auto now = micro_batch(config);
  if (now < 2 || of(ParamRole::kMicroBatch) == nullptr) return std::nullopt;
  return with_micro_batch(config, (now + 1) / 2);
}

std::string KeyRoles::micro_batch_text(const Json& config) const {
  const Key* key = of(ParamRole::kMicroBatch);
  return key == nullptr
             ? ""
             : key->section + "." + key->name + " " + std::to_string(stated_micro_batch(config));
}

Json KeyRoles::shape(const Json& config) const {
  Json shape = without_secrets(config);  // as the database holds it
  shape.erase("seed");
  for (const Key& key : keys_) {
    const bool decides = key.role == ParamRole::kBatch || key.role == ParamRole::kMicroBatch;
    const auto section = shape.find(key.section);
    if (decides || section == shape.end() || !section->is_object()) continue;
    section->erase(key.name);
    if (section->empty()) shape.erase(section);
  }
  drop_reals(shape);
  return shape;
}

std::int64_t KeyRoles::steps_like(const Json& config, const Json& earlier,
                                  std::int64_t steps) const {
  const double passes = number(config, ParamRole::kPasses);
  const double limit = number(config, ParamRole::kSteps);
  const double earlier_passes = number(earlier, ParamRole::kPasses);
  if (passes <= 0) return limit > 0 ? std::llround(limit) : steps;
  if (earlier_passes <= 0) return limit > 0 ? std::llround(limit) : 0;
  const auto like = std::llround(static_cast<double>(steps) * passes / earlier_passes);
  return limit > 0 ? std::min<std::int64_t>(like, std::llround(limit)) : like;
}

}  // namespace mvn
