// What a shell reads so that it completes mvn-runner's words.
#pragma once

#include <string>
#include <vector>

namespace mvn {

const std::vector<std::string>& completion_shells();  // "bash", "zsh", "fish"
// Each asks `mvn-runner complete` for the choices: what may be typed is said in one place.
std::string completion_script(const std::string& shell);

}  // namespace mvn
