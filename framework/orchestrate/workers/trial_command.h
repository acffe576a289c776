// `worker: {command: [...]}`: any program as a trial.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/json.h"
#include "orchestrate/process/process.h"

namespace mvn {

// True where a program of the user's runs the trial.
bool has_own_program(const Json& config);

// The program of a configuration and its arguments: `${trial}` becomes the path of the trial file,
// `${seed}` the trial's seed, an argument `${args}` one `--key=value` for each of the
// configuration's `args`, maps by dotted keys; `${args_no_hyphens}`, `${args_no_equals}`,
// `${args_no_boolean_flags}`, `${args_append_hydra}`, `${args_override_hydra}` and `${args_json}`
// are W&B's other forms of it. Where none of these occurs, the trial file is the last argument.
std::vector<std::string> trial_command(const Json& config, const std::filesystem::path& trial_file);

// The folder that the program runs in: `worker.cwd`, from `folder`, where the sweep file is.
std::filesystem::path program_folder(const Json& config, const std::filesystem::path& folder);

// How it is started: in its folder, its output going to the attempt's log.
// It finds the trial file and the spool in MVN_TRIAL and MVN_SPOOL, too. Where the configuration's
// `worker.tracker` is wandb, the stand-in for that package is the first that its Python finds.
ProcessSpec trial_process(const Json& config, const std::filesystem::path& trial_file,
                          const std::filesystem::path& spool, const std::filesystem::path& log,
                          const std::filesystem::path& folder);

// Why the configuration's program cannot be started from `folder`; "" where it can.
std::string why_not_startable(const Json& config, const std::filesystem::path& folder);

}  // namespace mvn
