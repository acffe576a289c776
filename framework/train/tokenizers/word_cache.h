// Remembers the ids of words, so that BPE runs once for each different word.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace mvn {

// An open-addressing table that holds words of up to 16 bytes and up to three ids in place. It
// forgets everything when it is full. Not thread-safe.
class WordCache {
 public:
  static constexpr std::size_t kLongestWord = 255;

  WordCache() : slots_(kFewestSlots) {}

  // The ids of `word`, or an empty span when it is not known. The span lives until insert().
  [[nodiscard]] std::span<const std::int32_t> find(std::string_view word) const {
    const Key key = key_of(word);
    for (std::size_t at = key.hash() & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.count == 0) return {};
      if (slot.key == key && (!key.is_long() || long_word(slot) == word)) return ids_of(slot);
    }
  }

  // Words longer than kLongestWord, with no ids or with very many are not kept.
  void insert(std::string_view word, std::span<const std::int32_t> ids);

 private:
  static constexpr std::size_t kFewestSlots = 1 << 10;
  static constexpr std::size_t kMostSlots = 1 << 16;
  static constexpr std::size_t kShortWord = 16;
  static constexpr std::size_t kInPlace = 3;

  // All bytes of a word of up to 16, or a hash of a longer one; and the length.
  struct Key {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    std::uint32_t length = 0;

    bool operator==(const Key&) const = default;
    [[nodiscard]] bool is_long() const { return length > kShortWord; }
    [[nodiscard]] std::size_t hash() const {
      std::uint64_t mixed = (first ^ (second * 0x9E3779B97F4A7C15U)) * 0xD6E8FEB86659FD93U;
      mixed ^= mixed >> 32;
      mixed = (mixed ^ length) * 0xD6E8FEB86659FD93U;
      return mixed ^ mixed >> 29;
    }
  };

  struct Slot {
    Key key;
    std::uint32_t count = 0;          // ids; 0: the slot is free
    std::uint32_t word_begin = 0;     // of a long word, in words_
    std::int32_t ids[kInPlace] = {};  // where there are more: [0] is their place in ids_
  };

  template <typename T>
  static std::uint64_t load(const char* bytes) {
    T value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }

  static Key key_of(std::string_view word) {
    const char* p = word.data();
    const std::size_t n = word.size();
    Key key{0, 0, static_cast<std::uint32_t>(n)};
    if (n > kShortWord) {
      for (std::size_t at = 0; at + 8 <= n; at += 8) {
        key.first = (key.first ^ load<std::uint64_t>(p + at)) * 0x9E3779B97F4A7C15U;
        key.first ^= key.first >> 31;
      }
      key.second = load<std::uint64_t>(p + n - 8);
    } else if (n >= 8) {
      key.first = load<std::uint64_t>(p);
      key.second = load<std::uint64_t>(p + n - 8);
    } else if (n >= 4) {
      key.first = load<std::uint32_t>(p) | load<std::uint32_t>(p + n - 4) << 32;
    } else if (n > 0) {
      key.first = load<std::uint8_t>(p) | load<std::uint8_t>(p + n / 2) << 8 |
                  load<std::uint8_t>(p + n - 1) << 16;
    }
    return key;
  }

  [[nodiscard]] std::string_view long_word(const Slot& slot) const {
    return std::string_view(words_.data() + slot.word_begin, slot.key.length);
  }

  [[nodiscard]] std::span<const std::int32_t> ids_of(const Slot& slot) const {
    if (slot.count <= kInPlace) return {slot.ids, slot.count};
    return {ids_.data() + slot.ids[0], slot.count};
  }

  void grow();
  void place(const Slot& slot);

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
  std::vector<char> words_;
  std::vector<std::int32_t> ids_;
};

}  // namespace mvn
