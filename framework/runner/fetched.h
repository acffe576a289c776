// What a command is given of the hub, brought into the cache and shown on standard error meanwhile.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "orchestrate/hub/client.h"

namespace mvn {

// Throws Interrupted where the user stopped it, and what HubClient::fetch() does.
void fetch_shown(HubClient& hub, const std::vector<HubNeed>& needs);

// The folder of hf:OWNER/NAME, whatever it is, with what is needed of it.
std::filesystem::path fetched(const std::string& reference);

}  // namespace mvn
