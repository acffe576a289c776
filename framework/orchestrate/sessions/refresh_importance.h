// The view `importance`, brought up to date with the results.
#pragma once

#include <filesystem>
#include <set>
#include <string>

namespace mvn {

// The caller holds the lock of the results folder.
void refresh_importance(const std::filesystem::path& results, const std::set<std::string>& sweeps);

}  // namespace mvn
