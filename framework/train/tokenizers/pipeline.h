// The tokenizer that the files describe, put together.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "mvn/tokenizer.h"
#include "train/tokenizers/added_tokens.h"
#include "train/tokenizers/bpe.h"
#include "train/tokenizers/steps.h"

namespace mvn {

// Everything that a tokenizer.json says, checked.
struct TokenizerParts {
  AddedTokens added_tokens;  // contents not empty
  std::vector<Normalizer> normalizers;
  PreTokenizer pre_tokenizer;
  std::shared_ptr<const Bpe> model;
  // Ids before and after the text's own.
  std::vector<std::int32_t> prefix;
  std::vector<std::int32_t> suffix;
  // Round and between two texts; absent where nothing comes between them.
  std::optional<PairTokens> pair;
  std::optional<std::vector<Decoder>> decoders;  // absent: tokens are joined by spaces
  std::int32_t end_of_text = -1;
  bool truncates_left = false;
};

class PipelineTokenizer final : public Tokenizer {
 public:
  explicit PipelineTokenizer(TokenizerParts parts);

  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const override;
  [[nodiscard]] std::string decode(const std::vector<std::int32_t>& ids) const override;
  [[nodiscard]] std::int64_t vocabulary() const override { return vocabulary_; }
  [[nodiscard]] std::int32_t end_of_text() const override { return parts_.end_of_text; }
  [[nodiscard]] bool truncates_left() const override { return parts_.truncates_left; }
  [[nodiscard]] std::optional<PairTokens> pair_tokens() const override { return parts_.pair; }

 private:
  // What one encode() at a time writes to.
  struct Scratch {
    Bpe::Scratch model;
    std::vector<Segment> outer;
    std::vector<Segment> inner;
    std::string normalized;
    std::string words;
  };

  void encode_valid(std::string_view text, Scratch& scratch, std::vector<std::int32_t>& ids) const;
  void encode_piece(std::string_view piece, bool is_first, Scratch& scratch,
                    std::vector<std::int32_t>& ids) const;
  void encode_words(std::string_view text, bool is_first, Scratch& scratch,
                    std::vector<std::int32_t>& ids) const;
  [[nodiscard]] std::unique_ptr<Scratch> borrow() const;
  void give_back(std::unique_ptr<Scratch> scratch) const;

  TokenizerParts parts_;
  AddedTokenMatcher raw_matcher_;
  AddedTokenMatcher normalized_matcher_;
  std::unordered_map<std::int32_t, std::string> tokens_;  // as the decoders see them
  std::int64_t vocabulary_ = 0;

  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Scratch>> free_;
};

}  // namespace mvn
