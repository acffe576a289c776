// <results>/<sweep>/runner.log: what a runner said, with the time; every run appends to it.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "orchestrate/launch/view.h"

namespace mvn {

class RunLog {
 public:
  // A file that cannot be written costs the log and nothing else.
  explicit RunLog(const std::filesystem::path& file) : out_(file, std::ios::app) {}
  // "2026-11-26 15:38:26 text"; further lines of `text` follow as they are.
  void line(const std::string& text);

 private:
  std::ofstream out_;
};

// A view that shows all in `shown` and logs it, a summary every minute included. `log` outlives it.
std::unique_ptr<View> logged(std::unique_ptr<View> shown, RunLog& log);

}  // namespace mvn
