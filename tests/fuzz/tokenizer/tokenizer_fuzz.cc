// Reads bytes as a tokenizer's file and encodes with it. The input is the file, a line "---", and
// the text: a tokenizer.json where it begins with '{', else a SentencePiece model.
//
// Nothing but mvn::Error may come out; ids are in range, and the same the second time, when the
// words come from the cache.
#include <cstdlib>
#include <string_view>

#include "common/json.h"
#include "mvn/error.h"
#include "train/tokenizers/load.h"
#include "train/tokenizers/sentencepiece.h"
#include "train/tokenizers/tokenizer_json.h"

namespace {

constexpr std::string_view kSeparator = "\n---\n";

std::shared_ptr<const mvn::Tokenizer> read(std::string_view file) {
  const mvn::JsonSource source{"tokenizer", "model.tokenizer"};
  if (!file.starts_with('{')) {
    return mvn::make_tokenizer(mvn::read_sentencepiece(source, file), source.path);
  }
  const mvn::Json json = mvn::try_parse_json(file);
  if (json.is_discarded()) return nullptr;
  return mvn::make_tokenizer(mvn::read_tokenizer_json(source, json), source.path);
}

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t separator = std::min(input.rfind(kSeparator), size);
  const std::string_view text = input.substr(std::min(separator + kSeparator.size(), size));
  try {
    const auto tokenizer = read(input.substr(0, separator));
    if (tokenizer == nullptr) return 0;
    const auto ids = tokenizer->encode(text);
    check(tokenizer->encode(text) == ids);
    for (const std::int32_t id : ids) check(id >= 0);
    std::ignore = tokenizer->decode(ids);
  } catch (const mvn::Error&) {
    // What a damaged or unsupported file is answered with.
  }
  return 0;
}
