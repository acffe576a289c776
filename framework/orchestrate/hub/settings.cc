#include "orchestrate/hub/settings.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <system_error>

#include "common/environment_variable.h"
#include "common/files.h"
#include "mvn/error.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

bool is_true(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text == "1" || text == "ON" || text == "YES" || text == "TRUE";
}

std::string without_space(std::string text) {
  const auto space = [](unsigned char c) { return std::isspace(c) != 0; };
  text.erase(text.begin(), std::ranges::find_if_not(text, space));
  while (!text.empty() && space(static_cast<unsigned char>(text.back()))) text.pop_back();
  return text;
}

fs::path home_folder(const Environment& environment) {
  fs::path home = environment("HOME");
  if (home.is_absolute()) return home;
  throw ConfigError("", "HOME names no folder: set HF_HOME to the one that the hub's files go to");
}

// Absolute; "~" is the user's own folder.
fs::path folder_of(const std::string& text, const Environment& environment) {
  if (text == "~") return home_folder(environment);
  if (text.starts_with("~/")) return home_folder(environment) / text.substr(2);
  return fs::absolute(text);
}

fs::path hub_home(const Environment& environment) {
  if (const auto home = environment("HF_HOME"); !home.empty()) return folder_of(home, environment);
  const fs::path cache = environment("XDG_CACHE_HOME");
  return (cache.empty() ? home_folder(environment) / ".cache" : fs::absolute(cache)) /
         "huggingface";
}

fs::path cache_of(const Environment& environment) {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const auto text = environment(name); !text.empty()) return folder_of(text, environment);
  }
  return hub_home(environment) / "hub";
}

// What is no part of a header would make another one.
void check_token(const HubSettings& settings) {
  const auto sign = [](unsigned char c) { return c > ' ' && c < 0x7f; };
  if (std::ranges::all_of(settings.token, sign)) return;
  throw ConfigError("", settings.token_source + ": holds no token, which is letters and digits");
}

void take_token(HubSettings& settings, const Environment& environment) {
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    if (!settings.token.empty()) break;
    settings.token = without_space(environment(name));
    settings.token_source = name;
  }
  if (settings.token.empty() && !is_true(environment("HF_HUB_DISABLE_IMPLICIT_TOKEN"))) {
    const auto named = environment("HF_TOKEN_PATH");
    const auto file =
        named.empty() ? hub_home(environment) / "token" : folder_of(named, environment);
    std::error_code none;
    if (fs::is_regular_file(file, none)) settings.token = without_space(read_file(file));
    settings.token_source = file.string();
  }
  if (settings.token.empty()) settings.token_source.clear();
  check_token(settings);
}

std::string endpoint_of(const Environment& environment, const std::string& standard) {
  auto endpoint = environment("HF_ENDPOINT");
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (endpoint.empty()) return standard;
  if (!endpoint.starts_with("http://") && !endpoint.starts_with("https://")) {
    throw ConfigError("", "HF_ENDPOINT: '" + endpoint + "' is no address: https://HOST");
  }
  return endpoint;
}

// Whole seconds, at least one.
long seconds_of(const Environment& environment, const char* name, long standard) {
  const auto text = environment(name);
  if (text.empty()) return standard;
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || !(seconds > 0) || seconds > 1e6) {
    throw ConfigError("", std::string(name) + ": '" + text + "' is no number of seconds");
  }
  return std::max(1L, std::lround(seconds));
}

}  // namespace

HubSettings hub_settings(const Environment& environment) {
  HubSettings settings;
  settings.endpoint = endpoint_of(environment, settings.endpoint);
  settings.cache = cache_of(environment).lexically_normal();
  settings.offline =
      is_true(environment("HF_HUB_OFFLINE")) || is_true(environment("TRANSFORMERS_OFFLINE"));
  settings.stall_seconds =
      seconds_of(environment, "HF_HUB_DOWNLOAD_TIMEOUT", settings.stall_seconds);
  if (environment("MVN_HUB_PAUSE") == "0") settings.pause_seconds = 0;
  for (const char* name : {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}) {
    if (settings.certificates.empty()) settings.certificates = environment(name);
  }
  if (!settings.offline) take_token(settings, environment);
  return settings;
}

HubSettings hub_settings() { return hub_settings(environment_variable); }

}  // namespace mvn
