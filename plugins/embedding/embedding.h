// Embeddings: a vector for a text, so that texts which belong together lie close to one another.
#pragma once

#include "mvn/registry.h"

namespace mvn {

TaskEntry embedding_entry();

}  // namespace mvn
