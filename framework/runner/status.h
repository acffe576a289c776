// `mvn-runner status`: where the sweeps of a results folder stand, from any terminal.
#pragma once

#include <filesystem>
#include <ostream>

namespace mvn {

// Reads only, so it may be called while a runner works there. Throws Error when there is no
// database.
void show_status(const std::filesystem::path& results, std::ostream& out);

}  // namespace mvn
