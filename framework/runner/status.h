// `mvn-runner status`: where the sweeps of a results folder stand, from any terminal.
#pragma once

#include <filesystem>
#include <ostream>

namespace mvn {

enum class StatusFormat { kTable, kJson };

// Whether there is a database to show the status of.
bool has_results(const std::filesystem::path& results);

// Reads only, so it may be called while a runner works there. Throws Error when there is no
// database.
void show_status(const std::filesystem::path& results, StatusFormat format, std::ostream& out);

}  // namespace mvn
