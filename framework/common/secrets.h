// What looks like a secret is not kept where others may read it: in results.db, sweep.json and
// runner.log.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"

namespace mvn {

// What stands in a secret's place.
inline constexpr std::string_view kMasked = "***";

// Whether what is called so is one by its name, the last part of a dotted one: api_key, password,
// token, HF_TOKEN, client-secret. Not so eos_token, tokenizer or max_tokens.
bool is_secret_name(std::string_view name);

// Masks the texts and numbers under such names, at any depth, and in lists of words what
// mask_words() does.
Json without_secrets(Json value);

// The dotted name of a value that without_secrets() masked, "" where there is none.
std::string masked_name(const Json& value);

// The words of a command: --token=X, TOKEN=X, and the word after --token.
void mask_words(std::vector<std::string>& words);

// In any text (a file, a command line, a diff): what follows NAME=, NAME: or --NAME, up to a space
// or the end of its quotes.
std::string text_without_secrets(std::string_view text);

}  // namespace mvn
