// `mvn-runner merge`: an adapter and its base as one model that needs neither.
#pragma once

#include <ostream>
#include <string>

#include "runner/command.h"

namespace mvn {

// Each may be empty.
struct MergeRequest {
  std::string trial;    // the beginning of its id
  std::string adapter;  // a folder, instead of a trial
  std::string model;    // the base; "": the one that the adapter names
  std::string output;
  std::string dtype;   // "": the base's
  std::string plugin;  // the model's; "": the one that fits
};

// Finds the files of the trial, where one is given, and has the worker write the model. Throws
// ConfigError where there is no such trial or nothing to merge.
void merge(const MergeRequest& request, const CommonOptions& common, std::ostream& out);

}  // namespace mvn
