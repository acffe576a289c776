// The statistics of framework/orchestrate/answers against SciPy's, statsmodels' and
// Optuna's, asked now.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "check_numbers.h"
#include "common/json.h"
#include "support/temporary_folder.h"

namespace mvn::test {
namespace {

TEST(Answers, AreThoseOfSciPy) {
  const char* given = std::getenv("MVN_PYTHON");
  const std::string python = given != nullptr ? given : MVN_TEST_PYTHON_DEFAULT;
  if (!std::filesystem::exists(python)) {
    GTEST_SKIP() << "no " << python << ": run tests/exactness/setup.sh";
  }
  const std::string libraries = python + " -c 'import scipy, statsmodels, optuna' 2> /dev/null";
  if (std::system(libraries.c_str()) != 0) {  // NOLINT(cert-env33-c): a command of our own
    GTEST_SKIP() << python << " has no scipy, statsmodels or optuna: run tests/exactness/setup.sh";
  }
  const TemporaryFolder folder;
  const auto numbers = folder / "numbers.json";
  const std::string command =
      python + " " + MVN_TEST_FOLDER + "/make_numbers.py > " + numbers.string();
  ASSERT_EQ(0, std::system(command.c_str()));  // NOLINT(cert-env33-c): a command of our own
  check_numbers(read_json(numbers));
}

}  // namespace
}  // namespace mvn::test
