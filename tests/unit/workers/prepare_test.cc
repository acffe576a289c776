#include "orchestrate/workers/prepare.h"

#include <gtest/gtest.h>

#include <sstream>

#include "common/files.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

using test::error_of;

class Prepare : public testing::Test {
 protected:
  void add(std::vector<std::string> command) {
    plan_.prepare.push_back({std::move(command), folder_ / "data.txt", folder_.path()});
  }
  void run() { prepare(plan_, out_, signals_); }

  test::TemporaryFolder folder_;
  SweepPlan plan_;
  Signals signals_;
  std::ostringstream out_;
};

TEST_F(Prepare, RunsWhatIsMissingInTheSweepsFolder) {
  add({"sh", "-c", "echo hello > data.txt"});
  add({"sh", "-c", "echo again > data.txt"});
  EXPECT_EQ(missing_preparations(plan_).size(), 2U);
  run();
  EXPECT_EQ(read_file(folder_ / "data.txt"), "hello\n");
  EXPECT_EQ(out_.str(),
            "preparing " + (folder_ / "data.txt").string() + ": sh -c 'echo hello > data.txt'\n");
  EXPECT_TRUE(missing_preparations(plan_).empty());
}

TEST_F(Prepare, ShowsWhatTheCommandSays) {
  add({"sh", "-c", "echo 3 rows; echo of another file; echo x > data.txt"});
  run();
  const auto shown = out_.str();
  EXPECT_EQ(shown.substr(shown.find('\n')), "\n  3 rows\n  of another file\n");
}

TEST_F(Prepare, ShowsTheEndOfAFailedCommandsOutput) {
  add({"sh", "-c", "echo no network >&2; exit 7"});
  EXPECT_EQ(error_of([&] { run(); }),
            "'sh -c 'echo no network >&2; exit 7'' ended with exit code 7:\nno network");
}

TEST_F(Prepare, InsistsOnWhatWasPromised) {
  add({"true"});
  EXPECT_EQ(error_of([&] { run(); }),
            "'true' ended well but did not create " + (folder_ / "data.txt").string());
}

}  // namespace
}  // namespace mvn
