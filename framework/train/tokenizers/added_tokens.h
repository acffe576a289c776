// Added tokens: texts that are cut out of the input before the model sees it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mvn {

struct AddedToken {
  std::int32_t id = 0;
  std::string content;
  bool single_word = false;  // not where a word character touches it
  bool lstrip = false;       // takes the white space on its left with it
  bool rstrip = false;
  bool normalized = true;  // looked for in the normalised text
  bool special = false;
};

// The added tokens of a tokenizer in their order, each content once.
class AddedTokens {
 public:
  // Null where none has this content.
  [[nodiscard]] const AddedToken* find(const std::string& content) const;
  // Adds a token, or replaces the one of its content.
  void set(AddedToken token);

  // The largest id that a token has had, or -1.
  [[nodiscard]] std::int32_t largest_id() const { return largest_id_; }
  [[nodiscard]] auto begin() const { return tokens_.begin(); }
  [[nodiscard]] auto end() const { return tokens_.end(); }

 private:
  std::vector<AddedToken> tokens_;
  std::unordered_map<std::string, std::size_t> places_;  // by content
  std::int32_t largest_id_ = -1;
};

// A stretch of text, or the added token found there.
struct Segment {
  std::string_view text;
  std::int32_t token = -1;  // -1: text
};

// Finds added tokens: the leftmost, and the longest of those. Immutable.
class AddedTokenMatcher {
 public:
  // `patterns[i]` is what tokens[i] looks like in the text; none may be empty or twice there.
  AddedTokenMatcher(std::vector<AddedToken> tokens, const std::vector<std::string>& patterns);

  [[nodiscard]] bool empty() const { return tokens_.empty(); }

  // Appends the segments of valid UTF-8 `text` in order; none for an empty text.
  void split(std::string_view text, std::vector<Segment>& segments) const;

 private:
  struct Node {
    std::int32_t token = -1;  // index of the token that ends here
    std::uint32_t first_edge = 0;
    std::uint32_t last_edge = 0;
  };
  struct Edge {
    char byte;
    std::uint32_t node;
  };
  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
    const AddedToken* token = nullptr;  // null: no more
  };

  void build_trie(const std::vector<std::string>& patterns);
  [[nodiscard]] Match next_match(std::string_view text, std::size_t from) const;
  [[nodiscard]] const AddedToken* longest_at(std::string_view text, std::size_t at,
                                             std::size_t* end) const;

  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
  std::array<bool, 256> begins_{};  // the bytes that a pattern may begin with
  int only_begin_ = -1;             // where that is one byte
};

}  // namespace mvn
