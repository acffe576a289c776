// What `mvn-worker describe` prints.
#pragma once

#include "common/description.h"
#include "train/host/plugin_host.h"

namespace mvn {

Description describe(const PluginHost& host);

}  // namespace mvn
