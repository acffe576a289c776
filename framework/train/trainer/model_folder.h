// A folder that holds a model or an adapter as Hugging Face's libraries expect it.
#pragma once

#include <filesystem>

namespace mvn {

// Beside an adapter: what config.json says of the model with its head (the names of the classes),
// which PEFT's own files have no place for.
inline constexpr const char* kHeadConfigFile = "head_config.json";

// Copies the tokenizer's files out of `source`, a folder or a file in it; returns whether there
// were any.
bool copy_tokenizer(const std::filesystem::path& source, const std::filesystem::path& folder);

}  // namespace mvn
