// Opens the tokenizer that a folder of files describes.
#pragma once

#include <filesystem>
#include <memory>

#include "mvn/tokenizer.h"

namespace mvn {

// `path` is a folder with tokenizer.json, with vocab.json and merges.txt, or with SentencePiece's
// tokenizer.model (the first of these that is there; tokenizer_config.json, added_tokens.json and
// special_tokens_map.json beside it are honoured), or the tokenizer.json or tokenizer.model itself.
// Throws ConfigError(key) when there is none of these, DataError when a file is damaged,
// ConfigError naming the feature when a file asks for one that is not supported (never ignored).
//
// encode() gives the ids of the Python library `tokenizers`, decode() its text with special tokens
// kept. Truncation and padding in tokenizer.json are not applied: both are the task's. It asks
// truncates_left(), which truncation_side or tokenizer.json decides.
std::shared_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& path,
                                                const std::string& key);

// The tokenizer of parts that were read from `path`, which errors name.
struct TokenizerParts;
std::shared_ptr<const Tokenizer> make_tokenizer(TokenizerParts parts,
                                                const std::filesystem::path& path);

}  // namespace mvn
