// The message of the mvn::Error that a call throws.
#pragma once

#include <string>

#include "mvn/error.h"

namespace mvn::test {

template <typename Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "(no error)";
}

}  // namespace mvn::test
