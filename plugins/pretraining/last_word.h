// Texts whose last word is to be guessed from all that comes before it, as in LAMBADA.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "mvn/params.h"
#include "mvn/token_store.h"

namespace mvn {

struct LastWordText {
  std::string context;  // does not end in the space
  std::string word;     // begins with the space where the context is not empty
};

// The rows of the file that parameter `last_word` names: its columns `context` and `continuation`,
// or `text`, whose last word is what follows its last space. Throws ConfigError where it has
// neither, DataError "file:line: ..." for a row without a word.
std::vector<LastWordText> read_last_words(const Params& params);

// Adds two sequences for each text: the context's tokens and the word's, of the tokens of both
// together. An empty context is the end-of-text token. Throws DataError for a word that has no
// token of its own.
void write_last_words(const Tokenizer& tokenizer, const std::vector<LastWordText>& texts,
                      TokenWriter& writer, int threads = 1);

// The same tokens as examples: a model reads the context and the word but its last token. Longer
// contexts than fit into `max_length` (0: no limit) lose their beginning.
class LastWords {
 public:
  LastWords() = default;
  LastWords(TokenStore tokens, std::int64_t max_length);

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(lengths_.size()); }
  [[nodiscard]] std::span<const std::int32_t> lengths() const { return lengths_; }
  // What the model reads, as long as lengths() says: the last of the context, then the word.
  [[nodiscard]] std::vector<std::int32_t> inputs(std::int64_t index) const;
  // What the last so many positions are to predict.
  [[nodiscard]] std::span<const std::int32_t> word(std::int64_t index) const;
  [[nodiscard]] std::int32_t largest_id() const { return tokens_.largest_id(); }

 private:
  TokenStore tokens_;
  std::vector<std::int32_t> lengths_;
};

}  // namespace mvn
