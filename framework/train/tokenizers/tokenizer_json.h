// Reads tokenizer.json, and what tokenizer_config.json changes in it.
#pragma once

#include "train/tokenizers/json_node.h"
#include "train/tokenizers/pipeline.h"

namespace mvn {

// Throws DataError for a damaged file, ConfigError(source.key) naming a feature that is not
// supported. Truncation and padding in the file are left to the task, as in transformers.
TokenizerParts read_tokenizer_json(const JsonSource& source, const Json& json);

// A token's text and flags; `id` is not read.
AddedToken read_added_token(const JsonNode& node);

// Adds `token`, or replaces the one of its content. Throws DataError when `token.id` is not the one
// that the content has in the vocabulary, or for a new token, not the next free one: the reference
// library would not give it that id.
void add_token(TokenizerParts& parts, const AddedToken& token, const JsonNode& where);

}  // namespace mvn
