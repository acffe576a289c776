#include "train/tokenizers/word_cache.h"

#include <algorithm>

namespace mvn {

void WordCache::insert(std::string_view word, std::span<const std::int32_t> ids) {
  if (word.size() > kLongestWord || ids.empty() || ids.size() > kLongestWord) return;
  if (used_ * 2 >= slots_.size()) grow();
  Slot slot;
  slot.key = key_of(word);
  slot.count = static_cast<std::uint32_t>(ids.size());
  if (slot.key.is_long()) {
    slot.word_begin = static_cast<std::uint32_t>(words_.size());
    words_.insert(words_.end(), word.begin(), word.end());
  }
  if (ids.size() <= kInPlace) {
    std::copy(ids.begin(), ids.end(), slot.ids);
  } else {
    slot.ids[0] = static_cast<std::int32_t>(ids_.size());
    ids_.insert(ids_.end(), ids.begin(), ids.end());
  }
  place(slot);
  ++used_;
}

void WordCache::place(const Slot& slot) {
  std::size_t at = slot.key.hash() & (slots_.size() - 1);
  while (slots_[at].count != 0) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = slot;
}

void WordCache::grow() {
  if (slots_.size() == kMostSlots) {
    slots_.assign(kMostSlots, Slot{});
    used_ = 0;
    words_.clear();
    ids_.clear();
    return;
  }
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.count != 0) place(slot);
  }
}

}  // namespace mvn
