#include "mvn/plugin.h"

#include "lora.h"
#include "none.h"

namespace {

void register_components(mvn::Registry& registry) {
  registry.add_adapter(mvn::lora_entry());
  registry.add_adapter(mvn::none_entry());
}

}  // namespace

MVN_PLUGIN("lora", "0.1.0", register_components);
