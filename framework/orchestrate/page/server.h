// `mvn-runner ui`: the page over a database that grows, for the browser of this machine's user.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <ostream>
#include <string>

namespace mvn {

struct PageServerOptions {
  std::filesystem::path database;
  std::string sweep = {};        // "": the page lists those that there are
  std::string by = {};           // as PageRequest::by
  std::optional<int> port = {};  // nothing: kUsualPort, or a free one where that is taken
  std::function<void(const std::string& url)> started = {};  // called once it answers
};

inline constexpr int kUsualPort = 8765;

// Serves until SIGINT or SIGTERM. It answers on 127.0.0.1 alone, GET requests alone, to programs of
// this user alone, under the names localhost and 127.0.0.1 alone: a page from elsewhere cannot
// reach it under a name of its own. It writes nothing. Throws Error where the port is taken.
void serve_page(const PageServerOptions& options);

}  // namespace mvn
