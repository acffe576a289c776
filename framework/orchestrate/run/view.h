// What the user sees while trials run: a live picture on a terminal, plain lines elsewhere.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "orchestrate/run/run_status.h"

namespace mvn {

class View {
 public:
  View() = default;
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  virtual ~View();

  // Lines that stay: failures, results.
  virtual void note(const std::string& text) = 0;
  // Lines for a log file; a live picture shows the same in its own way.
  virtual void detail(const std::string& text) = 0;
  // Shows where the run stands; called several times a second.
  virtual void refresh(const RunStatus& status, double now) = 0;
  // Takes the picture away; lines may follow.
  virtual void close() = 0;
};

struct TerminalSize {
  std::size_t width = 80;
  std::size_t height = 24;
};

// The live picture: the bar and a line per running trial, each at most as wide as the terminal.
std::vector<std::string> render(const RunStatus& status, double now, TerminalSize size, bool utf8);
// The same in one line: "5/12 trials, 42%, 118 steps/s, 2m 10s left".
std::string summary(const RunStatus& status, double now);

// Prints a summary when nothing was printed for 10 seconds.
std::unique_ptr<View> plain_view(std::ostream& out);
// Between two refreshes the terminal is in its normal state, so nothing needs to be restored.
std::unique_ptr<View> live_view(std::ostream& out, std::function<TerminalSize()> size, bool utf8);

// A live view where standard output is a terminal that can move its cursor and neither NO_COLOR
// nor TERM=dumb asks for plain lines.
std::unique_ptr<View> make_view(std::ostream& out);

}  // namespace mvn
