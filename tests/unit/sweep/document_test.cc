// The examples of docs/sweeps.md are plans: each makes the number of trials that it says.
#include <gtest/gtest.h>

#include <sstream>

#include "common/files.h"
#include "description.h"
#include "orchestrate/sweep/problems.h"

namespace mvn {
namespace {

// What lies under an example that is a part of a sweep.
constexpr const char* kBase = R"(
model: {plugin: mamba, weights: models/mamba}
adapter: {plugin: lora}
task: {plugin: classification, train: a.tsv, validation: b.tsv, text: sentence, label: label}
)";

struct Example {
  int line = 0;
  std::string text;
};

std::vector<Example> examples() {
  std::vector<Example> found;
  std::istringstream lines(read_file(MVN_SWEEP_DOCUMENT));
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line == "```yaml") {
      found.push_back({number + 1, ""});
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      found.back().text += line + "\n";
    }
  }
  return found;
}

std::string outcome(const Example& example) {
  const sweep_test::Folder folder;
  folder.write("base.yaml", kBase);
  folder.write("recipes/mamba-improved.yaml", "optimizer: {beta2: 0.95}\n");
  const bool extends = example.text.find("\nextends:") != std::string::npos;
  const auto file =
      folder.write("sweep.yaml", example.text + (extends ? "" : "extends: base.yaml\n"));
  PlanOptions options;
  options.find_trial = [](const std::string& prefix) { return prefix + "0"; };
  try {
    const auto count = plan_sweep(file, sweep_test::installed(), options).trials.size();
    return "# " + std::to_string(count) + (count == 1 ? " trial\n" : " trials\n");
  } catch (const SweepErrors& errors) {
    return errors.what();
  }
}

TEST(SweepDocument, EveryExampleIsAPlan) {
  const auto all = examples();
  EXPECT_LT(10U, all.size());
  for (const Example& example : all) {
    EXPECT_EQ(example.text.substr(0, example.text.find('\n') + 1), outcome(example))
        << "docs/sweeps.md:" << example.line;
  }
}

}  // namespace
}  // namespace mvn
