#include "mvn/plugin_entry.h"
#include "register.h"

MVN_PLUGIN("embedding", "0.1.0", mvn::register_embedding);
