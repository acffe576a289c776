#include "mvn/plugin.h"

#include "pretraining.h"

namespace {

void register_components(mvn::Registry& registry) { registry.add_task(mvn::pretraining_entry()); }

}  // namespace

MVN_PLUGIN("pretraining", "0.1.0", register_components);
