// What the hub's refusals mean, in one line: what is wrong, and what to do.
#pragma once

#include <optional>
#include <string>

#include "mvn/error.h"
#include "orchestrate/hub/http.h"
#include "orchestrate/hub/reference.h"
#include "orchestrate/hub/settings.h"

namespace mvn {

// The hub cannot be asked now: there is no network, or it has trouble of its own. What is in the
// cache may do instead.
class HubUnreachable : public Error {
 public:
  using Error::Error;
  ~HubUnreachable() override;
};

// Throws ConfigError for a status that trying again does not change: a missing or gated repository,
// a revision or file that it does not have, a token that is not taken.
void refuse_status(const HttpHead& head, const HubReference& reference,
                   const HubSettings& settings);

// Whether the same request may do better later.
bool is_worth_another_try(const HttpEnd& end);
// The seconds that an answer asks to wait; nothing where it does not say.
std::optional<double> wait_asked_for(const HttpHead& head);
// "the connection was cut", "it answers 503"
std::string what_happened(const HttpEnd& end);

// The header's value; "" where there is none of this name (in lower case).
std::string header(const HttpHeaders& headers, const std::string& name);

}  // namespace mvn
