// What the files beside the tokenizer's own change in it: tokenizer_config.json.
#pragma once

#include "train/tokenizers/tokenizer_json.h"

namespace mvn {

// Applies added_tokens_decoder, the named tokens (bos, eos, ...), add_bos_token, add_eos_token and
// add_prefix_space, as the classes of transformers do that read them. The other keys do not change
// ids. Throws DataError for a damaged file, ConfigError for a change that is not supported.
void apply_tokenizer_config(TokenizerParts& parts, const JsonSource& source, const Json& json);

// Sets `parts.end_of_text` where no configuration did: a token that is known to end texts.
void guess_end_of_text(TokenizerParts& parts);

// The id of a text that is one token, added or in the vocabulary; or -1.
std::int32_t token_id(const TokenizerParts& parts, const std::string& content);

}  // namespace mvn
