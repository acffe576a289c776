// Texts that belong together: what embeddings are trained on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mvn/params.h"

namespace mvn {

struct TextPair {
  std::string anchor;
  std::string positive;
  std::vector<std::string> negatives = {};
  double score = 0;        // of a scored pair
  std::string label = {};  // of a pair that was made of two texts of one label
};

struct TextPairs {
  std::vector<std::filesystem::path> files;
  std::vector<TextPair> pairs;
  std::vector<std::string> warnings;
};

// The pairs that the file of `train` has, or that are made of its labelled texts: each text is an
// anchor once and a positive once, among the others of its label. Throws ConfigError naming the
// parameter at fault, or DataError "file:line: ..." for an empty anchor, a row without a positive,
// a score that is no number, and files of which no batch could be learnt from.
TextPairs read_pairs(const Params& params);

// The parameters that say where pairs are.
std::vector<ParamSpec> pair_params();

}  // namespace mvn
