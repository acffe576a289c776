// Collects the problems of a sweep while it is read and resolved.
#pragma once

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problems.h"

namespace mvn {

class ProblemList {
 public:
  // The same message at the same place counts once, however many trials run into it.
  void add(const Mark& where, std::string message);
  [[nodiscard]] bool empty() const { return problems_.empty(); }
  // How many were found, repeated ones included: a reader that adds none leaves it as it is.
  [[nodiscard]] std::size_t size() const { return found_; }
  // In the order of the files, and of their lines.
  [[nodiscard]] std::vector<Problem> sorted() const;
  // Throws SweepErrors, in the order of the files, where there is any problem.
  void throw_if_any() const;

 private:
  std::vector<Problem> problems_;
  std::size_t found_ = 0;
  std::vector<std::string> sources_;  // files and arguments, in order of first mention
  std::set<std::tuple<std::string, int, int, std::string>> seen_;
};

}  // namespace mvn
