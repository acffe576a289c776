#include "orchestrate/hub/answer.h"

#include <charconv>
#include <ctime>

#include "common/printable.h"

namespace mvn {

HubUnreachable::~HubUnreachable() = default;

namespace {

constexpr std::size_t kLongestQuote = 200;

std::string page_of(const HubReference& reference, const HubSettings& settings) {
  return settings.endpoint + (reference.kind == HubKind::kDataset ? "/datasets/" : "/") +
         reference.id;
}

std::string token_advice(const HubSettings& settings) {
  if (settings.token.empty()) return "set HF_TOKEN to a token of an account that may read it";
  return "the account of the token in " + settings.token_source + " may not read it";
}

[[noreturn]] void refuse(const std::string& message) { throw ConfigError("", message); }

[[noreturn]] void refuse_gated(const HubReference& reference, const HubSettings& settings) {
  refuse(repository_text(reference) + " is gated: accept its terms at " +
         page_of(reference, settings) +
         (settings.token.empty() ? ", then set HF_TOKEN to a token of that account"
                                 : " with the account of the token in " + settings.token_source));
}

[[noreturn]] void refuse_missing(const HubReference& reference, const HubSettings& settings) {
  const bool data = reference.kind == HubKind::kDataset;
  refuse(repository_text(reference) + ": " + settings.endpoint + " has no such " +
         (data ? "data set" : "model") + ", or it is private: check the name" +
         (data ? "" : " (a data set is hf:datasets/...)") + "; where it is private, " +
         token_advice(settings));
}

// Seconds until "Wed, 21 Oct 2026 07:28:00 GMT".
std::optional<double> seconds_until(const std::string& date) {
  std::tm parts{};
  if (::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S", &parts) == nullptr) return std::nullopt;
  const double seconds = std::difftime(::timegm(&parts), std::time(nullptr));
  return seconds < 0 ? 0 : seconds;
}

}  // namespace

std::string header(const HttpHeaders& headers, const std::string& name) {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

void refuse_status(const HttpHead& head, const HubReference& reference,
                   const HubSettings& settings) {
  if (head.status < 400 || head.status == 408 || head.status == 416 || head.status == 429 ||
      head.status >= 500) {
    return;
  }
  const auto code = header(head.last, "x-error-code");
  const auto message = header(head.last, "x-error-message");
  const auto text = repository_text(reference);
  if (code == "GatedRepo") refuse_gated(reference, settings);
  if (code == "RevisionNotFound") {
    refuse(text + " has no revision '" + reference.revision + "': a branch, a tag or a commit");
  }
  if (code == "EntryNotFound") {
    refuse(text + " has no file '" + reference.path + "' at " + reference.revision);
  }
  const bool token_refused = message.find("Invalid credentials") != message.npos ||
                             message.find("Invalid username or password") != message.npos;
  if (head.status == 401 && !settings.token.empty() && token_refused) {
    refuse(settings.endpoint + " does not take the token in " + settings.token_source +
           ": make a new one at " + settings.endpoint + "/settings/tokens");
  }
  if (code == "RepoNotFound" || head.status == 401 || head.status == 404) {
    refuse_missing(reference, settings);
  }
  if (message == "Access to this resource is disabled.") {
    refuse(text + ": the hub has disabled access to it");
  }
  refuse(text + ": the hub answers " + std::to_string(head.status) +
         (message.empty() ? "" : ": " + printable(message.substr(0, kLongestQuote))));
}

bool is_worth_another_try(const HttpEnd& end) {
  switch (end.outcome) {
    case HttpOutcome::kAnswered:
      return end.head.status == 408 || end.head.status == 429 || end.head.status >= 500;
    case HttpOutcome::kUntrusted:
    case HttpOutcome::kBadUrl:
    case HttpOutcome::kRedirectLoop:
      return false;
    default:
      return true;
  }
}

std::optional<double> wait_asked_for(const HttpHead& head) {
  const auto text = header(head.last, "retry-after");
  if (text.empty()) return std::nullopt;
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool number = error == std::errc() && end == text.data() + text.size();
  if (!number) return seconds_until(text);
  if (seconds >= 0) return seconds;
  return std::nullopt;
}

std::string what_happened(const HttpEnd& end) {
  switch (end.outcome) {
    case HttpOutcome::kAnswered:
      return "it answers " + std::to_string(end.head.status) +
             (end.head.status == 429 ? " (too many requests)" : "");
    case HttpOutcome::kUnreachable:
      return "it cannot be reached (" + end.reason + ")";
    case HttpOutcome::kCut:
      return "the connection was cut (" + end.reason + ")";
    case HttpOutcome::kStalled:
      return "nothing came any more";
    case HttpOutcome::kUntrusted:
      return "its certificate is not accepted (" + end.reason +
             "); SSL_CERT_FILE names a file of others";
    case HttpOutcome::kRedirectLoop:
      return "it leads from one address to the next without end";
    case HttpOutcome::kBadUrl:
      return "it leads to an address that is none (" + end.reason + ")";
    default:
      return end.reason.empty() ? "it failed" : end.reason;
  }
}

}  // namespace mvn
