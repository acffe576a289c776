// Requests over HTTP, several at a time. Where a connection comes from is behind an interface: the
// library that speaks it is opened when something is asked for, since that takes longer than all
// else that a start of mvn-runner does.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mvn {

// Of one answer, their names in lower case.
using HttpHeaders = std::map<std::string, std::string>;

// What came before the body.
struct HttpHead {
  int status = 0;     // after redirects
  HttpHeaders first;  // of the host that was asked
  HttpHeaders last;   // of the one that answers
  int redirects = 0;  // between them
};

enum class HttpOutcome {
  kAnswered,     // whatever the status
  kStopped,      // the taker wanted no more
  kUnreachable,  // no connection
  kCut,          // the connection broke, or the answer was shorter than it said
  kStalled,      // nothing came for too long
  kUntrusted,    // the certificate is not accepted
  kRedirectLoop,
  kBadUrl,  // or a protocol that is not spoken
  kFailed,  // anything else
};

struct HttpEnd {
  HttpOutcome outcome = HttpOutcome::kFailed;
  HttpHead head;
  std::string reason;  // in words, where it was not answered
};

// One request, and who takes its answer. Lives until it has ended.
class HttpTransfer {
 public:
  virtual ~HttpTransfer() = default;
  // The next bytes of the body; false ends the transfer. `head` is that of the answer.
  virtual bool take(const HttpHead& head, std::string_view bytes) = 0;

  std::string url;
  std::string token;       // sent to the host of `url` alone; "": none
  std::uint64_t from = 0;  // asks for the bytes from here on; 0: for all
};

struct HttpRules {
  long connect_seconds = 10;
  long stall_seconds = 10;        // less than a kilobyte a second for so long is no connection
  std::string certificates = {};  // a file of them; "": the system's
  std::string agent = {};
};

class HttpEngine {
 public:
  virtual ~HttpEngine() = default;
  virtual void start(HttpTransfer& transfer) = 0;
  // Ends it without an answer; it is not heard of again.
  virtual void drop(HttpTransfer& transfer) = 0;
  // Waits until something ended, but not longer than so.
  virtual std::vector<std::pair<HttpTransfer*, HttpEnd>> wait(int milliseconds) = 0;
};

// Throws Error where the library is missing.
std::unique_ptr<HttpEngine> make_http_engine(const HttpRules& rules);

}  // namespace mvn
