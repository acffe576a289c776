// In the reference's order: cut out the added tokens that are looked for in the raw text; normalise
// each piece; cut out those looked for in the normalised text; split into words; the model.
#include "train/tokenizers/pipeline.h"

#include <algorithm>

#include "common/utf8.h"

namespace mvn {
namespace {

AddedTokenMatcher matcher_of(const TokenizerParts& parts, bool normalized) {
  std::vector<AddedToken> tokens;
  std::vector<std::string> patterns;
  for (const auto& token : parts.added_tokens) {
    if (token.normalized != normalized) continue;
    std::string buffer;
    std::string pattern = token.content;
    if (normalized) pattern = normalize(parts.normalizers, token.content, buffer);
    tokens.push_back(token);
    patterns.push_back(std::move(pattern));
  }
  return {std::move(tokens), patterns};
}

}  // namespace

PipelineTokenizer::PipelineTokenizer(TokenizerParts parts)
    : parts_(std::move(parts)),
      raw_matcher_(matcher_of(parts_, /*normalized=*/false)),
      normalized_matcher_(matcher_of(parts_, /*normalized=*/true)) {
  for (const auto& [token, id] : parts_.model->vocabulary()) tokens_.emplace(id, token);
  for (const auto& token : parts_.added_tokens) {
    std::string buffer;
    tokens_[token.id] =
        token.normalized ? normalize(parts_.normalizers, token.content, buffer) : token.content;
  }
  for (const auto& [id, token] : tokens_) vocabulary_ = std::max<std::int64_t>(vocabulary_, id + 1);
}

std::vector<std::int32_t> PipelineTokenizer::encode(std::string_view text) const {
  std::vector<std::int32_t> ids;
  ids.reserve(text.size() / 3 + 8);
  ids = parts_.prefix;
  auto scratch = borrow();
  if (valid_utf8_prefix(text) == text.size()) {
    encode_valid(text, *scratch, ids);
  } else {
    encode_valid(replace_invalid_utf8(text), *scratch, ids);
  }
  give_back(std::move(scratch));
  ids.insert(ids.end(), parts_.suffix.begin(), parts_.suffix.end());
  return ids;
}

void PipelineTokenizer::encode_valid(std::string_view text, Scratch& scratch,
                                     std::vector<std::int32_t>& ids) const {
  scratch.outer.clear();
  raw_matcher_.split(text, scratch.outer);
  for (const auto& segment : scratch.outer) {
    if (segment.token >= 0) {
      ids.push_back(segment.token);
    } else {
      encode_piece(segment.text, segment.text.data() == text.data(), scratch, ids);
    }
  }
}

void PipelineTokenizer::encode_piece(std::string_view piece, bool is_first, Scratch& scratch,
                                     std::vector<std::int32_t>& ids) const {
  const std::string_view text = normalize(parts_.normalizers, piece, scratch.normalized);
  scratch.inner.clear();
  normalized_matcher_.split(text, scratch.inner);
  for (const auto& segment : scratch.inner) {
    if (segment.token >= 0) {
      ids.push_back(segment.token);
    } else {
      encode_words(segment.text, is_first && segment.text.data() == text.data(), scratch, ids);
    }
  }
}

void PipelineTokenizer::encode_words(std::string_view text, bool is_first, Scratch& scratch,
                                     std::vector<std::int32_t>& ids) const {
  text = prepare_words(parts_.pre_tokenizer, text, is_first, scratch.words);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = next_word_end(parts_.pre_tokenizer, text, begin);
    parts_.model->encode(text.substr(begin, end - begin), scratch.model, ids);
    begin = end;
  }
}

std::string PipelineTokenizer::decode(const std::vector<std::int32_t>& ids) const {
  std::vector<std::string> tokens;
  for (const std::int32_t id : ids) {
    if (const auto found = tokens_.find(id); found != tokens_.end()) {
      tokens.push_back(found->second);
    }
  }
  if (parts_.decoders) {
    for (const auto& step : *parts_.decoders) decode_step(step, tokens);
  }
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0 && !parts_.decoders) text += ' ';
    text += tokens[i];
  }
  return text;
}

std::unique_ptr<PipelineTokenizer::Scratch> PipelineTokenizer::borrow() const {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) return std::make_unique<Scratch>();
  auto scratch = std::move(free_.back());
  free_.pop_back();
  return scratch;
}

void PipelineTokenizer::give_back(std::unique_ptr<Scratch> scratch) const {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(scratch));
}

}  // namespace mvn
