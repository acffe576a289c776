#include "orchestrate/workers/station.h"

#include "orchestrate/workers/trial_command.h"

namespace mvn {

void Station::hand_over(const Json& config, const ProcessSpec& persistent,
                        const std::filesystem::path& folder) {
  auto spec = persistent;
  if (attempt->own_program) {
    worker.reset();  // one that waits for trials would keep its memory on the device
    spec = trial_process(config, attempt->trial_file(), attempt->spool(), attempt->log(), folder);
  } else if (worker && worker->give(attempt->trial_file())) {
    return;
  }
  // The first trial in this place, or the worker died while it had nothing to do.
  for (const auto& [name, value] : slot.environment) spec.environment[name] = value;
  worker = std::make_unique<Worker>(spec);
  if (attempt->own_program) {
    worker->dismiss();  // it has nothing to read
  } else {
    // A worker that dies at once is noticed by its death.
    worker->give(attempt->trial_file());
  }
}

}  // namespace mvn
