// `mvn-runner pause | resume | drain | stop`: asks the runner that is at work in a results folder.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

namespace mvn {

// "pause", "resume", "drain", "stop".
const std::vector<std::string>& runner_requests();
// What one of them does, in a line.
std::string request_help(const std::string& request);
// The same of its example.
std::string request_example(const std::string& request);

// Says to `out` what it asked of whom, in words or as JSON. A runner on another machine is asked
// through a file of the folder. Throws Error when nobody is at work there.
void ask_runner(const std::filesystem::path& results, const std::string& request, bool json,
                std::ostream& out);

}  // namespace mvn
