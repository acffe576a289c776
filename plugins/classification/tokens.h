// Texts as token ids, cut to a length.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mvn/token_store.h"

namespace mvn {

// Where tokens are kept; by default in memory alone (see TokenStore::open).
struct TokenPlace {
  std::filesystem::path folder = {};
  std::vector<std::filesystem::path> sources = {};
  Value::Map how = {};
};

// Every text has at least one token: where the tokenizer gives none, its end-of-text token (or 0).
// Longer texts keep their beginning, and the special tokens that the tokenizer puts at the end;
// where it truncates on the left, their end and the special tokens of both sides. `max_length` 0:
// no limit. `truncation` is "left", "right" or "", what the tokenizer says. Throws
// ConfigError("training.max_length") when the special tokens alone do not fit. The texts are
// encoded on so many threads.
TokenStore tokenise(const Tokenizer& tokenizer, const std::vector<std::string>& texts,
                    std::int64_t max_length, TokenPlace place = {}, int threads = 1,
                    const std::string& truncation = "");

}  // namespace mvn
