// What the files beside the tokenizer's own change in it: tokenizer_config.json, and
// added_tokens.json and special_tokens_map.json of older versions of transformers.
#pragma once

#include <optional>

#include "train/tokenizers/tokenizer_json.h"

namespace mvn {

// Applies added_tokens_decoder, the named tokens (bos, eos, ...), add_bos_token, add_eos_token,
// add_prefix_space and truncation_side, as the classes of transformers do that read them. The other
// keys do not change ids. Throws DataError for a damaged file, ConfigError for a change that is not
// supported.
void apply_tokenizer_config(TokenizerParts& parts, const JsonSource& source, const Json& json);

struct JsonFile {
  JsonSource source;
  Json json;
};

// Applies added_tokens.json, {"<sep>": 50257, ...}. Transformers reads it where no
// added_tokens_decoder takes its place. Tokens that the files
// beside it name (as bos_token, in additional_special_tokens, ...) are special.
void apply_added_tokens_file(TokenizerParts& parts, const JsonFile& file,
                             const std::optional<JsonFile>& config,
                             const std::optional<JsonFile>& map);

// Applies special_tokens_map.json of those versions: the same named tokens, and lists of more.
void apply_special_tokens_map(TokenizerParts& parts, const JsonFile& file);

// Sets `parts.end_of_text` where no configuration did: a token that is known to end texts.
void guess_end_of_text(TokenizerParts& parts);

// The id of a text that is one token, added or in the vocabulary; or -1.
std::int32_t token_id(const TokenizerParts& parts, const std::string& content);

}  // namespace mvn
