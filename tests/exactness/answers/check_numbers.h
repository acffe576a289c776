// Compares framework/orchestrate/answers with the answers of make_numbers.py.
#pragma once

#include "common/json.h"

namespace mvn::test {

// Tests that count arrangements have to be equal but for the rounding of a division; all else to be
// within 1e-10. `cases` is what make_numbers.py prints.
void check_numbers(const Json& cases);

}  // namespace mvn::test
