// Reads tokenizer.model, SentencePiece's own file, for folders that have no tokenizer.json.
#pragma once

#include <string_view>

#include "train/tokenizers/json_node.h"
#include "train/tokenizers/pipeline.h"

namespace mvn {

// The tokenizer that transformers makes of such a file (`data`) for Llama and Mistral: the pieces
// are the vocabulary, the merges come from their scores, the beginning-of-text token is put in
// front. Throws DataError for a damaged file, ConfigError for a model that is not BPE or that
// normalises.
TokenizerParts read_sentencepiece(const JsonSource& source, std::string_view data);

}  // namespace mvn
