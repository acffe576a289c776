#include "tokens.h"

#include <algorithm>

#include "mvn/error.h"

namespace mvn {

namespace {

// Cuts a text's ids to a length: the special tokens at both ends stay, of the text its beginning,
// or its end where the tokenizer says so.
class Cut {
 public:
  Cut(const Tokenizer& tokenizer, std::size_t limit, bool from_left)
      : limit_(limit),
        closing_(closing_tokens(tokenizer)),
        from_left_(from_left),
        opening_(static_cast<std::ptrdiff_t>(tokenizer.encode("").size() - closing_.size())) {
    const auto kept = closing_.size() + static_cast<std::size_t>(from_left_ ? opening_ : 0);
    if (limit == 0 || limit > kept) return;
    throw ConfigError("training.max_length",
                      "the tokenizer closes every text with " + std::to_string(kept) +
                          " special tokens, so max_length must be above that, got " +
                          std::to_string(limit));
  }

  // Whether there was anything to cut.
  bool operator()(std::vector<std::int32_t>& ids) const {
    if (limit_ == 0 || ids.size() <= limit_) return false;
    if (from_left_) {
      const auto surplus = static_cast<std::ptrdiff_t>(ids.size() - limit_);
      ids.erase(ids.begin() + opening_, ids.begin() + opening_ + surplus);
      return true;
    }
    ids.resize(limit_);
    std::copy(closing_.begin(), closing_.end(),
              ids.end() - static_cast<std::ptrdiff_t>(closing_.size()));
    return true;
  }

 private:
  std::size_t limit_;
  std::vector<std::int32_t> closing_;
  bool from_left_;
  std::ptrdiff_t opening_;
};

}  // namespace

TokenStore tokenise(const Tokenizer& tokenizer, const std::vector<std::string>& texts,
                    std::int64_t max_length, TokenPlace place, int threads,
                    const std::string& truncation) {
  const bool from_left = truncation.empty() ? tokenizer.truncates_left() : truncation == "left";
  const Cut cut(tokenizer, static_cast<std::size_t>(max_length), from_left);
  place.how["max_length"] = max_length;
  if (from_left) place.how["truncation"] = "left";
  return TokenStore::open(place.folder, place.sources, place.how, [&](TokenWriter& writer) {
    std::vector<std::int32_t> ids;
    encode_each(tokenizer, texts, threads, [&](std::size_t text, const auto encoded) {
      ids.assign(encoded.begin(), encoded.end());
      if (ids.empty()) ids.push_back(std::max(0, tokenizer.end_of_text()));
      const bool was_cut = cut(ids);
      writer.add(ids, static_cast<std::int64_t>(texts[text].size()), was_cut);
    });
  });
}

}  // namespace mvn
