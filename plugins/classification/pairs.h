// Two texts that are classified together, such as a premise and a hypothesis, as token ids.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tokens.h"

namespace mvn {

struct PairOptions {
  std::int64_t max_length = 0;   // 0: no limit
  std::string separator = "\n";  // where the tokenizer puts nothing between two texts
  std::string truncation = {};   // "left", "right" or "", what the tokenizer says
  int threads = 1;
};

// How many tokens of two texts are left where there is room for so many: the longer one alone is
// cut until both are of one length, as `longest_first` of transformers does.
std::pair<std::size_t, std::size_t> shares_of_pair(std::size_t first, std::size_t second,
                                                   std::size_t room);

// `texts`: the first and the second of each pair, in turns. They are joined as the tokenizer's own
// template for pairs joins them; where it has none, as one text is closed, with the tokens of the
// separator between. Throws ConfigError("training.max_length") where the tokens round and between
// the texts do not leave room for them.
TokenStore tokenise_pairs(const Tokenizer& tokenizer, const std::vector<std::string>& texts,
                          const PairOptions& options, TokenPlace place = {});

}  // namespace mvn
