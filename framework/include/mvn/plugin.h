// All that a plugin needs to register its components.
#pragma once

#include "mvn/plugin_entry.h"
#include "mvn/registry.h"
