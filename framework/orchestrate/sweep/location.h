// Where something was written.
#pragma once

#include <filesystem>
#include <string>

namespace mvn {

// A place in a sweep or recipe file, or in an argument of the command line; line and column count
// from 1, 0 where there is none.
struct Location {
  std::filesystem::path file;
  int line = 0;
  int column = 0;
  std::string argument = {};  // of the command line, as typed: "training.epochs=1"
};

}  // namespace mvn
