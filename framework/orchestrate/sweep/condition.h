// An expression of the sweep file about a trial's configuration, checked against the schemas.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/description.h"
#include "orchestrate/sweep/expression.h"
#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

// The value at a dotted key of a configuration; null where there is none.
const Json& value_at(const Json& config, const std::string& dotted);

// The dotted keys that a stage gives values to, in its sections and by its axes: what `args` holds
// is known from here alone.
std::set<std::string> given_keys(const Node& stage, const Description& installed);

class Condition {
 public:
  // Problems for a text that is no expression and for keys that neither something installed nor the
  // stage (`given`) has; `what` ("exclude") begins their messages.
  Condition(std::string what, const Node& text, const Description& installed,
            const std::set<std::string>& given, ProblemList& problems);

  // Whether it holds for a trial; a parameter that the trial does not give has its default. A
  // comparison that makes no sense is a problem.
  bool holds(const Json& config);

  // Whether it held for any trial that it was asked about.
  [[nodiscard]] bool held() const { return held_; }
  [[nodiscard]] const std::string& what() const { return what_; }
  [[nodiscard]] const Mark& mark() const { return mark_; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void check_key(const std::string& key, const std::set<std::string>& given);
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
                                       const Description& installed,
                                       const std::set<std::string>& given, ProblemList& problems);

}  // namespace mvn
