// The merge loop is the reference's: always the pair of the lowest rank, the leftmost on ties. Two
// facts make it fast without changing a single id:
// - the result of a word depends on the word alone, so a cache of words stands in front;
// - where no token spells "x" + U+2581 across a place, no merge crosses it, and both sides can be
//   encoded on their own. That turns SentencePiece's whole-text words into real words.
#include "train/tokenizers/bpe.h"

#include <algorithm>
#include <bit>

#include "common/utf8.h"
#include "mvn/error.h"
#include "train/tokenizers/byte_level.h"
#include "train/tokenizers/unicode.h"

namespace mvn {
namespace {

constexpr char32_t kNearCharacters = 0x10000;
// Longer words are merged with a heap; below, a scan over the ranks is faster.
constexpr std::size_t kShortWord = 48;

std::size_t hash_pair(std::uint64_t pair) {
  pair *= 0x9E3779B97F4A7C15U;
  return pair ^ pair >> 32;
}

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}

std::string fallback_token(unsigned byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  return std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + ">";
}

}  // namespace

Bpe::Bpe(Vocabulary vocabulary, const Merges& merges, const BpeOptions& options)
    : options_(options), vocabulary_(std::move(vocabulary)) {
  std::unordered_map<std::int32_t, const std::string*> owners;
  for (const auto& [token, id] : vocabulary_) {
    const auto [owner, is_new] = owners.emplace(id, &token);
    if (!is_new) {
      throw DataError("the tokens '" + std::min(token, *owner->second) + "' and '" +
                      std::max(token, *owner->second) + "' both have id " + std::to_string(id));
    }
  }
  if (options_.unk_token) {
    unk_ = id_of(*options_.unk_token);
    if (unk_ < 0) {
      throw DataError("the unknown token '" + *options_.unk_token + "' is not in the vocabulary");
    }
  }
  add_merges(merges);
  prepare_characters();
  find_cuts();
}

std::int32_t Bpe::id_of(const std::string& token) const {
  const auto found = vocabulary_.find(token);
  return found == vocabulary_.end() ? -1 : found->second;
}

void Bpe::add_merges(const Merges& merges) {
  merges_.resize(std::bit_ceil(2 * merges.size() + 2));
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    const std::string result = left + right;
    for (const auto* token : {&left, &right, &result}) {
      if (id_of(*token) < 0) {
        throw DataError("merge " + std::to_string(rank + 1) + " ('" + left + "' + '" + right +
                        "'): '" + *token + "' is not in the vocabulary");
      }
    }
    add_merge(id_of(left), id_of(right), static_cast<std::uint32_t>(rank), id_of(result));
  }
}

// A pair listed twice has its last rank, as in the reference.
void Bpe::add_merge(std::int32_t left, std::int32_t right, std::uint32_t rank,
                    std::int32_t result) {
  const std::uint64_t pair = pair_key(left, right);
  std::size_t at = hash_pair(pair) & (merges_.size() - 1);
  while (merges_[at].pair != kNoPair && merges_[at].pair != pair) {
    at = (at + 1) & (merges_.size() - 1);
  }
  merges_[at] = {pair, rank, result};
}

const Bpe::Merge* Bpe::find_merge(std::int32_t left, std::int32_t right) const {
  const std::uint64_t pair = pair_key(left, right);
  for (std::size_t at = hash_pair(pair) & (merges_.size() - 1);;
       at = (at + 1) & (merges_.size() - 1)) {
    if (merges_[at].pair == pair) return &merges_[at];
    if (merges_[at].pair == kNoPair) return nullptr;
  }
}

std::uint32_t Bpe::rank_of(std::int32_t left, std::int32_t right) const {
  const Merge* merge = find_merge(left, right);
  return merge == nullptr ? kNoRank : merge->rank;
}

void Bpe::prepare_characters() {
  character_ids_.assign(kNearCharacters, -1);
  for (const auto& [token, id] : vocabulary_) {
    if (token.empty()) continue;
    const CodePoint point = code_point_at(token, 0);
    if (point.size != token.size()) continue;
    if (point.value < kNearCharacters) {
      character_ids_[point.value] = id;
    } else {
      far_character_ids_.emplace(point.value, id);
    }
  }
  for (unsigned byte = 0; byte < 256; ++byte) {
    byte_ids_[byte] = id_of_character(byte_level::character_of(static_cast<std::uint8_t>(byte)));
    fallback_ids_[byte] = id_of(fallback_token(byte));
  }
}

