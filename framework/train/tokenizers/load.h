// Opens the tokenizer that a folder of files describes.
#pragma once

#include <filesystem>
#include <memory>

#include "mvn/tokenizer.h"

namespace mvn {

// `path` is a folder with tokenizer.json, or with vocab.json and merges.txt (tokenizer_config.json
// beside either is honoured), or the tokenizer.json itself. Throws ConfigError(key) when there is
// none of these, DataError when a file is damaged, ConfigError naming the feature when a
// tokenizer.json asks for one that is not supported (never ignored).
//
// encode() gives the ids of the Python library `tokenizers`, decode() its text with special tokens
// kept. Truncation and padding in tokenizer.json are not applied: both are the task's.
std::shared_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& path,
                                                const std::string& key);

}  // namespace mvn
