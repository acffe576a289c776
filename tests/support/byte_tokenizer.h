// A tokenizer for tests: a byte is a token, with special tokens round it as a test wants.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mvn/tokenizer.h"

namespace mvn::test {

class ByteTokenizer : public Tokenizer {
 public:
  static constexpr std::int32_t kOpen = 256;
  static constexpr std::int32_t kClose = 257;
  static constexpr std::int32_t kEndOfText = 258;

  explicit ByteTokenizer(bool opens = false, bool closes = false,
                         std::int32_t end_of_text = kEndOfText, bool truncates_left = false)
      : opens_(opens),
        closes_(closes),
        end_of_text_(end_of_text),
        truncates_left_(truncates_left) {}

  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const override {
    std::vector<std::int32_t> ids;
    if (opens_) ids.push_back(kOpen);
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    if (closes_) ids.push_back(kClose);
    return ids;
  }
  [[nodiscard]] std::string decode(const std::vector<std::int32_t>& ids) const override {
    std::string text;
    for (const auto id : ids) {
      if (id < 256) text.push_back(static_cast<char>(id));
    }
    return text;
  }
  [[nodiscard]] std::int64_t vocabulary() const override { return 259; }
  [[nodiscard]] std::int32_t end_of_text() const override { return end_of_text_; }
  [[nodiscard]] bool truncates_left() const override { return truncates_left_; }
  [[nodiscard]] std::optional<PairTokens> pair_tokens() const override { return pair_tokens_; }
  void set_pair_tokens(PairTokens tokens) { pair_tokens_ = std::move(tokens); }

 private:
  bool opens_;
  bool closes_;
  std::int32_t end_of_text_;
  bool truncates_left_;
  std::optional<PairTokens> pair_tokens_;
};

}  // namespace mvn::test
