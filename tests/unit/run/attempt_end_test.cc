#include "orchestrate/run/attempt_end.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "support/temporary_folder.h"

namespace mvn {
namespace {

TEST(EndOfCode, FollowsTheContract) {
  EXPECT_EQ(end_of_code(0, "").state, TrialState::kDone);
  EXPECT_EQ(end_of_code(0, "").message, "");
  EXPECT_EQ(end_of_code(75, "").state, TrialState::kInterrupted);
  EXPECT_EQ(end_of_code(75, "").message, "interrupted after a checkpoint");
  EXPECT_EQ(end_of_code(78, "loss is NaN at step 3").state, TrialState::kDiverged);
  EXPECT_EQ(end_of_code(78, "loss is NaN at step 3").message, "diverged: loss is NaN at step 3");
  EXPECT_EQ(end_of_code(77, "").state, TrialState::kFailed);
  EXPECT_EQ(end_of_code(77, "").message, "out of memory");
  EXPECT_EQ(end_of_code(64, "task.text: no such column").message,
            "bad configuration: task.text: no such column");
  EXPECT_EQ(end_of_code(79, "a.tsv:3: no label").message, "bad data: a.tsv:3: no label");
  EXPECT_EQ(end_of_code(1, "boom").message, "exit code 1: boom");
  EXPECT_EQ(end_of_code(1, "boom").exit_code, 1);
}

TEST(EndOfProcess, NamesSignalOrCode) {
  const auto killed = end_of_process({std::nullopt, SIGKILL}, false);
  EXPECT_EQ(killed.state, TrialState::kFailed);
  EXPECT_EQ(killed.message, "the worker died: signal 9 (SIGKILL)");
  EXPECT_EQ(killed.signal, SIGKILL);
  EXPECT_EQ(end_of_process({3, std::nullopt}, false).message, "the worker died: exit code 3");
  EXPECT_EQ(end_of_process({0, std::nullopt}, false).state, TrialState::kFailed);
  EXPECT_EQ(end_of_process({0, std::nullopt}, false).message, "the worker died: exit code 0");
  EXPECT_EQ(end_of_process({75, std::nullopt}, false).state, TrialState::kInterrupted);
}

TEST(EndOfProcess, BeingToldToStopIsNoFailure) {
  EXPECT_EQ(end_of_process({std::nullopt, SIGTERM}, true).state, TrialState::kInterrupted);
  EXPECT_EQ(end_of_process({std::nullopt, SIGKILL}, true).state, TrialState::kInterrupted);
  EXPECT_EQ(end_of_process({std::nullopt, SIGKILL}, true).message, "stopped");
  EXPECT_EQ(end_of_process({std::nullopt, SIGSEGV}, true).state, TrialState::kFailed);
}

TEST(LogTail, IsTheEndOfTheLog) {
  const test::TemporaryFolder folder;
  std::string text;
  for (int i = 1; i <= 10000; ++i) text += "line " + std::to_string(i) + "\n";
  const auto log = folder.write("log.txt", text);
  EXPECT_EQ(log_tail(log, 2), "line 9999\nline 10000");
  EXPECT_EQ(log_tail(folder / "none"), "");
}

}  // namespace
}  // namespace mvn