std::int32_t Bpe::id_of_character(char32_t character) const {
  if (character < kNearCharacters) return character_ids_[character];
  const auto found = far_character_ids_.find(character);
  return found == far_character_ids_.end() ? -1 : found->second;
}

void Bpe::find_cuts() {
  if (options_.byte_level || id_of(std::string(unicode::kSpaceMarkerUtf8)) < 0) return;
  for (const auto& [token, id] : vocabulary_) {
    char32_t before = 0;
    for (std::size_t at = 0; at < token.size();) {
      const CodePoint point = code_point_at(token, at);
      if (at > 0 && point.value == unicode::kSpaceMarker) no_cut_after_.insert(before);
      before = point.value;
      at += point.size;
    }
  }
  // Nothing may vanish: its neighbours would meet across the cut.
  const bool all_bytes =
      options_.byte_fallback &&
      std::find(fallback_ids_.begin(), fallback_ids_.end(), -1) == fallback_ids_.end();
  if (unk_ < 0 && !all_bytes) return;
  // The unknown token and byte tokens are not spelt as the text that they stand for.
  const auto ends_uncut = [&](const std::string& token) {
    std::size_t last = 0;
    for (std::size_t at = 0; at < token.size(); at += code_point_at(token, at).size) last = at;
    return !token.empty() && no_cut_after_.contains(code_point_at(token, last).value);
  };
  cuts_ = !ends_uncut(fallback_token(0)) && !(unk_ >= 0 && ends_uncut(*options_.unk_token));
}

void Bpe::encode(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& ids) const {
  if (options_.ignore_merges) {
    const std::int32_t id =
        id_of(options_.byte_level ? byte_level::to_characters(word) : std::string(word));
    if (id >= 0) {
      ids.push_back(id);
      return;
    }
  }
  std::size_t begin = 0;
  if (cuts_) {
    for (std::size_t at = word.find(unicode::kSpaceMarkerUtf8, 1); at != std::string_view::npos;
         at = word.find(unicode::kSpaceMarkerUtf8, at + 1)) {
      if (!may_cut(word, at)) continue;
      encode_part(word.substr(begin, at - begin), scratch, ids);
      begin = at;
    }
  }
  encode_part(word.substr(begin), scratch, ids);
}

bool Bpe::may_cut(std::string_view word, std::size_t at) const {
  std::size_t before = at - 1;
  while (continues_utf8(word[before])) --before;
  return !no_cut_after_.contains(code_point_at(word, before).value);
}

void Bpe::encode_part(std::string_view part, Scratch& scratch,
                      std::vector<std::int32_t>& ids) const {
  const bool cached = part.size() <= WordCache::kLongestWord;
  if (cached) {
    if (const auto known = scratch.cache.find(part); !known.empty()) {
      ids.insert(ids.end(), known.begin(), known.end());
      return;
    }
  }
  scratch.symbols.clear();
  split(part, scratch.symbols);
  if (scratch.symbols.size() > 1) {
    scratch.symbols.size() <= kShortWord ? merge_short(scratch) : merge_long(scratch);
  }
  ids.insert(ids.end(), scratch.symbols.begin(), scratch.symbols.end());
  if (cached) scratch.cache.insert(part, scratch.symbols);
}

// One symbol a character. Unknown ones as the reference has it, down to this: an unknown token
// waits until a known character or the end comes, and bytes do not end its wait.
void Bpe::split(std::string_view part, std::vector<std::int32_t>& symbols) const {
  if (split_known(part, symbols)) return;
  symbols.clear();
  bool unknown_waits = false;
  std::string character;
  for (std::size_t at = 0; at < part.size();) {
    character.clear();
    if (options_.byte_level) {
      append_utf8(character, byte_level::character_of(static_cast<std::uint8_t>(part[at++])));
    } else {
      const std::size_t size = code_point_at(part, at).size;
      character = part.substr(at, size);
      at += size;
    }
    const std::int32_t id = id_of_character(code_point_at(character, 0).value);
    if (id >= 0) {
      if (unknown_waits) symbols.push_back(unk_);
      unknown_waits = false;
      symbols.push_back(id);
    } else if (!(options_.byte_fallback && append_bytes(character, symbols)) && unk_ >= 0) {
      if (unknown_waits && !options_.fuse_unk) symbols.push_back(unk_);
      unknown_waits = true;
    }
  }
  if (unknown_waits) symbols.push_back(unk_);
}

