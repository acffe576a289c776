#include "orchestrate/workers/python_torch.h"

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// An environment of Python with the package mvn_runner, whose worker was built with torch 2.11.0.
class PythonTorchTest : public testing::Test {
 protected:
  PythonTorchTest() {
    folder_.write("lib/python3.12/site-packages/mvn_runner/__init__.py", "");
    folder_.write("lib/python3.12/site-packages/mvn_runner/native/lib/mvn/torch-version",
                  "2.11.0\n");
  }

  void write_torch(const fs::path& packages, const std::string& version,
                   const std::string& library = "_ZNSt7__cxx1112basic_stringE") {
    const auto torch = packages.lexically_relative(folder_.path()) / "torch";
    folder_.write((torch / "version.py").string(),
                  "__version__ = '" + version + "'\ndebug = False\n");
    folder_.write((torch / "lib/libc10.so").string(), library);
    folder_.write((torch / "lib/libtorch_cpu.so").string(), "");
  }
  PythonTorch find() {
    return find_python_torch(*python_package_of(packages_ / "mvn_runner/native/bin/mvn-worker"),
                             [this](const std::vector<std::string>& command) {
                               asked_ = command[0];
                               return answer_;
                             });
  }

  test::TemporaryFolder folder_;
  fs::path packages_ = folder_ / "lib/python3.12/site-packages";
  std::string asked_;
  std::string answer_;
};

TEST_F(PythonTorchTest, AWorkerElsewhereIsInNoPackage) {
  folder_.write("bin/mvn-worker", "");
  EXPECT_FALSE(python_package_of(folder_ / "bin/mvn-worker"));
}

TEST_F(PythonTorchTest, TakesTheOneBesideThePackageWithoutAsking) {
  write_torch(packages_, "2.11.0+cu130");
  const auto torch = find();
  EXPECT_EQ(torch.problem, "");
  EXPECT_TRUE(torch.beside);
  EXPECT_EQ(torch.folder, packages_ / "torch");
  EXPECT_EQ(asked_, "");
}

TEST_F(PythonTorchTest, TakesTheOneThatPythonFinds) {
  write_torch(folder_ / "elsewhere", "2.11.0");
  answer_ = (folder_ / "elsewhere/torch").string() + "\n";
  const auto torch = find();
  EXPECT_EQ(torch.problem, "");
  EXPECT_FALSE(torch.beside);
  EXPECT_EQ(torch.folder, folder_ / "elsewhere/torch");
  EXPECT_EQ(asked_, "python3");
}

TEST_F(PythonTorchTest, SaysWhatToInstallWhereThereIsNone) {
  EXPECT_EQ(find().problem, "no Python package torch in " + packages_.string() +
                                ", whose LibTorch trains the models; install it: python3 -m pip "
                                "install torch==2.11.0");
}

TEST_F(PythonTorchTest, RefusesAnotherVersionWithBoth) {
  write_torch(packages_, "2.11.1");
  EXPECT_EQ(find().problem,
            "this mvn-runner is built for torch 2.11.0, and " + (packages_ / "torch").string() +
                " is torch 2.11.1; install the one that fits: python3 -m pip install "
                "torch==2.11.0, or the mvn-runner that fits yours");
}

TEST_F(PythonTorchTest, RefusesTheOldAbiAndWhatIsNotWhole) {
  write_torch(packages_, "2.11.0", "_ZNSsE");
  EXPECT_EQ(find().problem, (packages_ / "torch").string() +
                                " is built with the old ABI of C++ texts, mvn-runner with that of "
                                "2011; install the one that pip brings instead: python3 -m pip "
                                "install torch==2.11.0 --force-reinstall");
  fs::remove(packages_ / "torch/lib/libtorch_cpu.so");
  EXPECT_EQ(find().problem, (packages_ / "torch").string() +
                                " has no lib/libtorch_cpu.so and lib/libc10.so; install it again: "
                                "python3 -m pip install torch==2.11.0 --force-reinstall");
}

}  // namespace
}  // namespace mvn
