// LibTorch for an mvn-worker that pip installed: it is that of the Python package torch.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace mvn {

// Where a wheel lays the programs: <package>/native/bin.
struct PythonPackage {
  std::filesystem::path folder;  // mvn_runner, in a folder of packages ("site-packages")
  std::string torch_version;     // that it was built with, "2.11.0"
};

// Nothing where this worker is in no Python package.
std::optional<PythonPackage> python_package_of(const std::filesystem::path& worker);

// What a Python program answers where it runs this line; "" where it does not.
using AskPython = std::function<std::string(const std::vector<std::string>& command)>;

struct PythonTorch {
  std::filesystem::path folder;  // the package torch; empty where there is none
  bool beside = false;           // where the worker looks by itself
  std::string problem;           // why the worker cannot use it, and what to do; "" where it can
};

// The torch beside the package, or the one that this environment's Python finds.
PythonTorch find_python_torch(const PythonPackage& package, const AskPython& ask);

}  // namespace mvn
