// <results>/<sweep>/runner.log: what a runner said, with the time; every run appends to it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "orchestrate/process/pipe.h"
#include "orchestrate/run/view.h"

namespace mvn {

class RunLog {
 public:
  // A file that cannot be written costs the log and nothing else.
  explicit RunLog(const std::filesystem::path& file);
  // "2026-11-26 15:38:26 text"; further lines of `text` follow as they are. Secrets are masked, and
  // nothing in it is an escape sequence for whoever looks at the file in a terminal.
  void line(const std::string& text);

 private:
  Descriptor file_;
};

// A view that shows all in `shown` and logs it, a summary every minute included. `log` outlives it.
std::unique_ptr<View> logged(std::unique_ptr<View> shown, RunLog& log);

}  // namespace mvn
