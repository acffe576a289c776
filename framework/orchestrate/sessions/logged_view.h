// A view whose lines are in the log as well.
#pragma once

#include <memory>

#include "orchestrate/run/view.h"

namespace mvn {

// Shows all in `shown` and logs it, a summary every minute included.
std::unique_ptr<View> logged(std::unique_ptr<View> shown);

}  // namespace mvn
