// Text as one stream of tokens, cut into blocks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "mvn/params.h"
#include "mvn/token_store.h"
#include "mvn/tokenizer.h"

namespace mvn {

// The parameters that say where the text is and what it looks like.
std::vector<ParamSpec> corpus_params();

// The documents of parameter `which` ("train"): the rows of column `text` where that is given, else
// the whole file as one. Throws ConfigError naming the parameter at fault, DataError for a file
// without text.
std::vector<std::string> read_documents(const Params& params, const std::string& which);

// Adds one sequence: the documents one after the other, an end-of-text token before each and after
// the last (none where the tokenizer has no such token).
void write_stream(const Tokenizer& tokenizer, const std::vector<std::string>& documents,
                  TokenWriter& writer, int threads = 1);

// A stream cut into blocks. Block i is the tokens from i * block on; every token but the first of
// the stream is predicted exactly once, so that with an end-of-text token in front all of the text
// is.
class Corpus {
 public:
  Corpus() = default;
  Corpus(TokenStore stream, std::int64_t block);

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(lengths_.size()); }
  [[nodiscard]] std::span<const std::int32_t> lengths() const { return lengths_; }
  // The tokens that block `index` reads; its predictions are the same moved on by one.
  [[nodiscard]] std::span<const std::int32_t> inputs(std::int64_t index) const;
  [[nodiscard]] std::span<const std::int32_t> targets(std::int64_t index) const;

  [[nodiscard]] std::int64_t predictions() const;
  [[nodiscard]] std::int64_t bytes() const { return stream_.bytes(); }
  [[nodiscard]] std::int32_t largest_id() const { return stream_.largest_id(); }

 private:
  TokenStore stream_;
  std::vector<std::int32_t> lengths_;
  std::int64_t block_ = 0;
};

}  // namespace mvn
