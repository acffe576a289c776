#include "train/data/arrow/class_names.h"

#include <stdexcept>

namespace mvn::columnar {

Json features_in(const std::string& metadata) {
  const Json json = Json::parse(metadata, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return {};
  const auto info = json.find("info");
  if (info == json.end() || !info->is_object()) return {};
  return info->value("features", Json());
}

const Json* feature_of(const Json* features, const std::string& name) {
  if (features == nullptr || !features->is_object()) return nullptr;
  const auto found = features->find(name);
  if (found != features->end()) return &*found;
  // A sequence of objects lies as an object of lists.
  const Json* item = item_feature(features);
  return item == nullptr ? nullptr : feature_of(item, name);
}

const Json* item_feature(const Json* feature) {
  if (feature == nullptr) return nullptr;
  if (feature->is_array() && feature->size() == 1) return &feature->front();
  if (!feature->is_object() || !feature->contains("_type")) return nullptr;
  const auto item = feature->find("feature");
  return item == feature->end() ? nullptr : &*item;
}

OrderedJson class_name(const Json* feature, std::int64_t number) {
  if (feature == nullptr || !feature->is_object()) return number;
  const auto type = feature->find("_type");
  const auto names = feature->find("names");
  const bool is_label = type != feature->end() && *type == "ClassLabel";
  if (!is_label || names == feature->end() || !names->is_array() || names->empty()) return number;
  if (number == -1) throw std::runtime_error("is -1, which stands for no label");
  if (number < 0 || number >= static_cast<std::int64_t>(names->size())) {
    throw std::runtime_error("is " + std::to_string(number) + ", but the file names " +
                             std::to_string(names->size()) + " classes, from 0 on");
  }
  const Json& name = (*names)[static_cast<std::size_t>(number)];
  return name.is_string() ? OrderedJson(name.get<std::string>()) : OrderedJson(number);
}

}  // namespace mvn::columnar
