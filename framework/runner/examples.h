// `mvn-runner examples`: the sweeps that came with it, to look at and to start from.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>

namespace mvn {

// A line for each: its name, and what it asks.
void list_examples(std::ostream& out);

// Writes the sweep of this name and the files beside it that it needs into `folder`, and says how
// to run it. Throws UsageError where there is no such sweep, or another file is in the way.
void write_example(const std::string& name, const std::filesystem::path& folder, std::ostream& out);

}  // namespace mvn
