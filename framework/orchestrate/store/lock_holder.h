// Who keeps a database locked.
#pragma once

#include <filesystem>
#include <string>

namespace mvn {

// "process 4711 (sqlite3)", as the kernel lists the locks of this machine; "another program" where
// it does not say: the process is in another container, or on another machine.
std::string lock_holder(const std::filesystem::path& database);

}  // namespace mvn
