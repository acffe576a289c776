// Objects of JSON in the order of their keys in the text, each key found at once.
#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

namespace mvn {

// nlohmann's ordered_map, which goes through all keys for each that is read: an object of 100,000
// would take minutes. This one remembers where they are; keys are never taken out.
template <typename Key, typename T, typename Compare = std::less<Key>,
          typename Allocator = std::allocator<std::pair<const Key, T>>>
class IndexedMap : public nlohmann::ordered_map<Key, T, Compare, Allocator> {
 public:
  using Base = nlohmann::ordered_map<Key, T, Compare, Allocator>;
  using Base::Base;
  using typename Base::const_iterator;
  using typename Base::iterator;

  T& operator[](const Key& key) {
    const std::size_t place = place_of(key);
    if (place == this->size()) append(key);
    return (this->begin() + static_cast<std::ptrdiff_t>(place))->second;
  }
  iterator find(const Key& key) {
    return this->begin() + static_cast<std::ptrdiff_t>(place_of(key));
  }
  const_iterator find(const Key& key) const {
    return this->begin() + static_cast<std::ptrdiff_t>(place_of(key));
  }

 private:
  static constexpr std::size_t kFew = 16;  // faster gone through

  // size() where the key is not there.
  [[nodiscard]] std::size_t place_of(const Key& key) const {
    if (this->size() > kFew) {
      const auto found = places_.find(key);
      return found == places_.end() ? this->size() : found->second;
    }
    std::size_t place = 0;
    for (auto each = this->begin(); each != this->end() && each->first != key; ++each) ++place;
    return place;
  }

  void append(const Key& key) {
    Base::Container::emplace_back(key, T{});
    if (this->size() <= kFew) return;
    for (std::size_t i = places_.size(); i < this->size(); ++i) {
      places_.emplace((this->begin() + static_cast<std::ptrdiff_t>(i))->first, i);
    }
  }

  std::unordered_map<Key, std::size_t> places_;  // of all keys, where there are more than a few
};

using OrderedJson = nlohmann::basic_json<IndexedMap>;

}  // namespace mvn
