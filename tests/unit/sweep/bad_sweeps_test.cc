// Every bad/NAME.yaml must be refused with exactly the text of bad/NAME.expected. A first line
// "# --set a.b=c" in the sweep gives the command line.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/files.h"
#include "description.h"
#include "orchestrate/sweep/problems.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(MVN_SWEEP_TEST_FOLDER) / "bad";

std::vector<std::string> bad_sweeps() {
  std::vector<std::string> names;
  for (const auto& file : fs::directory_iterator(kFolder)) {
    if (file.path().extension() == ".yaml") names.push_back(file.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

PlanOptions options_of(const std::string& text) {
  PlanOptions options;
  std::istringstream lines(text);
  static const std::string kSet = "# --set ";
  for (std::string line; std::getline(lines, line) && line.starts_with(kSet);) {
    options.overrides.push_back(line.substr(kSet.size()));
  }
  options.find_trial = [](const std::string& prefix) -> std::string {
    throw ConfigError("", "no finished trial begins with '" + prefix + "'");
  };
  return options;
}

class BadSweep : public testing::TestWithParam<std::string> {};

TEST_P(BadSweep, IsRefusedWithItsMessage) {
  const fs::path before = fs::current_path();
  fs::current_path(kFolder);  // so that messages name the file alone
  const fs::path file = GetParam() + ".yaml";
  std::string message = "planned";
  try {
    plan_sweep(file, sweep_test::installed(), options_of(read_file(file)));
  } catch (const SweepErrors& errors) {
    message = errors.what();
  }
  fs::current_path(before);
  if (std::getenv("MVN_WRITE_EXPECTED") != nullptr) {
    std::ofstream(kFolder / (GetParam() + ".expected")) << message << "\n";
  }
  EXPECT_EQ(read_file(kFolder / (GetParam() + ".expected")), message + "\n");
}

INSTANTIATE_TEST_SUITE_P(All, BadSweep, testing::ValuesIn(bad_sweeps()),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace mvn
