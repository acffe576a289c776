#include "orchestrate/run/failure.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "orchestrate/run/attempt_end.h"

namespace mvn {
namespace {

Failure of_code(int code, const std::string& log = "") {
  auto end = end_of_code(code, "");
  end.log_tail = log;
  return failure_of(end, std::nullopt);
}

Failure of_signal(int signal) { return failure_of(end_of_process({{}, signal}, false), {}); }

TEST(Failure, IsNamedByTheExitCode) {
  EXPECT_EQ(of_code(0), Failure::kNone);
  EXPECT_EQ(of_code(1), Failure::kCrash);
  EXPECT_EQ(of_code(64), Failure::kConfiguration);
  EXPECT_EQ(of_code(74), Failure::kDiskFull);
  EXPECT_EQ(of_code(75), Failure::kNone);
  EXPECT_EQ(of_code(77), Failure::kOutOfMemory);
  EXPECT_EQ(of_code(78), Failure::kDiverged);
  EXPECT_EQ(of_code(79), Failure::kData);
}

TEST(Failure, OfAPythonProgramIsReadInItsLog) {
  EXPECT_EQ(of_code(1, "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"),
            Failure::kOutOfMemory);
  for (const auto* said : {"MemoryError", "numpy.core._exceptions._ArrayMemoryError: Unable to",
                           "OSError: [Errno 12] Cannot allocate memory",
                           "RuntimeError: [enforce fail at alloc_cpu.cpp:114] data. "
                           "DefaultCPUAllocator: can't allocate memory",
                           "terminate called after throwing an instance of 'std::bad_alloc'",
                           "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of"}) {
    EXPECT_EQ(of_code(1, said), Failure::kOutOfMemory) << said;
  }
  EXPECT_EQ(of_code(1, "OSError: [Errno 28] No space left on device"), Failure::kDiskFull);
  EXPECT_EQ(of_code(1, "ValueError: no text"), Failure::kCrash);
}

TEST(Failure, BySignalIsACrashUnlessItCameFromOutside) {
  EXPECT_EQ(of_signal(SIGSEGV), Failure::kCrash);
  EXPECT_EQ(of_signal(SIGKILL), Failure::kNode);
  EXPECT_EQ(of_signal(SIGTERM), Failure::kNode);
}

TEST(Failure, IsWhatTheRunnerEndedItFor) {
  auto end = end_of_process({{}, SIGKILL}, true);
  EXPECT_EQ(failure_of(end, Failure::kHang), Failure::kHang);
  end.state = TrialState::kDone;
  EXPECT_EQ(failure_of(end, Failure::kTimeout), Failure::kNone);
}

TEST(RetryLedger, CountsEachKindOfEachTrial) {
  RetryRules rules;
  rules.crash = 1;
  rules.oom = 2;
  RetryLedger ledger(rules);
  EXPECT_TRUE(ledger.again(0, Failure::kCrash));
  EXPECT_FALSE(ledger.again(0, Failure::kCrash));
  EXPECT_TRUE(ledger.again(1, Failure::kCrash));
  EXPECT_TRUE(ledger.again(0, Failure::kOutOfMemory));
  EXPECT_TRUE(ledger.again(0, Failure::kOutOfMemory));
  EXPECT_FALSE(ledger.again(0, Failure::kOutOfMemory));
  EXPECT_FALSE(ledger.again(0, Failure::kConfiguration));
}

TEST(Failure, IsSaidByTheMessageOrElseByTheLog) {
  auto end = end_of_code(1, "no column 'text'");
  end.log_tail = "step 1\nstep 2";
  EXPECT_EQ(error_of(end), "exit code 1: no column 'text'");
  end = end_of_code(1, "");
  EXPECT_EQ(error_of(end), "exit code 1");
  end.log_tail = "begun\n  File \"train.py\", line 3\n    args[\"lr\"]\nKeyError: 'lr'";
  EXPECT_EQ(error_of(end),
            "exit code 1:   File \"train.py\", line 3\n    args[\"lr\"]\nKeyError: 'lr'");
  EXPECT_EQ(headline_of(end), "exit code 1: KeyError: 'lr'");
}

TEST(RepeatedErrors, OfOneKindDifferInNumbersAndHashesAlone) {
  RepeatedErrors errors(2);
  EXPECT_FALSE(errors.add("a", "lr 1e-05 in /tmp/3f2a9c81d04e at 0x7f10aab: KeyError: 'x'"));
  EXPECT_FALSE(errors.add("b", "lr 0.001 in /tmp/90aa17c3b2ff at 0x5500: KeyError: 'y'"));
  EXPECT_FALSE(errors.add("c", "KeyError: 'x'"));
  EXPECT_TRUE(errors.add("d", "lr 0.25 in /tmp/0b5c6d7e8f90 at 0x1: KeyError: 'x'"));
}

TEST(RepeatedErrors, NeverEndASweepThatSaysSo) {
  RepeatedErrors errors(0);
  for (const auto* configuration : {"a", "b", "c", "d"}) {
    EXPECT_FALSE(errors.add(configuration, "no column"));
  }
}

TEST(RepeatedErrors, CountConfigurationsAndNotSeeds) {
  RepeatedErrors errors(3);
  EXPECT_FALSE(errors.add("a", "no column 3"));
  EXPECT_FALSE(errors.add("a", "no column 3"));
  EXPECT_FALSE(errors.add("b", "no column 14"));
  EXPECT_FALSE(errors.add("c", "another error"));
  EXPECT_TRUE(errors.add("c", "no column 5"));
}

}  // namespace
}  // namespace mvn
