// Pretraining: causal language modelling on packed blocks of text.
#pragma once

#include "mvn/registry.h"

namespace mvn {

TaskEntry pretraining_entry();

}  // namespace mvn
