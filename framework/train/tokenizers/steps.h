// The steps of a tokenizer.json around its model, each a small value with one function.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mvn {

// Normalizers: text -> text.
struct Nfc {};
struct Prepend {
  std::string prefix;  // put before every text that is not empty
};
struct Replace {
  std::string pattern;  // not empty; a literal text
  std::string content;
};
using Normalizer = std::variant<Nfc, Prepend, Replace>;

// Applies the steps to `text` (valid UTF-8). The result is `text` itself or lies in `buffer`.
std::string_view normalize(const std::vector<Normalizer>& steps, std::string_view text,
                           std::string& buffer);

// Pre-tokenizers: text -> words. With none the whole text is one word.
struct ByteLevel {
  bool add_prefix_space = false;
  bool use_regex = true;
};
enum class PrependScheme { kAlways, kFirst, kNever };
struct Metaspace {
  std::string replacement = "\xE2\x96\x81";
  PrependScheme prepend = PrependScheme::kAlways;
  bool split = true;  // a word begins at each replacement
};
using PreTokenizer = std::variant<std::monostate, ByteLevel, Metaspace>;

// The text that the pre-tokenizer cuts into words; lies in `buffer` where it is not `text` itself.
// `is_first`: `text` begins where the whole input begins.
std::string_view prepare_words(const PreTokenizer& step, std::string_view text, bool is_first,
                               std::string& buffer);
// End of the word that begins at text[begin] (begin < text.size()).
std::size_t next_word_end(const PreTokenizer& step, std::string_view text, std::size_t begin);

// Decoders: the list of tokens -> a list of texts; what is left is joined.
struct ByteLevelDecoder {};
struct ByteFallback {};
struct Fuse {};
struct Strip {
  std::string content;  // one character
  std::size_t start = 0;
  std::size_t stop = 0;
};
struct MetaspaceDecoder {
  std::string replacement;
  PrependScheme prepend = PrependScheme::kAlways;
};
using Decoder =
    std::variant<ByteLevelDecoder, Replace, ByteFallback, Fuse, Strip, MetaspaceDecoder>;

void decode_step(const Decoder& step, std::vector<std::string>& tokens);

}  // namespace mvn
