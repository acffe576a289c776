#include "toy.h"

#include "mvn/plugin.h"

MVN_PLUGIN("toy", "1.2.3", mvn::toy::register_components);
