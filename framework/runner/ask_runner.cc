#include "runner/ask_runner.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/json.h"
#include "common/printable.h"
#include "common/text.h"
#include "mvn/error.h"
#include "orchestrate/workers/results_lock.h"

namespace mvn {
namespace {

struct Request {
  const char* name;
  int signal;  // launch/signals.h
  Course course;
  const char* effect;
  const char* help;
  const char* example;
};

constexpr std::array<Request, 4> kRequests = {
    {{"pause", SIGUSR1, Course::kPaused, ": running trials go on, no new ones start",
      "Let a running sweep start no more trials until it is resumed",
      "no new trials until mvn-runner resume"},
     {"resume", SIGUSR2, Course::kRunning, "", "Let a paused sweep go on", "from another terminal"},
     {"drain", SIGINT, Course::kDraining, ": running trials go on to their end, no new ones start",
      "Let a running sweep end with the trials that run (as the first Ctrl-C does)",
      "before the machine is wanted for something else"},
     {"stop", SIGTERM, Course::kStopping, ": running trials write a checkpoint and end",
      "Stop a running sweep at checkpoints (as the second Ctrl-C does)",
      "the same command later goes on from the checkpoints"}}};

const Request& find(const std::string& name) {
  return *std::find_if(kRequests.begin(), kRequests.end(),
                       [&](const Request& each) { return each.name == name; });
}

}  // namespace

const std::vector<std::string>& runner_requests() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& each : kRequests) all.emplace_back(each.name);
    return all;
  }();
  return names;
}

std::string request_help(const std::string& request) { return find(request).help; }

std::string request_example(const std::string& request) { return find(request).example; }

void ask_runner(const std::filesystem::path& results, const std::string& request, bool json,
                std::ostream& out) {
  const auto runner = last_runner(results);
  const auto where = path_text(results);
  if (!runner || !runner->alive) {
    throw Error("no runner is at work in " + where + "; give its folder with --results");
  }
  if (!runner->here) {
    throw Error(runner->text() + " is at work in " + where + ": run this command on that machine");
  }
  if (runner->sweep.empty()) {
    throw Error(runner->text() + " is at work in " + where + ", but runs no trials yet");
  }
  const auto process = "process " + std::to_string(runner->pid);
  const auto& asked = find(request);
  // A second SIGINT would stop it.
  const bool already = runner->course == to_string(asked.course);
  if (!already && ::kill(runner->pid, asked.signal) != 0) {
    throw Error("cannot ask " + process + ": " + std::strerror(errno));
  }
  if (json) {
    out << Json{{"asked", request}, {"process", runner->pid}, {"already", already}}.dump()
        << std::endl;
  } else if (already) {
    out << process << " is " << printable(runner->course) << " already" << std::endl;
  } else {
    out << "asked " << process << " to " << request << asked.effect << std::endl;
  }
}

}  // namespace mvn
