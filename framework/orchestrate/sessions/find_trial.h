// The trial that a user means by the first digits of its id.
#pragma once

#include <filesystem>
#include <string>

#include "orchestrate/store/reader.h"

namespace mvn {

// The one trial of `results` whose id begins with `prefix`; of the same one in several sweeps the
// one that is done. Throws ConfigError where the digits are none of an id, no trial has them, or
// several do.
TrialRecord find_trial(const ResultsReader& reader, const std::filesystem::path& results,
                       const std::string& prefix);

// The folder of the model, or adapter, that the trial saved. Throws ConfigError where there is
// none: only what a finished trial saved is `used` ("merged").
std::filesystem::path saved_model(const std::filesystem::path& results, const TrialRecord& record,
                                  const std::string& used);

// Where to look for trials, as the end of a message.
inline constexpr const char* kWhereTrialsAre =
    "; mvn-runner query \"SELECT trial, sweep, params, state FROM trials\"";

}  // namespace mvn
