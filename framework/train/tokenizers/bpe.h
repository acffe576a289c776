// Byte-pair encoding: the model that turns one word into ids.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "train/tokenizers/word_cache.h"

namespace mvn {

// What a tokenizer.json says about its BPE model.
struct BpeOptions {
  std::optional<std::string> unk_token = {};
  bool fuse_unk = false;       // a run of unknown characters is one unknown token
  bool byte_fallback = false;  // an unknown character is its bytes "<0xE2>" where all are tokens
  bool ignore_merges = false;  // a word that is a token is that token
  bool byte_level = false;     // words come as bytes, tokens are spelt in the byte-level alphabet
};

using Vocabulary = std::unordered_map<std::string, std::int32_t>;
using Merges = std::vector<std::pair<std::string, std::string>>;

class Bpe {
 public:
  // What encode() needs to write to; one for each thread.
  struct Scratch {
    WordCache cache;
    std::vector<std::int32_t> symbols;
    std::vector<std::uint32_t> ranks;
    std::vector<std::uint32_t> next;
    std::vector<std::uint32_t> previous;
    std::vector<std::uint64_t> heap;
  };

  // Throws DataError(message without a file) when a merge's parts or result are not tokens, two
  // tokens have one id, or the unknown token is not a token.
  Bpe(Vocabulary vocabulary, const Merges& merges, const BpeOptions& options);

  // Appends the ids of `word` (not empty, valid UTF-8).
  void encode(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& ids) const;

  // The id of a token, or -1.
  [[nodiscard]] std::int32_t id_of(const std::string& token) const;
  [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  struct Merge {
    std::uint64_t pair = kNoPair;
    std::uint32_t rank = kNoRank;
    std::int32_t result = 0;
  };
  static constexpr std::uint64_t kNoPair = ~std::uint64_t{0};
  static constexpr std::uint32_t kNoRank = ~std::uint32_t{0};

  void add_merges(const Merges& merges);
  void add_merge(std::int32_t left, std::int32_t right, std::uint32_t rank, std::int32_t result);
  void prepare_characters();
  void find_cuts();

  [[nodiscard]] const Merge* find_merge(std::int32_t left, std::int32_t right) const;
  [[nodiscard]] std::uint32_t rank_of(std::int32_t left, std::int32_t right) const;
  [[nodiscard]] std::int32_t id_of_character(char32_t character) const;
  [[nodiscard]] bool may_cut(std::string_view word, std::size_t at) const;

  void encode_part(std::string_view part, Scratch& scratch, std::vector<std::int32_t>& ids) const;
  void split(std::string_view part, std::vector<std::int32_t>& symbols) const;
  bool split_known(std::string_view part, std::vector<std::int32_t>& symbols) const;
  bool append_bytes(std::string_view character, std::vector<std::int32_t>& symbols) const;
  void merge_short(Scratch& scratch) const;
  void merge_long(Scratch& scratch) const;

  BpeOptions options_;
  Vocabulary vocabulary_;
  std::int32_t unk_ = -1;
  std::vector<Merge> merges_;                     // open addressing, a power of two slots
  std::array<std::int32_t, 256> byte_ids_{};      // byte-level: the byte's own token, or -1
  std::array<std::int32_t, 256> fallback_ids_{};  // "<0x00>"..."<0xFF>", or -1
  std::vector<std::int32_t> character_ids_;       // the first code points
  std::unordered_map<char32_t, std::int32_t> far_character_ids_;
  bool cuts_ = false;  // a word falls apart before each U+2581, except after these:
  std::unordered_set<char32_t> no_cut_after_;
};

}  // namespace mvn
