#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "mvn/error.h"
#include "orchestrate/sweep/problems.h"
#include "runner/commands.h"

int main(int argc, char** argv) {
  try {
    return mvn::run_command(mvn::parse_command_line({argv, argv + argc}), std::cout);
  } catch (const mvn::SweepErrors& problems) {
    // Each already begins with its place in the user's file.
    std::cerr << problems.what() << std::endl;
    return problems.exit_code();
  } catch (const mvn::Error& error) {
    std::cerr << "mvn-runner: " << error.what() << std::endl;
    return error.exit_code();
  } catch (const std::exception& error) {
    std::cerr << "mvn-runner: " << error.what() << std::endl;
    return 1;
  }
}
