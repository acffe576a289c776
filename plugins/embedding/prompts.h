// What is written round a text before it becomes tokens.
#pragma once

#include <string>
#include <vector>

#include "mvn/params.h"

namespace mvn {

// A text with {text} where each text goes.
class Prompt {
 public:
  Prompt() = default;
  // Throws ConfigError(key) unless {text} occurs exactly once.
  Prompt(const std::string& pattern, const std::string& key);
  // `text` as it is, with `before` in front.
  static Prompt in_front(std::string before);
  [[nodiscard]] std::string operator()(const std::string& text) const {
    return before_ + text + after_;
  }

 private:
  std::string before_;
  std::string after_;
};

// The prompts of a task, by what a text is.
struct Prompts {
  Prompt query;     // anchors, and the queries of a retrieval
  Prompt document;  // positives, negatives, and the documents of a retrieval
  Prompt sts;       // both sides of a scored pair that is evaluated on
  Prompt probe;     // texts of a probe
};

Prompts read_prompts(const Params& params);
std::vector<ParamSpec> prompt_params();

}  // namespace mvn
