// Where attempts run, as the run of a sweep sees it: an interface, so that the places of this
// machine (local_workplaces.h), a test's script and a cluster's nodes are run alike.
//
// Orders and events name an attempt, never a process or a descriptor: several attempts may share a
// process, and a process may be on another machine.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/json.h"
#include "common/trial.h"
#include "orchestrate/process/process.h"
#include "orchestrate/workers/places.h"

namespace mvn {

// One run of one trial.
struct AttemptName {
  std::size_t trial = 0;  // its index in the plan
  int number = 1;
  friend auto operator<=>(const AttemptName&, const AttemptName&) = default;
};

struct AttemptOrder {
  AttemptName attempt;
  std::size_t place = 0;  // its number, as can_take() found it
  TrialPaths paths;       // the trial file is there
  Json config;            // what the trial file says
  std::string shape;      // what decides its memory, KeyRoles::shape() as text
};

// It runs: from here on it has to be heard of (`limits`).
struct Started {
  AttemptName attempt;
};
// What ran it said so: an exit code of mvn/error.h. It ended, and nothing more is heard of it.
struct Replied {
  AttemptName attempt;
  int code = 0;
  std::string message;
  bool shared_gpu = false;  // with other attempts, at some time
};
// What ran it ended without a word about it, or never started.
struct Ended {
  AttemptName attempt;
  ProcessEnd end;
  std::string said;                        // what it printed outside of the attempt's log
  std::optional<std::string> not_started;  // why; `end` then has the exit code that says so
  bool shared_gpu = false;
  bool out_of_memory = false;  // the kernel killed it for its memory
};
// It wrote a checkpoint because its place goes away, and goes on elsewhere.
struct Moved {
  AttemptName attempt;
  std::string why;
  bool foreseen = true;  // else it counts as a failure of the node, and is not tried for ever
};
using WorkplaceEvent = std::variant<Started, Replied, Ended, Moved>;

class Workplaces {
 public:
  Workplaces() = default;
  Workplaces(const Workplaces&) = delete;
  Workplaces& operator=(const Workplaces&) = delete;
  // Kills what still runs.
  virtual ~Workplaces() = default;

  // Whether a place has no attempt and could take one.
  [[nodiscard]] virtual bool has_free() const = 0;
  // Whether something is on its way out, after which there is more room.
  [[nodiscard]] virtual bool is_clearing() const = 0;
  // Whether attempts share memory somewhere. Only then are shapes of any use, which cost a text of
  // each configuration; elsewhere they may be empty.
  [[nodiscard]] virtual bool goes_by_memory() const = 0;
  // A place where the trial could start now; nothing where no free one has the memory for it.
  [[nodiscard]] virtual std::optional<Place> can_take(std::size_t trial,
                                                      const std::string& shape) const = 0;

  // Starts an attempt, or queues it; what becomes of it, its failure to start too, is an event.
  virtual void start(AttemptOrder order) = 0;
  // Tells it to write a checkpoint and end.
  virtual void checkpoint(const AttemptName& attempt) = 0;
  virtual void kill(const AttemptName& attempt) = 0;
  virtual void kill_all() = 0;
  // So many trials wait for a place; what can have more of them gets more.
  virtual void learn_backlog(std::size_t /*trials*/) {}
  // No more attempts come: what has none ends on its own.
  virtual void dismiss() = 0;

  // Waits until something happens, `wake` (a descriptor) can be read, or the time is over. Events
  // of one attempt come in their order.
  virtual std::vector<WorkplaceEvent> wait(std::chrono::duration<double> at_most, int wake) = 0;

  // An attempt of this shape took so many bytes of a GPU at its peak.
  virtual void learn_memory(const std::string& shape, std::int64_t bytes) = 0;
  // A trial ran out of memory beside others: from now on it has a GPU to itself.
  virtual void learn_overflow(std::size_t trial, const std::string& shape) = 0;
};

}  // namespace mvn
