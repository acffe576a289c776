// What the hub's files and `datasets` say of their columns, beside Arrow's own types: in the
// metadata `huggingface`, JSON like {"info": {"features": {"label": {"names": [...], "_type":
// "ClassLabel"}}}}.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace mvn::columnar {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

// The features of all columns, from that metadata; null where it is something else.
Json features_in(const std::string& metadata);

// Of features or of one of them; each null (pointer) where nothing is said.
const Json* feature_of(const Json* features, const std::string& name);
// Of what a list holds.
const Json* item_feature(const Json* feature);

// The name of the class of that number, or the number itself where the feature has no names. Throws
// std::runtime_error, which ends a sentence that begins with the column, where there is no such
// class.
OrderedJson class_name(const Json* feature, std::int64_t number);

}  // namespace mvn::columnar
