#include "orchestrate/launch/run_to_end.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

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

void stop(Process& process, int stops) {
  if (stops == 1) process.send_signal(SIGTERM);
  if (stops > 1) process.kill_all();
}

}  // namespace

Interrupted::~Interrupted() = default;

CommandResult run_to_end(const ProcessSpec& spec, const std::string& input, Signals& signals) {
  Process process(spec);
  std::string_view rest = input;
  LineReader out;
  LineReader err;
  int stops = 0;
  while (!process.try_wait()) {
    // A closed descriptor is -1, which poll() passes over.
    std::array<pollfd, 4> watched = {{{signals.descriptor(), POLLIN, 0},
                                      {process.output().get(), POLLIN, 0},
                                      {process.errors().get(), POLLIN, 0},
                                      {process.input().get(), POLLOUT, 0}}};
    ::poll(watched.data(), watched.size(), -1);
    if (watched[3].revents != 0) feed(process.input(), rest);
    out.read_available(process.output());
    err.read_available(process.errors());
    if (const int more = signals.take().stops(); more > 0) stop(process, stops += more);
  }
  if (stops > 0) throw Interrupted();
  out.read_available(process.output());
  err.read_available(process.errors());
  return {*process.try_wait(), out.take_rest(), err.take_rest()};
}

std::string last_lines(const std::string& text, std::size_t lines) {
  auto end = text.find_last_not_of("\n\r ");
  if (end == std::string::npos) return "";
  ++end;
  auto start = end;
  for (std::size_t count = 0; start > 0 && end - start < 4000; --start) {
    if (text[start - 1] == '\n' && ++count == lines) break;
  }
  return text.substr(start, end - start);
}

}  // namespace mvn
