// Programs that start processes of their own, as DataLoader and torchrun do: whoever dies, nobody
// is left behind to hold a GPU.
#include <gtest/gtest.h>
#include <signal.h>

#include <sstream>

#include "e2e/harness.h"

namespace mvn::test {
namespace {

using Rows = std::vector<std::string>;

// Starts a process in its session, one in a session of its own, and a daemon: an orphan in a third
// one. Tells their numbers and its own, then waits for ever, unless it is told to end.
constexpr const char* kProgram = R"py(
import json, os, subprocess, sys
trial = json.load(open(sys.argv[1]))
idle = [sys.executable, "-c", "import time; time.sleep(1000)"]
child = subprocess.Popen(idle)
leader = subprocess.Popen(idle, start_new_session=True)
daemon = subprocess.run(["setsid", "--fork", "sh", "-c", "sleep 1000 >&- 2>&- & echo $!"],
                        capture_output=True, text=True).stdout.strip()
with open("family", "w") as file:
    file.write(f"{child.pid} {leader.pid} {daemon} {os.getpid()}\n")
if trial["config"]["args"].get("ends"):
    sys.exit(0)
child.wait()
)py";

class Orphans : public testing::Test {
 protected:
  void write(const std::string& more) {
    place_.write("train.py", kProgram);
    place_.write("sweep.yaml", "name: demo\nworker: {command: [python3, train.py]}\n" + more);
  }
  // The processes of the trial, once all are there.
  std::vector<Stranger> family() {
    std::istringstream line(family_.line());
    std::vector<Stranger> processes;
    for (pid_t pid = 0; line >> pid;) processes.emplace_back(pid);
    EXPECT_EQ(processes.size(), 4U);
    return processes;
  }
  static void expect_all_go(const std::vector<Stranger>& processes) {
    for (const auto& each : processes) {
      ASSERT_TRUE(each.found());
      each.wait_until_gone();
    }
  }

  Workplace place_;
  Fifo family_{place_ / "family"};
};

TEST_F(Orphans, AKilledRunnerTakesTheWholeTreeAlong) {
  write("args: {}\n");
  auto run = place_.start({"sweep.yaml"});
  const auto processes = family();
  run.signal(SIGKILL);
  expect_all_go(processes);
  EXPECT_EQ(run.finish().end.signal, SIGKILL);
}

TEST_F(Orphans, ATrialThatIsKilledDoes) {
  write("args: {}\n");
  auto run = place_.start({"sweep.yaml"});
  const auto processes = family();
  for (const auto* said : {"draining:", "stopping:", "killing:"}) {
    run.signal(SIGINT);
    run.wait_for(said);
  }
  expect_all_go(processes);
  EXPECT_EQ(run.finish().end.exit_code, 130);
}

TEST_F(Orphans, ATrialThatEndsLeavesNobody) {
  write("args: {ends: true}\n");
  auto run = place_.start({"sweep.yaml"});
  std::istringstream processes(family_.line());
  EXPECT_EQ(run.finish().end.exit_code, 0);
  for (pid_t pid = 0; processes >> pid;) EXPECT_EQ(::kill(pid, 0), -1) << pid << " is there";
  EXPECT_EQ(place_.rows("SELECT state FROM trials"), Rows{"done"});
}

}  // namespace
}  // namespace mvn::test
