// The problems of a sweep file, all at once, each with its place.
#pragma once

#include <string>
#include <vector>

#include "mvn/error.h"
#include "orchestrate/sweep/location.h"

namespace mvn {

struct Problem {
  Location where;
  std::string message;  // one line: what is wrong and the nearest known name
};

// "file:12:7: message", then the line of the file with a caret under the column. In colour, by the
// escape sequences of a terminal, the place and the caret stand out.
std::string render(const Problem& problem, bool colour = false);
// All of them and how many there are.
std::string render(const std::vector<Problem>& problems, bool colour = false);

class SweepErrors : public Error {
 public:
  explicit SweepErrors(std::vector<Problem> problems);
  ~SweepErrors() override;
  [[nodiscard]] const std::vector<Problem>& problems() const { return problems_; }
  [[nodiscard]] int exit_code() const noexcept override {
    return static_cast<int>(ExitCode::kBadConfig);
  }

 private:
  std::vector<Problem> problems_;
};

}  // namespace mvn
