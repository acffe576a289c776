#include "train/tokenizers/added_tokens.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/utf8.h"
#include "train/tokenizers/unicode.h"

namespace mvn {
namespace {

CodePoint code_point_before(std::string_view text, std::size_t end) {
  std::size_t at = end - 1;
  while (continues_utf8(text[at])) --at;
  return code_point_at(text, at);
}

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  const bool left = begin == 0 || !unicode::is_word(code_point_before(text, begin).value);
  const bool right = end == text.size() || !unicode::is_word(code_point_at(text, end).value);
  return left && right;
}

bool is_space(char32_t c) { return unicode::kind(c) == unicode::Kind::kSpace; }

// Where the white space that ends at `end` begins.
std::size_t space_begin(std::string_view text, std::size_t end) {
  while (end > 0) {
    const CodePoint point = code_point_before(text, end);
    if (!is_space(point.value)) break;
    end -= point.size;
  }
  return end;
}

std::size_t space_end(std::string_view text, std::size_t begin) {
  while (begin < text.size()) {
    const CodePoint point = code_point_at(text, begin);
    if (!is_space(point.value)) break;
    begin += point.size;
  }
  return begin;
}

}  // namespace

const AddedToken* AddedTokens::find(const std::string& content) const {
  const auto place = places_.find(content);
  return place == places_.end() ? nullptr : &tokens_[place->second];
}

void AddedTokens::set(AddedToken token) {
  largest_id_ = std::max(largest_id_, token.id);
  const auto [place, is_new] = places_.emplace(token.content, tokens_.size());
  if (is_new) {
    tokens_.push_back(std::move(token));
  } else {
    tokens_[place->second] = std::move(token);
  }
}

AddedTokenMatcher::AddedTokenMatcher(std::vector<AddedToken> tokens,
                                     const std::vector<std::string>& patterns)
    : tokens_(std::move(tokens)) {
  build_trie(patterns);
  for (const auto& pattern : patterns) begins_[static_cast<std::uint8_t>(pattern[0])] = true;
  if (std::count(begins_.begin(), begins_.end(), true) == 1) {
    only_begin_ =
        static_cast<int>(std::find(begins_.begin(), begins_.end(), true) - begins_.begin());
  }
}

// Nodes in the order of breadth, each node's edges side by side and sorted.
void AddedTokenMatcher::build_trie(const std::vector<std::string>& patterns) {
  std::vector<std::map<char, std::uint32_t>> children(1);
  nodes_.resize(1);
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    std::uint32_t node = 0;
    for (const char byte : patterns[i]) {
      const auto fresh = static_cast<std::uint32_t>(nodes_.size());
      const auto [child, is_new] = children[node].emplace(byte, fresh);
      node = child->second;
      if (is_new) {
        nodes_.emplace_back();
        children.emplace_back();
      }
    }
    nodes_[node].token = static_cast<std::int32_t>(i);
  }
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    nodes_[node].first_edge = static_cast<std::uint32_t>(edges_.size());
    for (const auto& [byte, child] : children[node]) edges_.push_back({byte, child});
    nodes_[node].last_edge = static_cast<std::uint32_t>(edges_.size());
  }
}

const AddedToken* AddedTokenMatcher::longest_at(std::string_view text, std::size_t at,
                                                std::size_t* end) const {
  const AddedToken* longest = nullptr;
  std::uint32_t node = 0;
  while (true) {
    if (nodes_[node].token >= 0) {
      longest = &tokens_[static_cast<std::size_t>(nodes_[node].token)];
      *end = at;
    }
    if (at == text.size()) return longest;
    const auto first = edges_.begin() + nodes_[node].first_edge;
    const auto last = edges_.begin() + nodes_[node].last_edge;
    const auto edge = std::lower_bound(first, last, text[at],
                                       [](const Edge& e, char byte) { return e.byte < byte; });
    if (edge == last || edge->byte != text[at]) return longest;
    node = edge->node;
    ++at;
  }
}

AddedTokenMatcher::Match AddedTokenMatcher::next_match(std::string_view text,
                                                       std::size_t from) const {
  for (std::size_t at = from; at < text.size(); ++at) {
    if (only_begin_ >= 0) {
      at = text.find(static_cast<char>(only_begin_), at);
      if (at == std::string_view::npos) break;
    } else if (!begins_[static_cast<std::uint8_t>(text[at])]) {
      continue;
    }
    std::size_t end = 0;
    if (const AddedToken* token = longest_at(text, at, &end)) return {at, end, token};
  }
  return {};
}

// As the reference counts: the search goes on where a match ended, whatever its flags made of it;
// white space that a token took belongs to it once.
void AddedTokenMatcher::split(std::string_view text, std::vector<Segment>& segments) const {
  std::size_t done = 0;
  if (!empty()) {
    Match match;
    for (std::size_t from = 0; (match = next_match(text, from)).token != nullptr;) {
      from = match.end;
      const AddedToken& token = *match.token;
      if (token.single_word && !stands_alone(text, match.begin, match.end)) continue;
      if (token.lstrip) match.begin = std::max(space_begin(text, match.begin), done);
      if (token.rstrip) match.end = space_end(text, match.end);
      if (done < match.begin) segments.push_back({text.substr(done, match.begin - done)});
      // One whose text others took entirely is dropped.
      if (match.begin < match.end) {
        segments.push_back({text.substr(match.begin, match.end - match.begin), token.id});
      }
      done = match.end;
    }
  }
  if (done < text.size()) segments.push_back({text.substr(done)});
}

}  // namespace mvn
