#include "pairs.h"

#include <algorithm>
#include <span>

#include "mvn/error.h"

namespace mvn {
namespace {

using Ids = std::vector<std::int32_t>;

// Puts two texts together.
class PairJoiner {
 public:
  PairJoiner(const Tokenizer& tokenizer, const PairOptions& options)
      : closing_(closing_tokens(tokenizer).size()),
        from_left_(options.truncation.empty() ? tokenizer.truncates_left()
                                              : options.truncation == "left"),
        limit_(static_cast<std::size_t>(options.max_length)) {
    const auto nothing = tokenizer.encode("");
    opening_ = nothing.size() - closing_;
    if (auto own = tokenizer.pair_tokens()) {
      around_ = std::move(*own);
    } else {
      const auto begin = nothing.begin() + static_cast<std::ptrdiff_t>(opening_);
      around_.before.assign(nothing.begin(), begin);
      around_.behind.assign(begin, nothing.end());
      const auto between = tokenizer.encode(options.separator);
      const auto own_tokens = without_ends(between);
      around_.between.assign(own_tokens.begin(), own_tokens.end());
    }
    const auto count = around_.before.size() + around_.between.size() + around_.behind.size();
    if (limit_ != 0 && limit_ <= count + 1) {
      throw ConfigError("training.max_length",
                        "a pair takes " + std::to_string(count) +
                            " tokens round and between its texts, so max_length must be above " +
                            std::to_string(count + 1) + ", got " + std::to_string(limit_));
    }
    room_ = limit_ == 0 ? 0 : limit_ - count;
  }

  [[nodiscard]] bool from_left() const { return from_left_; }

  // Of what the tokenizer gives for a text alone, the text's own.
  [[nodiscard]] std::span<const std::int32_t> without_ends(
      std::span<const std::int32_t> ids) const {
    return ids.subspan(opening_, ids.size() - opening_ - closing_);
  }

  // Returns whether something was cut off.
  bool join(std::span<const std::int32_t> first, std::span<const std::int32_t> second,
            Ids& joined) const {
    const auto [of_first, of_second] = room_ == 0
                                           ? std::pair{first.size(), second.size()}
                                           : shares_of_pair(first.size(), second.size(), room_);
    joined = around_.before;
    add(first, of_first, joined);
    joined.insert(joined.end(), around_.between.begin(), around_.between.end());
    add(second, of_second, joined);
    joined.insert(joined.end(), around_.behind.begin(), around_.behind.end());
    return of_first + of_second < first.size() + second.size();
  }

 private:
  void add(std::span<const std::int32_t> text, std::size_t count, Ids& joined) const {
    const auto part = from_left_ ? text.last(count) : text.first(count);
    joined.insert(joined.end(), part.begin(), part.end());
  }

  std::size_t opening_ = 0;
  std::size_t closing_;
  bool from_left_;
  std::size_t limit_;
  std::size_t room_ = 0;  // for the texts; 0: no limit
  PairTokens around_;
};

}  // namespace

std::pair<std::size_t, std::size_t> shares_of_pair(std::size_t first, std::size_t second,
                                                   std::size_t room) {
  if (first + second <= room) return {first, second};
  std::size_t shorter = std::min(first, second);
  std::size_t longer = room - std::min(shorter, room);
  if (shorter > longer) {
    shorter = room / 2;
    longer = room - shorter;
  }
  return first > second ? std::pair{longer, shorter} : std::pair{shorter, longer};
}

TokenStore tokenise_pairs(const Tokenizer& tokenizer, const std::vector<std::string>& texts,
                          const PairOptions& options, TokenPlace place) {
  const PairJoiner joiner(tokenizer, options);
  place.how["max_length"] = options.max_length;
  if (joiner.from_left()) place.how["truncation"] = "left";
  return TokenStore::open(place.folder, place.sources, place.how, [&](TokenWriter& writer) {
    Ids first;
    Ids joined;
    encode_each(tokenizer, texts, options.threads, [&](std::size_t index, const auto encoded) {
      const auto ids = joiner.without_ends(encoded);
      if (index % 2 == 0) {
        first.assign(ids.begin(), ids.end());
        return;
      }
      const bool was_cut = joiner.join(first, ids, joined);
      if (joined.empty()) joined.push_back(std::max(0, tokenizer.end_of_text()));
      const auto bytes = texts[index - 1].size() + texts[index].size();
      writer.add(joined, static_cast<std::int64_t>(bytes), was_cut);
    });
  });
}

}  // namespace mvn
