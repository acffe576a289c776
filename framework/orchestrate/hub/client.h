// The Hugging Face hub: the commit that a revision is at, what a repository holds there, and its
// files in the cache that huggingface_hub uses, too.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "orchestrate/hub/cache.h"
#include "orchestrate/hub/download.h"
#include "orchestrate/hub/http.h"
#include "orchestrate/hub/listing.h"
#include "orchestrate/hub/settings.h"

namespace mvn {

// Something that is to be there; the reference's revision is a commit.
struct HubNeed {
  HubReference reference;
  HubUse use = HubUse::kModel;

  bool operator==(const HubNeed&) const = default;
};

class HubClient {
 public:
  using MakeEngine = std::function<std::unique_ptr<HttpEngine>(const HttpRules& rules)>;

  explicit HubClient(HubSettings settings, MakeEngine make_engine = make_http_engine);

  [[nodiscard]] const HubSettings& settings() const { return settings_; }
  [[nodiscard]] const HubCache& cache() const { return cache_; }

  // The reference with the commit that its revision is at: the hub's answer; without a network,
  // what it was when it was asked last, with a warning. Throws ConfigError.
  HubReference pinned(const HubReference& reference);
  // The files that are needed. Where nothing can be asked and no listing is known, those that are
  // there. Throws ConfigError.
  HubListing needed(const HubNeed& need);
  // Of those, the ones that are not there.
  HubListing missing(const HubNeed& need);
  // What of a repository people mean who name it without saying what for.
  HubUse use_of(const HubReference& pinned);

  // False where it was told to stop. Throws ConfigError, DataError, DiskFull, Error.
  bool fetch(const std::vector<HubNeed>& needs, HubView& view,
             const std::function<bool()>& should_stop);

  // What was said since the last call.
  std::vector<std::string> take_warnings();

 private:
  struct Answer {
    HttpHead head;
    std::string text;
  };
  struct Listing {
    HubListing files;
    bool is_whole = true;  // else those that are there: nobody could be asked
  };
  HttpEngine& engine();
  Answer ask(const std::string& url, const HubReference& reference);
  Json ask_json(const std::string& url, const HubReference& reference, std::string* next);
  [[nodiscard]] std::string api_url(const HubReference& reference) const;
  const Listing& listing(const HubReference& pinned);
  HubListing ask_listing(const HubReference& pinned);
  [[noreturn]] void refuse_offline(const HubReference& reference, const std::string& why) const;

  HubSettings settings_;
  HubCache cache_;
  MakeEngine make_engine_;
  std::unique_ptr<HttpEngine> engine_;
  std::map<std::string, Listing> listings_;  // by repository and commit
  std::vector<std::string> warnings_;
};

}  // namespace mvn
