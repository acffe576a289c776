// A hub of a test's own: answers by address, in their order; the last one stays.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "orchestrate/hub/http.h"

namespace mvn::test {

struct FakeAnswer {
  int status = 200;
  std::string body = {};
  HttpOutcome outcome = HttpOutcome::kAnswered;
  HttpHeaders headers = {};
  bool takes_ranges = true;
};

struct FakeHub {
  std::map<std::string, std::deque<FakeAnswer>> answers;  // by the address's end
  std::vector<std::string> asked;                         // "ADDRESS" or "ADDRESS from N"
};

class FakeEngine : public HttpEngine {
 public:
  explicit FakeEngine(FakeHub& hub) : hub_(hub) {}

  void start(HttpTransfer& transfer) override { waiting_.push_back(&transfer); }
  void drop(HttpTransfer& transfer) override { std::erase(waiting_, &transfer); }
  std::vector<std::pair<HttpTransfer*, HttpEnd>> wait(int) override {
    std::vector<std::pair<HttpTransfer*, HttpEnd>> ended;
    for (HttpTransfer* transfer : std::exchange(waiting_, {})) {
      ended.emplace_back(transfer, answer(*transfer));
    }
    return ended;
  }

 private:
  HttpEnd answer(HttpTransfer& transfer) {
    hub_.asked.push_back(transfer.url +
                         (transfer.from > 0 ? " from " + std::to_string(transfer.from) : ""));
    const FakeAnswer found = next(transfer.url);
    HttpEnd end;
    end.outcome = found.outcome;
    end.head.last = found.headers;
    end.head.status = found.status;
    std::string body = found.body;
    if (transfer.from > 0 && found.takes_ranges && found.status == 200) {
      end.head.status = 206;
      end.head.last["content-range"] = "bytes " + std::to_string(transfer.from) + "-" +
                                       std::to_string(body.size() - 1) + "/" +
                                       std::to_string(body.size());
      body.erase(0, transfer.from);
    }
    if (!body.empty() && !transfer.take(end.head, body)) end.outcome = HttpOutcome::kStopped;
    return end;
  }

  FakeAnswer next(const std::string& url) {
    for (auto& [address, answers] : hub_.answers) {
      if (!url.ends_with(address)) continue;
      FakeAnswer answer = answers.front();
      if (answers.size() > 1) answers.pop_front();
      return answer;
    }
    return {.status = 0, .outcome = HttpOutcome::kUnreachable};
  }

  FakeHub& hub_;
  std::vector<HttpTransfer*> waiting_;
};

}  // namespace mvn::test
