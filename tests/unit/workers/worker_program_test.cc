#include "orchestrate/workers/worker_program.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "common/files.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;
using test::error_of;

// A worker that is a shell script; each call leaves a line in `calls`.
class WorkerProgramTest : public testing::Test {
 protected:
  WorkerProgramTest() { ::setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1); }

  WorkerProgram program(const std::string& script, std::vector<fs::path> plugins = {}) {
    const auto file =
        folder_.write("bin/worker", "#!/bin/sh\necho \"$@\" >> " + (folder_ / "calls").string() +
                                        "\n" + script + "\n");
    fs::permissions(file, fs::perms::owner_all);
    return {file, std::move(plugins)};
  }
  std::string torch_of(const WorkerProgram& worker) { return worker.describe(signals_).torch; }
  [[nodiscard]] std::string calls() const { return read_file(folder_ / "calls"); }
  [[nodiscard]] std::string name() const { return (folder_ / "bin/worker").string(); }

  test::TemporaryFolder folder_;
  Signals signals_;
};

constexpr auto* kDescription =
    R"(echo '{"sdk":"0.1.0","torch":"2.11.0","devices":["cpu"],"sections":{},"components":[],"refused":[]}')";

TEST_F(WorkerProgramTest, DescribesItselfOnceUntilAPluginChanges) {
  const auto plugins = folder_ / "plugins";
  fs::create_directories(plugins);
  const auto worker = program(kDescription, {plugins});
  EXPECT_EQ(torch_of(worker), "2.11.0");
  EXPECT_EQ(torch_of(worker), "2.11.0");
  const auto call = "describe --plugin-dir " + plugins.string() + "\n";
  EXPECT_EQ(calls(), call);
  folder_.write("plugins/new.so", "x");
  torch_of(worker);
  EXPECT_EQ(calls(), call + call);
}

TEST_F(WorkerProgramTest, ACacheThatCannotBeWrittenOrReadIsNoError) {
  folder_.write("cache", "a file where a folder should be");
  const auto worker = program(kDescription);
  torch_of(worker);
  EXPECT_EQ(torch_of(worker), "2.11.0");
  EXPECT_EQ(calls(), "describe\ndescribe\n");
}

TEST_F(WorkerProgramTest, ADamagedCacheIsAskedForAgain) {
  const auto worker = program(kDescription);
  torch_of(worker);
  for (const auto& entry : fs::directory_iterator(folder_ / "cache" / "mvn-runner")) {
    std::ofstream(entry.path()) << "{\"sdk\": 3}";
  }
  EXPECT_EQ(torch_of(worker), "2.11.0");
  EXPECT_EQ(calls(), "describe\ndescribe\n");
}

TEST_F(WorkerProgramTest, QuotesAWorkerThatDoesNotStart) {
  const auto worker = program("echo 'libtorch_cpu.so: cannot open' >&2; exit 127");
  EXPECT_EQ(error_of([&] { torch_of(worker); }),
            "'" + name() + " describe' ended with exit code 127:\nlibtorch_cpu.so: cannot open");
}

TEST_F(WorkerProgramTest, SaysWhatIsNoAnswer) {
  EXPECT_EQ(error_of([&] { torch_of(program("echo hello")); }),
            "'" + name() + " describe' did not answer in JSON: hello\n");
  EXPECT_EQ(error_of([&] { torch_of(program("echo '{}'")); }),
            "'" + name() +
                " describe' answered what this mvn-runner cannot read ([json.exception.out_of_"
                "range.403] key 'sdk' not found); are both of version 0.1.0?");
}

TEST_F(WorkerProgramTest, ChecksConfigurations) {
  const auto worker = program(
      R"(read line; echo '[{"errors":[{"key":"task.text","message":"no"}],"warnings":["w"]}]')");
  const auto results = worker.check(Json::array({{{"seed", 0}}}), signals_);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].errors[0].key, "task.text");
  EXPECT_EQ(results[0].errors[0].message, "no");
  EXPECT_EQ(results[0].warnings, std::vector<std::string>{"w"});
  EXPECT_EQ(error_of([&] {
              (void)worker.check(Json::array({1, 2}), signals_);
            }),
            "'" + name() + " check' answered for 1 of 2 configurations");
}

TEST_F(WorkerProgramTest, WaitsForACheckOnlySoLong) {
  const auto worker = program("sleep 1000");
  ::setenv("MVN_CHECK_LIMIT", "0.1", 1);
  EXPECT_EQ(error_of([&] { (void)worker.check(Json::array({1}), signals_); }),
            "'" + name() + " check' was killed: it took longer than 0.1 s");
  ::setenv("MVN_CHECK_LIMIT", "soon", 1);
  EXPECT_EQ(error_of([&] { (void)worker.check(Json::array({1}), signals_); }),
            "MVN_CHECK_LIMIT: expected seconds, 0 for no limit, got 'soon'");
  ::unsetenv("MVN_CHECK_LIMIT");
}

TEST(FindWorker, SaysWhatIsMissing) {
  ::setenv("MVN_WORKER", "/no/worker", 1);
  EXPECT_EQ(error_of(find_worker), "MVN_WORKER names '/no/worker', which does not exist");
  ::unsetenv("MVN_WORKER");
}

}  // namespace
}  // namespace mvn
