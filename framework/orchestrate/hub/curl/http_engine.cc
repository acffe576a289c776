// HTTP by libcurl: proxies, certificates and HTTP/2 come with it. A library of its own
// (libmvn_http.so), opened when it is needed. Nothing is thrown across its edge.
#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "orchestrate/hub/http.h"

namespace mvn {
namespace {

constexpr long kMostRedirects = 10;
constexpr long kBuffer = 512L * 1024;
constexpr long kLeastRate = 1024;  // bytes a second

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view trimmed(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

// A request on its way.
struct Flight {
  HttpTransfer* transfer = nullptr;
  CURL* handle = nullptr;
  curl_slist* headers = nullptr;
  HttpHead head;
  int answers = 0;  // whose headers have begun
  bool stopped = false;
  std::array<char, CURL_ERROR_SIZE> error{};

  Flight() = default;
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  ~Flight() {
    curl_slist_free_all(headers);
    curl_easy_cleanup(handle);
  }
};

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& flight = *static_cast<Flight*>(user);
  const auto line = trimmed({data, size});
  if (line.starts_with("HTTP/")) {  // of the next answer: a redirect's, an interim one's
    ++flight.answers;
    flight.head.last.clear();
    return size;
  }
  const auto colon = line.find(':');
  if (colon == line.npos) return size;
  const auto name = lower(trimmed(line.substr(0, colon)));
  const std::string value(trimmed(line.substr(colon + 1)));
  if (flight.answers <= 1) flight.head.first[name] = value;
  flight.head.last[name] = value;
  return size;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& flight = *static_cast<Flight*>(user);
  if (flight.head.status == 0) {
    long status = 0;
    curl_easy_getinfo(flight.handle, CURLINFO_RESPONSE_CODE, &status);
    flight.head.status = static_cast<int>(status);
  }
  if (flight.transfer->take(flight.head, {data, size})) return size;
  flight.stopped = true;
  return size == 0 ? 1 : 0;  // anything but `size` ends the transfer
}

HttpOutcome outcome_of(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return HttpOutcome::kAnswered;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
      return HttpOutcome::kUnreachable;
    case CURLE_OPERATION_TIMEDOUT:
      return HttpOutcome::kStalled;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR:
      return HttpOutcome::kCut;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return HttpOutcome::kUntrusted;
    case CURLE_TOO_MANY_REDIRECTS:
      return HttpOutcome::kRedirectLoop;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return HttpOutcome::kBadUrl;
    default:
      return HttpOutcome::kFailed;
  }
}

class CurlEngine : public HttpEngine {
 public:
  explicit CurlEngine(HttpRules rules) : rules_(std::move(rules)), multi_(curl_multi_init()) {}
  CurlEngine(const CurlEngine&) = delete;
  CurlEngine& operator=(const CurlEngine&) = delete;
  ~CurlEngine() override {
    for (auto& [handle, flight] : flights_) curl_multi_remove_handle(multi_, handle);
    flights_.clear();
    curl_multi_cleanup(multi_);
  }

  void start(HttpTransfer& transfer) override {
    auto flight = std::make_unique<Flight>();
    flight->transfer = &transfer;
    flight->handle = curl_easy_init();
    set_up(*flight);
    curl_multi_add_handle(multi_, flight->handle);
    flights_[flight->handle] = std::move(flight);
  }

  void drop(HttpTransfer& transfer) override {
    std::erase_if(flights_, [&](const auto& each) {
      const bool own = each.second->transfer == &transfer;
      if (own) curl_multi_remove_handle(multi_, each.first);
      return own;
    });
  }

  std::vector<std::pair<HttpTransfer*, HttpEnd>> wait(int milliseconds) override {
    int running = 0;
    curl_multi_perform(multi_, &running);
    auto ended = take_ended();
    if (!ended.empty()) return ended;
    curl_multi_poll(multi_, nullptr, 0, milliseconds, nullptr);
    curl_multi_perform(multi_, &running);
    return take_ended();
  }

 private:
  void set_up(Flight& flight) const {
    CURL* handle = flight.handle;
    const HttpTransfer& transfer = *flight.transfer;
    const bool secure = transfer.url.starts_with("https:");
    const char* protocols = secure ? "https" : "http,https";
    curl_easy_setopt(handle, CURLOPT_URL, transfer.url.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(handle, CURLOPT_MAXREDIRS, kMostRedirects);
    curl_easy_setopt(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // a proxy's
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, rules_.connect_seconds);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, kLeastRate);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, rules_.stall_seconds);
    curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, kBuffer);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, rules_.agent.c_str());
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, flight.error.data());
    if (!rules_.certificates.empty()) {
      curl_easy_setopt(handle, CURLOPT_CAINFO, rules_.certificates.c_str());
    }
    if (transfer.from > 0) {
      const auto range = std::to_string(transfer.from) + "-";
      curl_easy_setopt(handle, CURLOPT_RANGE, range.c_str());
    }
    // libcurl sends such a header to the host that was asked and not to one that it is led to.
    if (!transfer.token.empty()) {
      flight.headers =
          curl_slist_append(nullptr, ("Authorization: Bearer " + transfer.token).c_str());
      curl_easy_setopt(handle, CURLOPT_HTTPHEADER, flight.headers);
    }
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, &flight);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &flight);
  }

  std::vector<std::pair<HttpTransfer*, HttpEnd>> take_ended() {
    std::vector<std::pair<HttpTransfer*, HttpEnd>> ended;
    int left = 0;
    for (auto* message = curl_multi_info_read(multi_, &left); message != nullptr;
         message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const auto code = message->data.result;
      const auto found = flights_.find(message->easy_handle);
      if (found == flights_.end()) continue;
      ended.emplace_back(found->second->transfer, end_of(*found->second, code));
      curl_multi_remove_handle(multi_, found->first);
      flights_.erase(found);
    }
    return ended;
  }

  static HttpEnd end_of(Flight& flight, CURLcode code) {
    HttpEnd end;
    long status = 0;
    long redirects = 0;
    curl_easy_getinfo(flight.handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(flight.handle, CURLINFO_REDIRECT_COUNT, &redirects);
    end.outcome = flight.stopped ? HttpOutcome::kStopped : outcome_of(code);
    end.head = std::move(flight.head);
    end.head.status = static_cast<int>(status);
    end.head.redirects = static_cast<int>(redirects);
    if (code != CURLE_OK) {
      const std::string detail = flight.error.data();
      end.reason = detail.empty() ? curl_easy_strerror(code) : detail;
    }
    return end;
  }

  HttpRules rules_;
  CURLM* multi_;
  std::map<CURL*, std::unique_ptr<Flight>> flights_;
};

}  // namespace
}  // namespace mvn

extern "C" __attribute__((visibility("default"))) mvn::HttpEngine* mvn_make_http_engine(
    const mvn::HttpRules& rules) {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return ready ? new (std::nothrow) mvn::CurlEngine(rules) : nullptr;
}
