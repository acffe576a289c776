#include "orchestrate/page/server.h"

#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include "common/text.h"
#include "mvn/error.h"
#include "orchestrate/page/live.h"
#include "orchestrate/page/page_data.h"
#include "orchestrate/page/page_files.h"
#include "orchestrate/page/peer.h"
#include "orchestrate/process/signals.h"

namespace mvn {
namespace {

constexpr int kForbidden = 403;
constexpr int kNotFound = 404;
constexpr int kNotAllowed = 405;
constexpr int kFailed = 500;

// What httplib knows by these names it would compress, which takes longer than to send it to a
// program on the same machine.
constexpr auto* kScript = "application/x-javascript";
constexpr auto* kJson = "application/vnd.mvn+json";

constexpr auto* kPolicy =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " connect-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:";

std::int64_t number_in(const httplib::Request& request, const char* name) {
  const auto text = request.get_param_value(name);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// The sweeps that somebody looks at. One request at a time reads.
class PageService {
 public:
  explicit PageService(const PageServerOptions& options)
      : options_(options), watch_(options.database), epoch_(std::random_device()()) {
    if (options.sweep.empty()) {
      (void)watch_.look();
    } else {
      chosen_ = PageData(options.database, {options.sweep, options.by}).sweep();
    }
  }

  Json sweeps() {
    const std::lock_guard guard(mutex_);
    return {{"sweeps", list_sweeps(options_.database)}, {"chosen", chosen_}};
  }

  Json changes(const httplib::Request& request) {
    return from(request, [&](LiveSweep& sweep, const auto& seen, std::int64_t since) {
      return sweep.changes(seen, since);
    });
  }

  Json curves(const httplib::Request& request) {
    return from(request, [&](LiveSweep& sweep, const auto& seen, std::int64_t since) {
      return sweep.curves(seen, request.get_param_value("metric"), since);
    });
  }

  Json trial(const httplib::Request& request) {
    return from(request, [&](LiveSweep& sweep, const auto& seen, std::int64_t) {
      return sweep.trial(seen, request.get_param_value("id"));
    });
  }

 private:
  // `since` counts within this server's life.
  template <typename Answer>
  Json from(const httplib::Request& request, Answer answer) {
    const std::lock_guard guard(mutex_);
    const auto seen = watch_.look();
    LiveSweep& sweep = find(request.get_param_value("sweep"), seen);
    const bool same = number_in(request, "epoch") == epoch_;
    Json json = answer(sweep, seen, same ? number_in(request, "since") : 0);
    json["epoch"] = epoch_;
    return json;
  }

  LiveSweep& find(const std::string& name, const DatabaseWatch::Seen& seen) {
    auto found = sweeps_.find(name);
    if (found == sweeps_.end()) {
      auto sweep = std::make_unique<LiveSweep>(options_.database, PageRequest{name, options_.by});
      (void)sweep->changes(seen, 0);  // throws where there is no such sweep, which is not kept
      found = sweeps_.emplace(name, std::move(sweep)).first;
    }
    return *found->second;
  }

  const PageServerOptions& options_;
  std::string chosen_;  // the name of the sweep that was asked for
  std::mutex mutex_;
  DatabaseWatch watch_;
  std::int64_t epoch_;
  std::map<std::string, std::unique_ptr<LiveSweep>> sweeps_;
};

void refuse(httplib::Response& response, int status, const std::string& why) {
  response.status = status;
  response.set_content(why + "\n", "text/plain; charset=utf-8");
}

void give_json(httplib::Response& response, Json json) {
  response.set_content(browser_json(std::move(json)), kJson);
}

// Whether the page or its user may have made the request; otherwise the response says why not.
bool is_fine(const httplib::Request& request, httplib::Response& response, int port) {
  const auto here = ":" + std::to_string(port);
  const auto host = request.get_header_value("Host");
  if (request.get_header_value_count("Host") != 1 ||
      (host != "127.0.0.1" + here && host != "localhost" + here)) {
    refuse(response, kForbidden, "this page is http://127.0.0.1" + here + " alone");
  } else if (!is_own_connection(request.remote_port, port)) {
    refuse(response, kForbidden, "this page is for the user who started it alone");
  } else if (request.method != "GET") {
    response.set_header("Allow", "GET");
    refuse(response, kNotAllowed, "this page is only read");
  } else {
    return true;
  }
  return false;
}

void add_headers(httplib::Server& server) {
  server.set_default_headers({{"Content-Security-Policy", kPolicy},
                              {"X-Content-Type-Options", "nosniff"},
                              {"X-Frame-Options", "DENY"},
                              {"Referrer-Policy", "no-referrer"},
                              {"Cross-Origin-Resource-Policy", "same-origin"},
                              {"Cross-Origin-Opener-Policy", "same-origin"},
                              {"Cache-Control", "no-store"}});
}

std::string live_html() {
  return page_html(
      "<link rel=\"stylesheet\" href=\"/page.css\" id=\"plotly.js-style-global\""
      " class=\"no-inline-styles\">\n",
      "<script src=\"/page.js\"></script>\n<script src=\"/plotly.js\"></script>\n");
}

void add_files(httplib::Server& server) {
  using httplib::Request;
  using httplib::Response;
  server.Get("/", [](const Request&, Response& response) {
    response.set_content(live_html(), "text/html; charset=utf-8");
  });
  const auto file = [&server](const std::string& name, const char* type) {
    server.Get("/" + name, [name, type](const Request&, Response& response) {
      const auto text = page_file(name);
      response.set_content(text.data(), text.size(), type);
    });
  };
  file("page.css", "text/css; charset=utf-8");
  file("page.js", kScript);
  file("plotly.js", kScript);
}

void add_answers(httplib::Server& server, PageService& service) {
  using httplib::Request;
  using httplib::Response;
  const auto answer = [&server](const char* path, auto make) {
    server.Get(path, [make](const Request& request, Response& response) {
      try {
        give_json(response, make(request));
      } catch (const ConfigError& unknown) {
        refuse(response, kNotFound, unknown.what());
      } catch (const std::exception& error) {
        refuse(response, kFailed, error.what());
      }
    });
  };
  answer("/api/sweeps", [&service](const Request&) { return service.sweeps(); });
  answer("/api/changes", [&service](const Request& request) { return service.changes(request); });
  answer("/api/curves", [&service](const Request& request) { return service.curves(request); });
  answer("/api/trial", [&service](const Request& request) { return service.trial(request); });
}

// The port it is bound to. httplib's own options would let two servers share one.
int bind(httplib::Server& server, const std::optional<int>& wanted) {
  constexpr const char* kHere = "127.0.0.1";
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  if (wanted && *wanted != 0) {
    if (server.bind_to_port(kHere, *wanted)) return *wanted;
    throw Error("port " + std::to_string(*wanted) +
                " is taken; give another with --port, or none for a free one");
  }
  if (!wanted && server.bind_to_port(kHere, kUsualPort)) return kUsualPort;
  const int port = server.bind_to_any_port(kHere);
  if (port < 0) throw Error("no port of 127.0.0.1 is free");
  return port;
}

void wait_for_stop(Signals& signals) {
  for (;;) {
    pollfd watched{signals.descriptor(), POLLIN, 0};
    ::poll(&watched, 1, -1);
    if (signals.take().stops() > 0) return;
  }
}

}  // namespace

void serve_page(const PageServerOptions& options) {
  Signals signals;  // before any thread: they inherit what is blocked
  PageService service(options);
  httplib::Server server;
  const int port = bind(server, options.port);
  server.set_keep_alive_timeout(1);  // what waits for it at the end
  server.set_pre_routing_handler(
      [port](const httplib::Request& request, httplib::Response& response) {
        return is_fine(request, response, port) ? httplib::Server::HandlerResponse::Unhandled
                                                : httplib::Server::HandlerResponse::Handled;
      });
  add_headers(server);
  add_files(server);
  add_answers(server, service);
  server.set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (response.body.empty()) refuse(response, response.status, "there is nothing here");
  });
  std::atomic<bool> ended = false;
  std::thread listening([&server, &ended] {
    server.listen_after_bind();
    ended = true;
  });
  // A stop that comes before that would be lost.
  while (!server.is_running() && !ended) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (options.started) options.started("http://127.0.0.1:" + std::to_string(port) + "/");
  wait_for_stop(signals);
  server.stop();
  listening.join();
}

}  // namespace mvn
