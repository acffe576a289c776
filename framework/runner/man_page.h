// The manual page, made of the same table as --help.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace mvn {

// mvn-runner(1) in man(7); `date` is that of the page, "2026-01-31".
std::string man_page(const CLI::App& app, const std::string& date);

}  // namespace mvn
