// The message of the mvn::Error that a call throws.
#pragma once

#include <string>

#include "mvn/error.h"

namespace mvn {

template <typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace mvn
