#include "mvn/tokenizer.h"

namespace mvn {

// Out of line to anchor the vtable in one library.
Tokenizer::~Tokenizer() = default;

bool Tokenizer::truncates_left() const { return false; }

std::optional<PairTokens> Tokenizer::pair_tokens() const { return std::nullopt; }

}  // namespace mvn
