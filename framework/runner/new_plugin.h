// `mvn-runner new-plugin NAME`: a plugin that builds and does something, to start from.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>

namespace mvn {

// Writes <parent>/<name>/{CMakeLists.txt, <name>.cc, README.md} and says what to do next. Throws
// UsageError when the name is no plugin name or the folder exists.
void write_plugin(const std::string& name, const std::filesystem::path& parent, std::ostream& out);

}  // namespace mvn
