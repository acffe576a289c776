// What is written round a text before it becomes tokens.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mvn/params.h"
#include "sentence_files.h"

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
  // What stands before a text, where nothing stands behind it; else "".
  [[nodiscard]] std::string prefix() const { return after_.empty() ? before_ : ""; }

 private:
  std::string before_;
  std::string after_;
};

// The prompts of a task, by what a text is.
struct Prompts {
  Prompt query;     // anchors, and the queries of a retrieval
  Prompt document;  // positives, negatives, and the documents of a retrieval
  Prompt sts;       // both sides of a scored pair that is evaluated on
  Prompt probe;     // texts of a probe, and of clusters
  std::map<std::string, Prompt> others = {};  // by the name that `settings` gives them

  // Those that sentence-transformers can have, which is a prefix.
  [[nodiscard]] std::map<std::string, std::string> by_name() const;
};

// What `params` leave open is as in `settings`, whose "query" and "document" are ours.
Prompts read_prompts(const Params& params, const SentenceSettings& settings);

// How the texts of the parameter `texts` are written: see text_params().
Prompt prompt_of_texts(const Params& params, const Prompts& prompts,
                       const SentenceSettings& settings);
std::vector<ParamSpec> prompt_params();

}  // namespace mvn
