// An expression of the sweep file about a trial's configuration, checked against the schemas.
#pragma once

#include <optional>
#include <string>

#include "common/description.h"
#include "orchestrate/sweep/expression.h"
#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

// The value at a dotted key of a configuration; null where there is none.
const Json& value_at(const Json& config, const std::string& dotted);

class Condition {
 public:
  // Problems for a text that is no expression and for keys that nothing installed has; `what`
  // ("exclude") begins their messages.
  Condition(std::string what, const Node& text, const Description& installed,
            ProblemList& problems);

  // Whether it holds for a trial; a parameter that the trial does not give has its default. A
  // comparison that makes no sense is a problem.
  bool holds(const Json& config);

  // Whether it held for any trial that it was asked about.
  [[nodiscard]] bool held() const { return held_; }
  [[nodiscard]] const std::string& what() const { return what_; }
  [[nodiscard]] const Mark& mark() const { return mark_; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void check_key(const std::string& key);
  [[nodiscard]] Json lookup(const Json& config, const std::string& key) const;

  std::string what_;
  Mark mark_;
  std::string text_;
  const Description* installed_;
  ProblemList* problems_;
  std::optional<Expression> expression_;
  bool held_ = false;
};

// The conditions under `key` (exclude, priority): a text or a list of them.
std::vector<Condition> read_conditions(const std::string& key, const Node& stage,
                                       const Description& installed, ProblemList& problems);

}  // namespace mvn
