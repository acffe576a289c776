#include "train/tokenizers/steps.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/utf8.h"
#include "train/tokenizers/byte_level.h"
#include "train/tokenizers/unicode.h"

namespace mvn {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

std::string replaced(std::string_view text, const Replace& step) {
  std::string result;
  result.reserve(text.size() + text.size() / 2);
  std::size_t done = 0;
  for (std::size_t at = text.find(step.pattern); at != std::string_view::npos;
       at = text.find(step.pattern, done)) {
    result.append(text.substr(done, at - done)).append(step.content);
    done = at + step.pattern.size();
  }
  return result.append(text.substr(done));
}

bool prepends(const Metaspace& step, std::string_view text, bool is_first) {
  if (step.prepend == PrependScheme::kNever || text.starts_with(step.replacement)) return false;
  return step.prepend == PrependScheme::kAlways || is_first;
}

// The byte that a token "<0xE2>" stands for.
std::optional<char> fallback_byte(const std::string& token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return std::nullopt;
  // A sign is part of a number to the reference.
  const char* begin = token.data() + (token[3] == '+' ? 4 : 3);
  unsigned byte = 0;
  const auto [end, error] = std::from_chars(begin, token.data() + 5, byte, 16);
  if (error != std::errc() || end != token.data() + 5) return std::nullopt;
  return static_cast<char>(byte);
}

// A run of byte tokens is one text, or where it is not UTF-8, one U+FFFD for each byte.
void join_fallback_bytes(std::vector<std::string>& tokens) {
  std::vector<std::string> joined;
  std::string run;
  const auto end_run = [&] {
    if (run.empty()) return;
    if (valid_utf8_prefix(run) == run.size()) {
      joined.push_back(run);
    } else {
      joined.insert(joined.end(), run.size(), std::string(kReplacementCharacter));
    }
    run.clear();
  };
  for (auto& token : tokens) {
    if (const auto byte = fallback_byte(token)) {
      run.push_back(*byte);
    } else {
      end_run();
      joined.push_back(std::move(token));
    }
  }
  end_run();
  tokens = std::move(joined);
}

void join_bytes(std::vector<std::string>& tokens) {
  std::string bytes;
  for (const auto& token : tokens) bytes += byte_level::to_bytes(token);
  tokens = {replace_invalid_utf8(bytes)};
}

void fuse(std::vector<std::string>& tokens) {
  std::string all;
  for (const auto& token : tokens) all += token;
  tokens = {std::move(all)};
}

void strip(const Strip& step, std::string& token) {
  const std::size_t size = step.content.size();
  std::size_t begin = 0;
  for (std::size_t i = 0; i < step.start && token.compare(begin, size, step.content) == 0; ++i) {
    begin += size;
  }
  std::size_t end = token.size();
  for (std::size_t i = 0;
       i < step.stop && end >= begin + size && token.compare(end - size, size, step.content) == 0;
       ++i) {
    end -= size;
  }
  token = token.substr(begin, end - begin);
}

void restore_spaces(const MetaspaceDecoder& step, std::vector<std::string>& tokens) {
  const bool drops_first = step.prepend != PrependScheme::kNever;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] = replaced(tokens[i], {step.replacement, i == 0 && drops_first ? "" : " "});
  }
}

}  // namespace

std::string_view normalize(const std::vector<Normalizer>& steps, std::string_view text,
                           std::string& buffer) {
  for (const auto& step : steps) {
    std::visit(Overloaded{[&](const Nfc&) {
                            if (unicode::is_surely_nfc(text)) return;
                            buffer = unicode::nfc(text);
                            text = buffer;
                          },
                          [&](const Prepend& prepend) {
                            if (text.empty()) return;
                            std::string result = prepend.prefix;
                            buffer = std::move(result.append(text));
                            text = buffer;
                          },
                          [&](const Replace& replace) {
                            if (text.find(replace.pattern) == std::string_view::npos) return;
                            buffer = replaced(text, replace);
                            text = buffer;
                          }},
               step);
  }
  return text;
}

std::string_view prepare_words(const PreTokenizer& step, std::string_view text, bool is_first,
                               std::string& buffer) {
  if (const auto* byte_level = std::get_if<ByteLevel>(&step)) {
    if (!byte_level->add_prefix_space || text.starts_with(' ')) return text;
    std::string result(" ");
    buffer = std::move(result.append(text));
    return buffer;
  }
  if (const auto* metaspace = std::get_if<Metaspace>(&step)) {
    std::string result = replaced(text, {" ", metaspace->replacement});
    if (prepends(*metaspace, result, is_first)) result.insert(0, metaspace->replacement);
    buffer = std::move(result);
    return buffer;
  }
  return text;
}

std::size_t next_word_end(const PreTokenizer& step, std::string_view text, std::size_t begin) {
  if (const auto* byte_level = std::get_if<ByteLevel>(&step)) {
    return byte_level->use_regex ? byte_level::word_end(text, begin) : text.size();
  }
  if (const auto* metaspace = std::get_if<Metaspace>(&step); metaspace && metaspace->split) {
    return std::min(text.find(metaspace->replacement, begin + 1), text.size());
  }
  return text.size();
}

void decode_step(const Decoder& step, std::vector<std::string>& tokens) {
  std::visit(Overloaded{[&](const ByteLevelDecoder&) { join_bytes(tokens); },
                        [&](const Replace& replace) {
                          for (auto& token : tokens) token = replaced(token, replace);
                        },
                        [&](const ByteFallback&) { join_fallback_bytes(tokens); },
                        [&](const Fuse&) { fuse(tokens); },
                        [&](const Strip& how) {
                          for (auto& token : tokens) strip(how, token);
                        },
                        [&](const MetaspaceDecoder& how) { restore_spaces(how, tokens); }},
             step);
}

}  // namespace mvn
