// What people see of a download.
#pragma once

#include <memory>
#include <ostream>

#include "orchestrate/hub/download.h"

namespace mvn {

// On a terminal a line that changes, with the rate and the time that is left; elsewhere a line at
// the beginning and one at the end. `terminal_width` is 0 where there is none.
std::unique_ptr<HubView> make_hub_view(std::ostream& out, std::size_t terminal_width);

// "526 MB", "1.31 GB": in thousands, as the hub's own pages count.
std::string megabytes_text(std::uint64_t bytes);

}  // namespace mvn
