// The tokenizer's files beside a saved model, as sentence-transformers needs them.
#pragma once

#include <cstdint>
#include <filesystem>

namespace mvn {

// Says in tokenizer_config.json what texts are padded with, where nothing does, and that they are
// cut to `max_length` tokens, where it is not 0; and where `closes`,
// has everybody who reads the folder end every text with the token `end`, as the model's texts
// were. GPT-2's vocab.json and merges.txt, which cannot say that, become a tokenizer.json.
void complete_tokenizer_files(const std::filesystem::path& folder, std::int32_t end, bool closes,
                              std::int64_t max_length);

}  // namespace mvn