// The common case: every character is a token. False when one is not.
bool Bpe::split_known(std::string_view part, std::vector<std::int32_t>& symbols) const {
  for (std::size_t at = 0; at < part.size();) {
    std::int32_t id = -1;
    if (options_.byte_level) {
      id = byte_ids_[static_cast<std::uint8_t>(part[at++])];
    } else {
      const CodePoint point = code_point_at(part, at);
      id = id_of_character(point.value);
      at += point.size;
    }
    if (id < 0) return false;
    symbols.push_back(id);
  }
  return true;
}

bool Bpe::append_bytes(std::string_view character, std::vector<std::int32_t>& symbols) const {
  const std::size_t before = symbols.size();
  for (const char byte : character) {
    const std::int32_t id = fallback_ids_[static_cast<std::uint8_t>(byte)];
    if (id < 0) {
      symbols.resize(before);
      return false;
    }
    symbols.push_back(id);
  }
  return true;
}

void Bpe::merge_short(Scratch& scratch) const {
  std::int32_t* symbols = scratch.symbols.data();
  std::size_t size = scratch.symbols.size();
  std::array<std::uint32_t, kShortWord> ranks;  // of the pair that begins at each symbol
  for (std::size_t i = 0; i + 1 < size; ++i) ranks[i] = rank_of(symbols[i], symbols[i + 1]);
  while (size > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < size; ++i) {
      if (ranks[i] < ranks[best]) best = i;
    }
    if (ranks[best] == kNoRank) break;
    symbols[best] = find_merge(symbols[best], symbols[best + 1])->result;
    std::copy(symbols + best + 2, symbols + size, symbols + best + 1);
    for (std::size_t i = best + 2; i + 1 < size; ++i) ranks[i - 1] = ranks[i];
    --size;
    if (best > 0) ranks[best - 1] = rank_of(symbols[best - 1], symbols[best]);
    if (best + 1 < size) ranks[best] = rank_of(symbols[best], symbols[best + 1]);
  }
  scratch.symbols.resize(size);
}

// A list of symbols linked by index, and a heap of (rank, place): O(n log n). A heap entry whose
// rank is no longer that of its place is stale.
void Bpe::merge_long(Scratch& scratch) const {
  constexpr std::uint32_t kEnd = ~std::uint32_t{0};
  auto& symbols = scratch.symbols;
  auto& ranks = scratch.ranks;
  auto& next = scratch.next;
  auto& previous = scratch.previous;
  auto& heap = scratch.heap;
  const auto size = static_cast<std::uint32_t>(symbols.size());
  ranks.assign(size, kNoRank);
  next.resize(size);
  previous.resize(size);
  heap.clear();
  const auto later = std::greater<>();
  for (std::uint32_t i = 0; i < size; ++i) {
    next[i] = i + 1 < size ? i + 1 : kEnd;
    previous[i] = i > 0 ? i - 1 : kEnd;
    if (next[i] == kEnd) break;
    ranks[i] = rank_of(symbols[i], symbols[i + 1]);
    if (ranks[i] != kNoRank) heap.push_back(std::uint64_t{ranks[i]} << 32 | i);
  }
  std::make_heap(heap.begin(), heap.end(), later);
  const auto rate = [&](std::uint32_t at) {
    ranks[at] = next[at] == kEnd ? kNoRank : rank_of(symbols[at], symbols[next[at]]);
    if (ranks[at] == kNoRank) return;
    heap.push_back(std::uint64_t{ranks[at]} << 32 | at);
    std::push_heap(heap.begin(), heap.end(), later);
  };
  while (!heap.empty()) {
    const std::uint64_t top = heap.front();
    std::pop_heap(heap.begin(), heap.end(), later);
    heap.pop_back();
    const auto at = static_cast<std::uint32_t>(top);
    if (ranks[at] != top >> 32) continue;
    const std::uint32_t right = next[at];
    symbols[at] = find_merge(symbols[at], symbols[right])->result;
    symbols[right] = -1;
    ranks[right] = kNoRank;
    next[at] = next[right];
    if (next[at] != kEnd) previous[next[at]] = at;
    rate(at);
    if (previous[at] != kEnd) rate(previous[at]);
  }
  std::erase(symbols, -1);
}

}  // namespace mvn
