#include "tokens.h"

#include <algorithm>

#include "mvn/error.h"

namespace mvn {
namespace {

// The special tokens that the tokenizer puts behind every text: what it gives for an empty one,
// less what it also puts in front of a text.
std::vector<std::int32_t> closing_tokens(const Tokenizer& tokenizer) {
  const auto empty = tokenizer.encode("");
  const auto text = tokenizer.encode("a");
  const auto front = std::mismatch(empty.begin(), empty.end(), text.begin(), text.end()).first;
  return {front, empty.end()};
}

}  // namespace

void TokenSequences::add(std::span<const std::int32_t> ids) {
  starts_.push_back(ids_.size());
  lengths_.push_back(static_cast<std::int32_t>(ids.size()));
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  for (const auto id : ids) largest_id_ = std::max(largest_id_, id);
}

std::span<const std::int32_t> TokenSequences::operator[](std::int64_t index) const {
  const auto i = static_cast<std::size_t>(index);
  return std::span(ids_).subspan(starts_.at(i), static_cast<std::size_t>(lengths_[i]));
}

TokenSequences tokenise(const Tokenizer& tokenizer, const std::vector<std::string>& texts,
                        std::int64_t max_length) {
  const auto closing = closing_tokens(tokenizer);
  const auto limit = static_cast<std::size_t>(max_length);
  if (max_length > 0 && limit <= closing.size()) {
    throw ConfigError("training.max_length",
                      "the tokenizer closes every text with " + std::to_string(closing.size()) +
                          " special tokens, so max_length must be above that, got " +
                          std::to_string(max_length));
  }
  TokenSequences sequences;
  for (const auto& text : texts) {
    auto ids = tokenizer.encode(text);
    if (ids.empty()) ids.push_back(std::max(0, tokenizer.end_of_text()));
    if (limit > 0 && ids.size() > limit) {
      ids.resize(limit);
      std::copy(closing.begin(), closing.end(),
                ids.end() - static_cast<std::ptrdiff_t>(closing.size()));
    }
    sequences.add(ids);
  }
  return sequences;
}

}  // namespace mvn
