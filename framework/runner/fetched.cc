#include "runner/fetched.h"

#include <unistd.h>

#include <iostream>

#include "orchestrate/hub/progress.h"
#include "orchestrate/process/run_to_end.h"
#include "orchestrate/process/signals.h"
#include "orchestrate/store/table.h"

namespace mvn {

void fetch_shown(HubClient& hub, const std::vector<HubNeed>& needs) {
  Signals signals;
  const auto view = make_hub_view(std::cerr, terminal_width(STDERR_FILENO).value_or(0));
  if (!hub.fetch(needs, *view, [&] { return signals.take().stops() > 0; })) throw Interrupted();
  for (const auto& warning : hub.take_warnings()) std::cerr << "warning: " << warning << std::endl;
}

std::filesystem::path fetched(const std::string& reference) {
  HubClient hub(hub_settings());
  const auto pinned = hub.pinned(parse_hub_reference(reference, HubKind::kModel));
  fetch_shown(hub, {{pinned, hub.use_of(pinned)}});
  return hub.cache().local(pinned);
}

}  // namespace mvn
