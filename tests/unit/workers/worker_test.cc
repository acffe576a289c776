#include "orchestrate/workers/worker.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>

#include "orchestrate/process/signals.h"

namespace mvn {
namespace {

ProcessSpec shell(const std::string& script) { return {{"/bin/sh", "-c", script}, {}, {}}; }

// Waits until the worker said something or closed its streams.
std::vector<Reply> next_replies(Worker& worker) {
  while (true) {
    auto replies = worker.take_replies();
    if (!replies.empty() || (worker.output() < 0 && worker.errors() < 0)) return replies;
    std::array<pollfd, 2> watched = {{{worker.output(), POLLIN, 0}, {worker.errors(), POLLIN, 0}}};
    ::poll(watched.data(), watched.size(), -1);
  }
}

TEST(Worker, AnswersForTheTrialItWasGiven) {
  Worker worker(shell(
      R"(while read line; do echo 'noise'; echo '{"trial":"/a/trial.json","code":78,"message":"NaN"}'; done)"));
  ASSERT_TRUE(worker.give("/a/trial.json"));
  const auto replies = next_replies(worker);
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].trial, "/a/trial.json");
  EXPECT_EQ(replies[0].code, 78);
  EXPECT_EQ(replies[0].message, "NaN");
  EXPECT_EQ(worker.said(), "noise\n");
  worker.dismiss();
  EXPECT_EQ(worker.wait().exit_code, 0);
}

TEST(Worker, RemembersWhyItDidNotStart) {
  Worker worker(shell("echo 'cannot load libtorch' >&2; exit 127"));
  EXPECT_TRUE(next_replies(worker).empty());
  EXPECT_EQ(worker.said(), "cannot load libtorch\n");
  EXPECT_EQ(worker.wait().exit_code, 127);
}

TEST(Worker, TakesNoTrialOnceItIsGone) {
  Signals signals;  // ignores SIGPIPE
  Worker worker(shell("exit 0"));
  worker.wait();
  EXPECT_FALSE(worker.give("/a/trial.json"));
}

TEST(Worker, LinesThatAreNoRepliesAreNotTakenForOne) {
  Worker worker(shell(
      R"(echo '{"trial":1,"code":0}'; echo '{"trial":"a"}'; echo '[]'; echo '{"trial":"a","code":"0"}')"));
  EXPECT_TRUE(next_replies(worker).empty());
}

}  // namespace
}  // namespace mvn
