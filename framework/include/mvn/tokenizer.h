// Tokenizer: text -> token ids, as the task sees it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mvn {

// What a tokenizer puts round and between two texts that belong together.
struct PairTokens {
  std::vector<std::int32_t> before;
  std::vector<std::int32_t> between;
  std::vector<std::int32_t> behind;
};

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
  // Whether a text that is too long loses its beginning and not its end. Default: its end.
  [[nodiscard]] virtual bool truncates_left() const;
  // How the tokenizer's own files join two texts; nothing where they put no token between them, as
  // GPT-2's. Default: nothing.
  [[nodiscard]] virtual std::optional<PairTokens> pair_tokens() const;
};

// Takes the ids of one text, which live as long as the call.
using TakeIds = std::function<void(std::size_t text, std::span<const std::int32_t> ids)>;

// Encodes texts on so many threads, the calling one among them, and gives the ids of each to
// `take`, on the calling thread and in the order of the texts whatever the number of threads.
void encode_each(const Tokenizer& tokenizer, std::span<const std::string> texts, int threads,
                 const TakeIds& take);

}  // namespace mvn
