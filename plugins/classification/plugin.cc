#include "mvn/plugin.h"

#include "classification.h"

namespace {

void register_components(mvn::Registry& registry) {
  registry.add_task(mvn::classification_entry());
}

}  // namespace

MVN_PLUGIN("classification", "0.1.0", register_components);
