#include "orchestrate/process/process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "orchestrate/process/run_to_end.h"
#include "support/error_of.h"

namespace mvn {
namespace {

ProcessSpec shell(const std::string& script) { return {{"/bin/sh", "-c", script}, {}, {}}; }

// Reads until the end of the stream.
std::string all_of(Descriptor& from) {
  LineReader reader;
  while (from.is_open()) {
    pollfd watched{from.get(), POLLIN, 0};
    ::poll(&watched, 1, -1);
    reader.read_available(from);
  }
  return reader.take_rest();
}

TEST(Process, TellsItsExitCode) {
  Process process(shell("exit 3"));
  const auto end = process.wait();
  EXPECT_EQ(end.exit_code, 3);
  EXPECT_EQ(end.signal, std::nullopt);
  EXPECT_EQ(to_string(end), "exit code 3");
  EXPECT_FALSE(end.success());
}

TEST(Process, TellsItsSignal) {
  Process process(shell("kill -SEGV $$"));
  const auto end = process.wait();
  EXPECT_EQ(end.signal, SIGSEGV);
  EXPECT_EQ(to_string(end), "signal 11 (SIGSEGV)");
}

TEST(Process, GetsFolderAndEnvironment) {
  ::setenv("MVN_TEST_VALUE", "old", 1);
  auto spec = shell("pwd; echo $MVN_TEST_VALUE");
  spec.folder = "/usr";
  spec.environment["MVN_TEST_VALUE"] = "new value";
  Process process(spec);
  EXPECT_EQ(all_of(process.output()), "/usr\nnew value\n");
}

TEST(Process, NamesWhatCannotBeStarted) {
  EXPECT_EQ(test::error_of([] {
              Process process({{"/no/such/program"}, {}, {}});
            }),
            "cannot start '/no/such/program': No such file or directory");
}

TEST(Process, LeadsAGroupOfItsOwn) {
  Process process(shell("read line"));
  EXPECT_EQ(::getpgid(process.pid()), process.pid());
}

// A pipe of which started processes inherit the writing end: it ends when the last one is gone.
class HeldPipe {
 public:
  HeldPipe() : inherited_(::dup(pipe_.write.get())) { pipe_.write.close(); }
  bool ends() {
    inherited_.close();
    char byte = 0;
    return ::read(pipe_.read.get(), &byte, 1) == 0;
  }

