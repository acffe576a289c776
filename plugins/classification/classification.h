// Text classification: a label for a text, from the hidden state of its last token.
#pragma once

#include "mvn/registry.h"

namespace mvn {

TaskEntry classification_entry();

}  // namespace mvn
