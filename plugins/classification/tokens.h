// Texts as token ids, cut to a length.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mvn/tokenizer.h"

namespace mvn {

// Sequences of ids one after the other.
class TokenSequences {
 public:
  void add(std::span<const std::int32_t> ids);
  [[nodiscard]] std::span<const std::int32_t> operator[](std::int64_t index) const;
  [[nodiscard]] std::span<const std::int32_t> lengths() const { return lengths_; }
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(lengths_.size()); }
  [[nodiscard]] std::int32_t largest_id() const { return largest_id_; }

 private:
  std::vector<std::int32_t> ids_;
  std::vector<std::size_t> starts_;
  std::vector<std::int32_t> lengths_;
  std::int32_t largest_id_ = -1;
};

// Every text has at least one token: where the tokenizer gives none, its end-of-text token (or 0).
// Longer texts keep their beginning, and the special tokens that the tokenizer puts at the end.
// `max_length` 0: no limit. Throws ConfigError("training.max_length") when the special tokens alone
// do not fit.
TokenSequences tokenise(const Tokenizer& tokenizer, const std::vector<std::string>& texts,
                        std::int64_t max_length);

}  // namespace mvn
