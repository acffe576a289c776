// Texts of a file that are to have vectors, one for each row.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mvn/params.h"

namespace mvn {

struct Texts {
  std::vector<std::filesystem::path> files;
  std::vector<std::string> texts;
  std::vector<std::string> warnings;
};

// Those of the parameter `texts`: the lines of a .txt file, of any other table the column
// `texts_column`. Throws ConfigError naming the parameter at fault, DataError for a file without
// one.
Texts read_texts(const Params& params);

// The parameters that say where they are.
std::vector<ParamSpec> text_params();

}  // namespace mvn
