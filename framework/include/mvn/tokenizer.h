// Tokenizer: text -> token ids, as the task sees it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mvn {

// Thread-safe for encode() and decode().
class Tokenizer {
 public:
  virtual ~Tokenizer();
  // The ids of `text` (UTF-8; invalid bytes count as U+FFFD), with the special tokens that the
  // tokenizer's own files say it adds.
  [[nodiscard]] virtual std::vector<std::int32_t> encode(std::string_view text) const = 0;
  [[nodiscard]] virtual std::string decode(const std::vector<std::int32_t>& ids) const = 0;
  // One past the largest id.
  [[nodiscard]] virtual std::int64_t vocabulary() const = 0;
  // The end-of-text token that separates packed documents, or -1 where there is none.
  [[nodiscard]] virtual std::int32_t end_of_text() const = 0;
};

}  // namespace mvn
