// A tokenizer that ends every text with the end-of-text token, which some of them leave out.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mvn/tokenizer.h"

namespace mvn {

class ClosingTokenizer : public Tokenizer {
 public:
  explicit ClosingTokenizer(std::shared_ptr<const Tokenizer> inner) : inner_(std::move(inner)) {}

  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const override {
    auto ids = inner_->encode(text);
    ids.push_back(end_of_text());
    return ids;
  }
  [[nodiscard]] std::string decode(const std::vector<std::int32_t>& ids) const override {
    return inner_->decode(ids);
  }
  [[nodiscard]] std::int64_t vocabulary() const override { return inner_->vocabulary(); }
  [[nodiscard]] std::int32_t end_of_text() const override { return inner_->end_of_text(); }
  [[nodiscard]] bool truncates_left() const override { return inner_->truncates_left(); }

 private:
  std::shared_ptr<const Tokenizer> inner_;
};

}  // namespace mvn
