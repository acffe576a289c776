#include "tokens.h"

#include <algorithm>

#include "mvn/error.h"

namespace mvn {

TokenStore tokenise(const Tokenizer& tokenizer, const std::vector<std::string>& texts,
                    std::int64_t max_length, TokenPlace place, int threads) {
  const auto closing = closing_tokens(tokenizer);
  const auto limit = static_cast<std::size_t>(max_length);
  if (max_length > 0 && limit <= closing.size()) {
    throw ConfigError("training.max_length",
                      "the tokenizer closes every text with " + std::to_string(closing.size()) +
                          " special tokens, so max_length must be above that, got " +
                          std::to_string(max_length));
  }
  place.how["max_length"] = max_length;
  return TokenStore::open(place.folder, place.source, place.how, [&](TokenWriter& writer) {
    std::vector<std::int32_t> ids;
    encode_each(tokenizer, texts, threads, [&](std::size_t text, const auto encoded) {
      ids.assign(encoded.begin(), encoded.end());
      if (ids.empty()) ids.push_back(std::max(0, tokenizer.end_of_text()));
      if (limit > 0 && ids.size() > limit) {
        ids.resize(limit);
        std::copy(closing.begin(), closing.end(),
                  ids.end() - static_cast<std::ptrdiff_t>(closing.size()));
      }
      writer.add(ids, static_cast<std::int64_t>(texts[text].size()));
    });
  });
}

}  // namespace mvn
