#include "runner/ask_runner.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

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

bool send(const LastRunner& runner, const Request& request) {
  if (::kill(runner.pid, request.signal) == 0) return true;
  throw Error("cannot ask process " + std::to_string(runner.pid) + ": " + std::strerror(errno));
}

// No signal goes to another machine. False where the runner has not taken it in after a while.
bool write_down(const std::filesystem::path& results, const LastRunner& runner,
                const Request& request) {
  constexpr int kLooks = 200;
  constexpr std::chrono::milliseconds kBetweenLooks(50);
  leave_request(results, runner, request.course);
  for (int i = 0; i < kLooks && has_request(results); ++i)
    std::this_thread::sleep_for(kBetweenLooks);
  return !has_request(results);
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
  if (runner->sweep.empty()) {
    throw Error(runner->text() + " is at work in " + where + ", but runs no trials yet");
  }
  const auto process = "process " + std::to_string(runner->pid) +
                       (runner->here ? "" : " on " + printable(runner->host));
  const auto& asked = find(request);
  // A second SIGINT would stop it.
  const bool already = runner->course == to_string(asked.course);
  const bool heard =
      already || (runner->here ? send(*runner, asked) : write_down(results, *runner, asked));
  if (json) {
    out << Json{{"asked", request},
                {"process", runner->pid},
                {"already", already},
                {"host", runner->host},
                {"heard", heard}}
               .dump()
        << std::endl;
  } else if (already) {
    out << process << " is " << printable(runner->course) << " already" << std::endl;
  } else if (heard) {
    out << "asked " << process << " to " << request << asked.effect << std::endl;
  } else {
    out << "wrote down for " << runner->text() << " to " << request << asked.effect
        << "\nIt has not taken that in yet: a shared folder may show it half a minute late, or "
           "that "
           "runner is no more (then mvn-runner status goes on naming it)."
        << std::endl;
  }
}

}  // namespace mvn