 private:
  Pipe pipe_ = make_pipe();
  Descriptor inherited_;
};

void wait_for_line(Process& process) {
  LineReader reader;
  while (!reader.take_line()) {
    pollfd watched{process.output().get(), POLLIN, 0};
    ::poll(&watched, 1, -1);
    reader.read_available(process.output());
  }
}

// A program with a child, a child in a session of its own, and an orphan in another one: each holds
// the pipe. The subshell's output says that all are there.
constexpr const char* kFamily =
    "sleep 1000 & setsid sleep 1000 & (setsid sh -c 'sleep 1000 & exec sleep 1000' &) ; echo there";

TEST(Process, TakesAllThatItStartedWithItWhenDestroyed) {
  HeldPipe held;
  {
    Process process(shell(kFamily + std::string("; wait")));
    wait_for_line(process);
  }
  EXPECT_TRUE(held.ends());
}

TEST(Process, LeavesNobodyBehindWhenItEnds) {
  HeldPipe held;
  Process process(shell(kFamily + std::string("; exit 3")));
  EXPECT_EQ(process.wait().exit_code, 3);
  EXPECT_TRUE(held.ends());
}

TEST(Process, TakesAllThatItStartedWithItWhenItDies) {
  HeldPipe held;
  Process process(shell(kFamily + std::string("; kill -SEGV $$")));
  EXPECT_EQ(process.wait().signal, SIGSEGV);
  EXPECT_TRUE(held.ends());
}

TEST(Process, DiesWithItsParent) {
  for (const bool supervised : {true, false}) {
    HeldPipe held;
    const pid_t parent = ::fork();
    if (parent == 0) {
      auto spec = shell("exec sleep 1000");
      spec.supervised = supervised;
      const Process process(spec);
      ::kill(::getpid(), SIGKILL);
    }
    EXPECT_TRUE(held.ends());
    ::waitpid(parent, nullptr, 0);
  }
}

TEST(Process, AndAllThatItStartedDieWithItsParent) {
  HeldPipe held;
  const pid_t parent = ::fork();
  if (parent == 0) {
    Process process(shell(kFamily + std::string("; wait")));
    wait_for_line(process);
    ::kill(::getpid(), SIGKILL);
  }
  EXPECT_TRUE(held.ends());
  ::waitpid(parent, nullptr, 0);
}

TEST(Process, IsAskedToEndThroughItsSupervisor) {
  Process process(shell("trap 'exit 7' TERM; echo there; while :; do sleep 0.01; done"));
  wait_for_line(process);
  process.send_signal(SIGTERM);
  EXPECT_EQ(process.wait().exit_code, 7);
}

// The program's end may come while its supervisor is still busy with the signal.
TEST(Process, EndsByTheSignalThatItIsAskedWith) {
  for (int i = 0; i < 100; ++i) {
    Process process(shell("exec sleep 1000"));
    process.send_signal(SIGTERM);
    EXPECT_EQ(process.wait().signal, SIGTERM);
  }
}

TEST(Process, IsKilledThoughItsSupervisorIsStopped) {
  Process process(shell("sleep 1000"));
  process.send_signal(SIGSTOP);
  siginfo_t stopped{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(process.pid()), &stopped, WSTOPPED | WNOWAIT), 0);
  process.kill_all();
  EXPECT_EQ(process.wait().signal, SIGKILL);
}

TEST(Process, ItsSupervisorHasANameOfItsOwn) {
  Process process(shell("cat /proc/$PPID/comm; tr '\\0' ' ' < /proc/$PPID/cmdline"));
  EXPECT_TRUE(all_of(process.output()).starts_with("mvn-supervisor\nmvn-supervisor "));
}

TEST(Process, InheritsNoneOfTheRunnersDescriptors) {
  const Pipe ours = make_pipe();
  const auto test = [](const Descriptor& each) {
    return "[ -e /proc/self/fd/" + std::to_string(each.get()) + " ] && echo open; ";
  };
  Process process(shell(test(ours.read) + test(ours.write) + "echo end"));
  EXPECT_EQ(all_of(process.output()), "end\n");
}

TEST(RunToEnd, PassesInputAndBothOutputs) {
  Signals signals;
  const std::string large(1 << 20, 'x');
  const auto result = run_to_end(shell("cat; echo bad >&2; exit 2"), large, signals);
  EXPECT_EQ(result.output, large);
  EXPECT_EQ(result.errors, "bad\n");
  EXPECT_EQ(result.end.exit_code, 2);
}

TEST(RunToEnd, ACommandNeedNotReadItsInput) {
  Signals signals;
  const auto result = run_to_end(shell("echo done"), std::string(1 << 20, 'x'), signals);
  EXPECT_EQ(result.output, "done\n");
  EXPECT_TRUE(result.end.success());
}

TEST(RunToEnd, StopsTheCommandOnASignal) {
  Signals signals;
  // The command itself sends the signal, so it is surely running then.
  const auto runner = std::to_string(::getpid());
  EXPECT_THROW(run_to_end(shell("kill -INT " + runner + "; sleep 1000"), "", signals), Interrupted);
}

TEST(RunToEnd, KillsACommandThatDoesNotEndWhenAsked) {
  Signals signals;
  const auto runner = std::to_string(::getpid());
  EXPECT_THROW(run_to_end(shell("trap '' TERM; kill -TERM " + runner + "; sleep 1000; sleep 1000"),
                          "", signals, {.grace = 0.01}),
               Interrupted);
}

TEST(RunToEnd, KillsACommandThatTakesTooLong) {
  Signals signals;
  EXPECT_EQ(test::error_of([&] { run_to_end(shell("sleep 1000"), "", signals, {.limit = 0.1}); }),
            "'/bin/sh -c 'sleep 1000'' was killed: it took longer than 0.1 s");
}

TEST(LineReader, KeepsAPartOfALineForLater) {
  Pipe pipe = make_pipe();
  set_nonblocking(pipe.read);
  LineReader reader;
  ASSERT_EQ(::write(pipe.write.get(), "one\ntw", 6), 6);
  reader.read_available(pipe.read);
  EXPECT_EQ(reader.take_line(), "one");
  EXPECT_EQ(reader.take_line(), std::nullopt);
  ASSERT_EQ(::write(pipe.write.get(), "o\n", 2), 2);
  reader.read_available(pipe.read);
  EXPECT_EQ(reader.take_line(), "two");
  pipe.write.close();
  reader.read_available(pipe.read);
  EXPECT_FALSE(pipe.read.is_open());
}

}  // namespace
}  // namespace mvn
