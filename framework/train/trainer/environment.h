// What a result was produced on and from: the "environment" record.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/trial.h"
#include "train/host/plugin_host.h"
#include "train/trainer/configuration.h"

namespace mvn {

// Host, processor, device, and the GPU with its driver where that is the device.
Json machine_of(const std::string& device);

// The commit and the uncommitted changes of the working directory; empty where git does not know
// it. Takes as long as git does.
Json git_state();

// The machine, versions, and the hashes of libmvn and of the plugins.
Json environment_of(const TrialFile& trial, const PluginHost& host,
                    const Configuration& configuration);

// "<kind>.<path>" -> SHA-256, of each file. Hashes are remembered by size and time of change.
Json hashes_of(const std::string& kind, const std::vector<std::filesystem::path>& files);

// The files that weights are read from: `path` itself, or those in the folder.
std::vector<std::filesystem::path> weight_files(const std::filesystem::path& path);

}  // namespace mvn
