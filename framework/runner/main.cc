#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <vector>

#include "common/printable.h"
#include "mvn/error.h"
#include "orchestrate/sweep/problems.h"
#include "runner/command_line.h"

namespace {

// Whether what reads it is a terminal, whose user wants colours (no-color.org).
bool in_colour(int descriptor) {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  const auto terminal = variable("TERM");
  return ::isatty(descriptor) == 1 && variable("NO_COLOR").empty() && !terminal.empty() &&
         terminal != "dumb";
}

}  // namespace

int main(int argc, char** argv) {
  // Whatever program a trial is, it finds "cuda:1" on the board that nvidia-smi calls 1.
  ::setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", /*overwrite=*/0);
  try {
    return mvn::parse_command_line({argv, argv + argc}).run(std::cout);
  } catch (const mvn::SweepErrors& problems) {
    // Each already begins with its place in the user's file.
    std::cerr << mvn::render(problems.problems(), in_colour(STDERR_FILENO)) << std::endl;
    return problems.exit_code();
  } catch (const mvn::Error& error) {
    std::cerr << "mvn-runner: " << mvn::printable_lines(error.what()) << std::endl;
    return error.exit_code();
  } catch (const std::bad_alloc&) {
    std::cerr << "mvn-runner: out of memory" << std::endl;
    return 1;
  } catch (const std::exception& error) {
    std::cerr << "mvn-runner: " << mvn::printable_lines(error.what()) << std::endl;
    return 1;
  }
}
