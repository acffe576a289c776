#include "orchestrate/process/run_to_end.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string_view>

#include "common/text.h"

namespace mvn {
namespace {

// Writes what the pipe takes, and closes it after the last byte or when nobody reads it.
void feed(Descriptor& to, std::string_view& rest) {
  while (to.is_open() && !rest.empty()) {
    const ssize_t count = ::write(to.get(), rest.data(), rest.size());
    if (count >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      to.close();
    }
  }
  to.close();
}

using SteadyClock = std::chrono::steady_clock;
using Deadline = std::optional<SteadyClock::time_point>;

Deadline after(double seconds) {
  return SteadyClock::now() +
         std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(seconds));
}

// For poll(): -1 where there is no deadline.
int milliseconds_left(const Deadline& deadline) {
  if (!deadline) return -1;
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(*deadline - SteadyClock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000));
}

void pass_on(LineReader& reader, const TakeLine& take_line) {
  while (take_line) {
    const auto line = reader.take_line();
    if (!line) return;
    take_line(*line);
  }
}

bool is_over(const Deadline& deadline) { return deadline && SteadyClock::now() >= *deadline; }

}  // namespace

Interrupted::~Interrupted() = default;

CommandResult run_to_end(const ProcessSpec& spec, const std::string& input, Signals& signals,
                         const Patience& patience, const TakeLine& take_line) {
  Process process(spec);
  std::string_view rest = input;
  LineReader out;
  LineReader err;
  int stops = 0;
  Deadline deadline = patience.limit > 0 ? after(patience.limit) : Deadline();
  while (!process.try_wait()) {
    // A closed descriptor is -1, which poll() passes over.
    std::array<pollfd, 4> watched = {{{signals.descriptor(), POLLIN, 0},
                                      {process.output().get(), POLLIN, 0},
                                      {process.errors().get(), POLLIN, 0},
                                      {process.input().get(), POLLOUT, 0}}};
    ::poll(watched.data(), watched.size(), milliseconds_left(deadline));
    if (watched[3].revents != 0) feed(process.input(), rest);
    out.read_available(process.output());
    pass_on(out, take_line);
    err.read_available(process.errors());
    const int more = signals.take().stops();
    if (more > 0 && stops == 0) {
      process.send_signal(SIGTERM);
      deadline = after(patience.grace);
    }
    stops += more;
    if (stops <= 1 && !is_over(deadline)) continue;
    process.kill_all();
    process.wait();
    if (stops > 0) break;
    throw Error("'" + shell_text(spec.command) + "' was killed: it took longer than " +
                duration_text(patience.limit));
  }
  if (stops > 0) throw Interrupted();
  out.read_available(process.output());
  pass_on(out, take_line);
  err.read_available(process.errors());
  return {process.wait(), out.take_rest(), err.take_rest()};
}

}  // namespace mvn
