// How an attempt ended, from what is known of it.
#pragma once

#include <filesystem>
#include <string>

#include "orchestrate/process/process.h"
#include "orchestrate/store/store.h"

namespace mvn {

// From an exit code of the contract in mvn/error.h, and what the trial said about it (may be "").
AttemptEnd end_of_code(int code, const std::string& message);

// From a worker that died without a word about its trial. Where it was told to stop, the signals
// that tell it so are no failure.
AttemptEnd end_of_process(const ProcessEnd& process, bool told_to_stop);

// From a program of the user's, whose exit code is its word about the trial.
AttemptEnd end_of_program(const ProcessEnd& process, bool told_to_stop);

// The last lines of a trial's log; "" when there is none.
std::string log_tail(const std::filesystem::path& log, std::size_t lines = 15);

}  // namespace mvn
