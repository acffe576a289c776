// What `mvn-worker check` finds wrong with configurations before any is run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/json.h"
#include "train/host/plugin_host.h"
#include "train/trainer/experiment.h"

namespace mvn {

struct Finding {
  std::string key;  // dotted name in the sweep file, or ""
  std::string message;
};

struct CheckResult {
  std::vector<Finding> errors;
  std::vector<std::string> warnings;
  std::vector<std::string> notes;  // what was read, for people
};

// Checks plugins, parameters, data files, tokenizers, config.json and the names and shapes of
// weights; trains nothing. Configurations of one sweep share most of their parts: each part is
// checked once.
class Checker {
 public:
  explicit Checker(const PluginHost& host);
  ~Checker();
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  // Everything wrong with one configuration (all of it, not the first alone). Never throws.
  CheckResult check(const Json& config);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// {"errors": [{"key": ..., "message": ...}], "warnings": [...], "notes": [...]}
Json to_json(const CheckResult& result);

}  // namespace mvn
