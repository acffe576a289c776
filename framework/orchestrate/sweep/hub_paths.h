// The paths of a configuration, by what its plugins declare, and those of them that lie on the hub.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/description.h"
#include "common/json.h"
#include "orchestrate/hub/reference.h"

namespace mvn {

// What a path of this section is for: a task's names data, an adapter's a saved adapter, the
// model's own its weights, and every other one of the model's a tokenizer.
HubUse hub_use(const std::string& section, ParamType type);
// The kind of repository that is meant where a reference does not say.
HubKind hub_kind(HubUse use);

// Calls `visit` with every path and reference to another trial's model.
void each_path(Json& config, const Description& installed,
               const std::function<void(const std::string& section, const ParamSpec& spec,
                                        Json& value)>& visit);

}  // namespace mvn
