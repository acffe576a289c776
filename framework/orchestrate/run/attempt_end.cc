#include "orchestrate/run/attempt_end.h"

#include <csignal>
#include <string>

#include "common/disk_full.h"
#include "common/input_file.h"
#include "common/text.h"
#include "mvn/error.h"
#include "orchestrate/process/run_to_end.h"

namespace mvn {
namespace {

std::string class_of(ExitCode code) {
  switch (code) {
    case ExitCode::kDone:
      return "";
    case ExitCode::kBadConfig:
      return "bad configuration";
    case ExitCode::kCheckpointed:
      return "interrupted after a checkpoint";
    case ExitCode::kOutOfMemory:
      return "out of memory";
    case ExitCode::kDiverged:
      return "diverged";
    case ExitCode::kBadData:
      return "bad data";
  }
  return "exit code " + std::to_string(static_cast<int>(code));
}

}  // namespace

AttemptEnd end_of_code(int code, const std::string& message) {
  const auto exit_code = static_cast<ExitCode>(code);
  AttemptEnd end;
  end.state = state_after(code);
  end.exit_code = code;
  end.message = code == kDiskFullCode ? "the disk is full" : class_of(exit_code);
  if (!message.empty()) end.message += (end.message.empty() ? "" : ": ") + message;
  end.explained = !message.empty();
  return end;
}

AttemptEnd end_of_process(const ProcessEnd& process, bool told_to_stop) {
  AttemptEnd end;
  const bool by_us = told_to_stop && (process.signal == SIGTERM || process.signal == SIGKILL);
  if (process.exit_code && *process.exit_code != 0) {
    end = end_of_code(*process.exit_code, "");
  } else if (by_us) {
    end.state = TrialState::kInterrupted;
    end.message = "stopped";
  } else {
    end.state = TrialState::kFailed;
  }
  end.exit_code = process.exit_code;
  end.signal = process.signal;
  if (end.state == TrialState::kFailed) end.message = "the worker died: " + to_string(process);
  return end;
}

AttemptEnd end_of_program(const ProcessEnd& process, bool told_to_stop) {
  if (process.exit_code) return end_of_code(*process.exit_code, "");
  auto end = end_of_process(process, told_to_stop);
  if (end.state == TrialState::kFailed) end.message = "the program died: " + to_string(process);
  return end;
}

std::string log_tail(const std::filesystem::path& log, std::size_t lines) {
  return last_lines(end_of_file(log, 8192), lines);
}

}  // namespace mvn
