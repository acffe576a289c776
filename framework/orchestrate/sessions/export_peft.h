// A trial's adapter as a folder to pass on: PEFT's files with a model card.
#pragma once

#include <filesystem>
#include <string>

namespace mvn {

// Copies what the trial (the beginning of its id) saved to the new `folder`, which appears when it
// is complete, with a README.md that says what it is: base, configuration, results. Where the trial
// began with random weights, they come along. Throws ConfigError where there is no such trial,
// where it saved no adapter, or `folder` exists.
void export_peft(const std::filesystem::path& results, const std::string& trial,
                 const std::filesystem::path& folder);

// The README.md. `base` as adapter_config.json has it.
struct TrialRecord;
std::string model_card(const TrialRecord& record, const std::string& base,
                       const std::string& results_table);

}  // namespace mvn
