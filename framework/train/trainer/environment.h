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

// The same with versions, the plugins' hashes, and the commit and uncommitted changes of the
// working directory.
Json environment_of(const TrialFile& trial, const PluginHost& host,
                    const Configuration& configuration);

// "data.<path>" -> SHA-256, of each file. Hashes are remembered by size and time of change.
Json hashes_of(const std::vector<std::filesystem::path>& files);

}  // namespace mvn
