#include "mvn/tokenizer.h"

namespace mvn {

// Out of line to anchor the vtable in one library.
Tokenizer::~Tokenizer() = default;

bool Tokenizer::truncates_left() const { return false; }

}  // namespace mvn
