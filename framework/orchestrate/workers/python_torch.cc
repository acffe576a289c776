#include "orchestrate/workers/python_torch.h"

#include <unistd.h>

#include "common/files.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// The program of the environment whose packages these are, or the one in PATH.
std::string python_of(const fs::path& packages) {
  const auto own = packages.parent_path().parent_path().parent_path() / "bin" / "python3";
  return ::access(own.c_str(), X_OK) == 0 ? own.string() : "python3";
}

// "2.11.0+cu130", as its version.py says; "" where it does not.
std::string version_of(const fs::path& torch) {
  const auto file = torch / "version.py";
  if (!is_file(file)) return "";
  const auto text = read_file(file);
  const std::string name = "__version__ = '";
  const auto start = text.find(name);
  if (start == std::string::npos) return "";
  const auto from = start + name.size();
  return text.substr(from, text.find('\'', from) - from);
}

// "2.11.0" of "2.11.0+cu130": the rest says what it was built for, not what it offers.
std::string release_of(const std::string& version) { return version.substr(0, version.find('+')); }

std::string problem_of(const PythonPackage& package, const fs::path& torch) {
  const auto install =
      python_of(package.folder.parent_path()) + " -m pip install torch==" + package.torch_version;
  if (torch.empty()) {
    return "no Python package torch in " + package.folder.parent_path().string() +
           ", whose LibTorch trains the models; install it: " + install;
  }
  const auto version = version_of(torch);
  if (release_of(version) != package.torch_version) {
    return "this mvn-runner is built for torch " + package.torch_version + ", and " +
           torch.string() + " is torch " + (version.empty() ? "of no known version" : version) +
           "; install the one that fits: " + install + ", or the mvn-runner that fits yours";
  }
  const auto library = torch / "lib" / "libc10.so";
  if (!is_file(library) || !is_file(torch / "lib" / "libtorch_cpu.so")) {
    return torch.string() +
           " has no lib/libtorch_cpu.so and lib/libc10.so; install it again: " + install +
           " --force-reinstall";
  }
  if (read_file(library).find("NSt7__cxx1112basic_string") == std::string::npos) {
    return torch.string() +
           " is built with the old ABI of C++ texts, mvn-runner with that of 2011" +
           "; install the one that pip brings instead: " + install + " --force-reinstall";
  }
  return "";
}

}  // namespace

std::optional<PythonPackage> python_package_of(const fs::path& worker) {
  const auto native = worker.parent_path().parent_path();
  const auto version = native / "lib" / "mvn" / "torch-version";
  if (!is_file(native.parent_path() / "__init__.py") || !is_file(version)) return std::nullopt;
  return PythonPackage{native.parent_path(), first_line(read_file(version))};
}

PythonTorch find_python_torch(const PythonPackage& package, const AskPython& ask) {
  PythonTorch torch;
  const auto packages = package.folder.parent_path();
  if (is_file(packages / "torch" / "version.py")) {
    torch.folder = packages / "torch";
    torch.beside = true;
  } else {
    torch.folder = first_line(ask({python_of(packages), "-c",
                                   "import importlib.util as u; s = u.find_spec('torch'); "
                                   "print(s.submodule_search_locations[0] if s else '')"}));
  }
  torch.problem = problem_of(package, torch.folder);
  return torch;
}

}  // namespace mvn
