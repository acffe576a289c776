// The sweep file as a JSON Schema, with the parameters of the installed plugins: what an editor
// completes and checks by.
#pragma once

#include "common/description.h"
#include "common/json.h"
#include "common/key_spec.h"

namespace mvn {

// Draft 7, which YAML language servers know best. It takes what the reader takes, except for an
// integer or a number written in quotes; what only a whole sweep can show, such as a missing
// parameter that a file it extends may have, it does not ask.
Json sweep_schema(const Description& installed);

// The value of one key, without its help; groups are referred to as "#/definitions/NAME".
Json key_schema(const KeySpec& key);

}  // namespace mvn
