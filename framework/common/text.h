// Small pieces of the sentences that people read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mvn {

// "1 trial", "3 trials".
std::string plural(std::size_t count, std::string_view noun);

}  // namespace mvn
