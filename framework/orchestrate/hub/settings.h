// Where the hub is, who asks, and where what it sent is kept: what huggingface_hub, Hugging Face's
// own client in Python, takes from the environment.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace mvn {

struct HubSettings {
  std::string endpoint = "https://huggingface.co";  // without a '/' at its end
  // A secret: it goes into requests to the endpoint and nowhere else.
  std::string token = {};
  std::string token_source = {};  // "HF_TOKEN", or the file that it was in
  std::filesystem::path cache;    // of huggingface_hub's layout
  bool offline = false;           // only what is in the cache
  std::string certificates = {};  // a file; "": the system's
  long stall_seconds = 10;
  std::size_t parallel = 8;  // files at a time
  int tries = 5;             // in a row that bring nothing
  double pause_seconds = 1;  // before the second, twice as long before the third, ...
};

using Environment = std::function<std::string(const char* name)>;

// HF_ENDPOINT, HF_TOKEN (or the file HF_TOKEN_PATH, else HF_HOME/token), HF_HUB_CACHE (else
// HF_HOME/hub), HF_HUB_OFFLINE, HF_HUB_DOWNLOAD_TIMEOUT; MVN_HUB_PAUSE=0 tries again at once.
// Throws ConfigError for what cannot be meant.
HubSettings hub_settings(const Environment& environment);
HubSettings hub_settings();  // of this process

}  // namespace mvn
