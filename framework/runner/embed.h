// `mvn-runner embed`: texts and a trained model, to a file of vectors.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "runner/command.h"

namespace mvn {

// Each but the first three may be empty: see the help of the command.
struct EmbedOptions {
  std::string model;  // the beginning of a trial's id, a folder, or hf:OWNER/NAME
  std::string input;
  std::string output;
  std::string column;
  std::string prompt;
  std::string pooling;
  std::optional<bool> normalize;
  std::int64_t max_length = 0;
  std::int64_t batch_size = 0;
  std::string precision;
  std::string device;
  int threads = 0;
  std::string base;
  std::string plugin;
};

// Has the worker write the vectors, and shows on standard error how far it is. Throws ConfigError
// where there is no such trial or folder, and Interrupted where the user stopped it: the same
// command goes on.
void embed(const EmbedOptions& options, const CommonOptions& common, std::ostream& out);

}  // namespace mvn
