#include "orchestrate/hub/client.h"

#include <algorithm>
#include <thread>

#include "common/printable.h"
#include "common/text.h"
#include "mvn/error.h"
#include "orchestrate/hub/answer.h"
#include "orchestrate/hub/retry.h"

namespace mvn {
namespace {

constexpr std::size_t kLongestAnswer = 256UL << 20;
constexpr std::size_t kMostPages = 10'000;

// An answer that is read as a whole.
class TextTransfer : public HttpTransfer {
 public:
  bool take(const HttpHead&, std::string_view bytes) override {
    if (text.size() + bytes.size() > kLongestAnswer) return false;
    text += bytes;
    return true;
  }
  std::string text;
};

// "https://host:port" of an address.
std::string origin_of(const std::string& url) {
  const auto host = url.find("://");
  return host == url.npos ? "" : url.substr(0, url.find('/', host + 3));
}

// The address in `<https://...>; rel="next"`; "" where there is none.
std::string next_page(const std::string& link) {
  for (std::size_t begin = link.find('<'); begin != link.npos; begin = link.find('<', begin + 1)) {
    const auto end = link.find('>', begin);
    if (end == link.npos) break;
    const auto rest = link.substr(end, link.find(',', end) - end);
    if (rest.find("rel=\"next\"") != rest.npos) return link.substr(begin + 1, end - begin - 1);
  }
  return "";
}

HubReference repository_of(HubReference reference) {
  reference.path.clear();
  return reference;
}

}  // namespace

HubClient::HubClient(HubSettings settings, MakeEngine make_engine)
    : settings_(std::move(settings)),
      cache_(settings_.cache),
      make_engine_(std::move(make_engine)) {}

HttpEngine& HubClient::engine() {
  if (!engine_) {
    engine_ = make_engine_({.stall_seconds = settings_.stall_seconds,
                            .certificates = settings_.certificates,
                            .agent = "mvn-runner/" MVN_VERSION});
  }
  return *engine_;
}

std::string HubClient::api_url(const HubReference& reference) const {
  return settings_.endpoint + "/api/" +
         (reference.kind == HubKind::kDataset ? "datasets/" : "models/") + reference.id;
}

HubClient::Answer HubClient::ask(const std::string& url, const HubReference& reference) {
  Retry retry(settings_);
  for (;;) {
    TextTransfer transfer;
    transfer.url = url;
    if (origin_of(url) == origin_of(settings_.endpoint)) transfer.token = settings_.token;
    engine().start(transfer);
    std::vector<std::pair<HttpTransfer*, HttpEnd>> ended;
    while (ended.empty()) ended = engine().wait(1000);
    HttpEnd& end = ended.front().second;
    if (end.outcome == HttpOutcome::kAnswered) {
      refuse_status(end.head, reference, settings_);
      if (end.head.status == 200) return {std::move(end.head), std::move(transfer.text)};
    }
    // Without a network there is none a second later either.
    const bool dead = end.outcome == HttpOutcome::kUnreachable && retry.failures() > 0;
    if (dead || !retry.again(end)) {
      throw HubUnreachable(settings_.endpoint + ": " + what_happened(end));
    }
    std::this_thread::sleep_until(retry.due());
  }
}

Json HubClient::ask_json(const std::string& url, const HubReference& reference, std::string* next) {
  const auto answer = ask(url, reference);
  if (next != nullptr) *next = next_page(header(answer.head.last, "link"));
  try {
    return parse_json(answer.text, settings_.endpoint);
  } catch (const DataError&) {
    throw ConfigError("",
                      settings_.endpoint +
                          " answers with something else than the hub does; is HF_ENDPOINT right?");
  }
}

void HubClient::refuse_offline(const HubReference& reference, const std::string& why) const {
  throw ConfigError(
      "", to_string(reference) + " is not in " + path_text(cache_.folder()) +
              (why.empty() ? settings_.offline ? ", and HF_HUB_OFFLINE is set" : "" : ": " + why) +
              "; where there is a network: mvn-runner fetch " + to_string(reference));
}

HubReference HubClient::pinned(const HubReference& reference) {
  HubReference result = reference;
  if (is_commit(reference.revision)) return result;
  const auto known = cache_.commit(reference);
  if (settings_.offline) {
    if (!known) refuse_offline(reference, "");
    result.revision = *known;
    return result;
  }
  try {
    const auto url = api_url(reference) + "/revision/" + url_text(reference.revision, false);
    const Json answer = ask_json(url, reference, nullptr);
    const auto commit = answer.is_object() ? answer.value("sha", Json()) : Json();
    if (!commit.is_string() || !is_commit(commit.get<std::string>())) {
      throw ConfigError("", settings_.endpoint + " names no commit of " + to_string(reference));
    }
    result.revision = commit.get<std::string>();
    cache_.note_commit(reference, result.revision);
  } catch (const HubUnreachable& error) {
    if (!known) refuse_offline(reference, error.what());
    result.revision = *known;
    warnings_.push_back(std::string(error.what()) + "; " + to_string(reference) +
                        " is taken to be at " + short_id(*known) + ", where it was last");
  }
  return result;
}

HubListing HubClient::ask_listing(const HubReference& pinned) {
  std::string url = api_url(pinned) + "/tree/" + pinned.revision + "?recursive=true&expand=false";
  HubListing listing;
  for (std::size_t page = 0; !url.empty() && page < kMostPages; ++page) {
    std::string next;
    auto more = parse_listing(ask_json(url, pinned, &next), settings_.endpoint);
    std::ranges::move(more, std::back_inserter(listing));
    url = next;
  }
  std::ranges::sort(listing, {}, &HubFile::path);
  return listing;
}

const HubClient::Listing& HubClient::listing(const HubReference& pinned) {
  const auto key = to_string(repository_of(pinned));
  if (const auto known = listings_.find(key); known != listings_.end()) return known->second;
  Listing listing;
  if (auto known = cache_.listing(pinned)) {
    listing.files = std::move(*known);
  } else {
    try {
      if (settings_.offline) throw HubUnreachable("");
      listing.files = ask_listing(pinned);
      cache_.note_listing(pinned, listing.files);
    } catch (const HubUnreachable& error) {
      listing = {cache_.files_there(pinned), false};
      if (listing.files.empty()) refuse_offline(pinned, error.what());
    }
  }
  return listings_[key] = std::move(listing);
}

HubListing HubClient::needed(const HubNeed& need) {
  const auto& known = listing(need.reference);
  try {
    return needed_files(known.files, need.reference, need.use);
  } catch (const ConfigError&) {
    if (known.is_whole) throw;
    refuse_offline(need.reference, "");
  }
}

HubListing HubClient::missing(const HubNeed& need) {
  auto files = needed(need);
  std::erase_if(files, [&](const HubFile& file) { return cache_.has(need.reference, file); });
  return files;
}

HubUse HubClient::use_of(const HubReference& pinned) {
  if (pinned.kind == HubKind::kDataset) return HubUse::kData;
  const auto& files = listing(pinned).files;
  const std::string folder = pinned.path.empty() ? "" : pinned.path + "/";
  const auto has = [&](const char* name) {
    return std::ranges::find(files, folder + name, &HubFile::path) != files.end();
  };
  if (has("adapter_config.json")) return HubUse::kAdapter;
  if (has("config.json")) return HubUse::kModel;
  const bool tokenizer = has("tokenizer.json") || has("tokenizer.model") || has("vocab.json");
  return tokenizer ? HubUse::kTokenizer : HubUse::kData;
}

bool HubClient::fetch(const std::vector<HubNeed>& needs, HubView& view,
                      const std::function<bool()>& should_stop) {
  std::vector<HubDownload> wanted;
  for (const HubNeed& need : needs) {
    for (const HubFile& file : missing(need)) {
      if (settings_.offline || file.hash.empty()) refuse_offline(need.reference, "");
      HubDownload download{repository_of(need.reference), file};
      const auto same = [&](const HubDownload& each) {
        return each.repository == download.repository && each.file == download.file;
      };
      if (std::ranges::none_of(wanted, same)) wanted.push_back(std::move(download));
    }
  }
  if (wanted.empty()) return true;
  return download({settings_, cache_, engine(), view, should_stop}, wanted);
}

std::vector<std::string> HubClient::take_warnings() { return std::exchange(warnings_, {}); }

}  // namespace mvn
