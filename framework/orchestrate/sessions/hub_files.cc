#include "orchestrate/sessions/hub_files.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "common/files.h"
#include "common/text.h"
#include "mvn/error.h"
#include "orchestrate/hub/progress.h"
#include "orchestrate/store/journal.h"
#include "orchestrate/store/table.h"
#include "orchestrate/sweep/hub_paths.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// Without the path within it: files of one repository are of one commit.
std::string revision_key(HubReference reference) {
  reference.path.clear();
  return to_string(reference);
}

// Whether a split is a file of the repository that it is said to be of.
bool is_split_of_its_own(const std::pair<const std::string, std::string>& split) {
  const auto named = parse_hub_reference(split.first, HubKind::kDataset);
  const auto file = parse_hub_reference(split.second, HubKind::kDataset);
  return is_commit(file.revision) && repository_text(named) == repository_text(file);
}

[[noreturn]] void refuse_kept(const fs::path& file) {
  throw DataError(file.string() + ": is not what a run writes there; remove it");
}

}  // namespace

HubFiles::HubFiles(fs::path results, bool afresh) : results_(std::move(results)), afresh_(afresh) {}

HubClient& HubFiles::client() {
  if (!client_) client_ = std::make_unique<HubClient>(hub_settings());
  return *client_;
}

fs::path HubFiles::file_of(const std::string& sweep) const {
  return sweep_paths(results_, sweep).folder / "hub.json";
}

HubFiles::Kept& HubFiles::kept_of(const std::string& sweep) {
  const auto known = kept_.find(sweep);
  if (known != kept_.end()) return known->second;
  Kept& kept = kept_[sweep];
  const auto file = file_of(sweep);
  if (afresh_ || !fs::exists(file)) return kept;
  const Json json = read_json(file);
  try {
    kept.commits = json.at("commits").get<std::map<std::string, std::string>>();
    kept.splits = json.at("splits").get<std::map<std::string, std::string>>();
    kept.begun = true;
  } catch (const Json::exception&) {
    refuse_kept(file);
  }
  // Results may be anybody's: what they say is no more than which commit of a repository it is.
  const bool sound =
      std::ranges::all_of(kept.commits, [](const auto& each) { return is_commit(each.second); }) &&
      std::ranges::all_of(kept.splits, is_split_of_its_own);
  if (!sound) refuse_kept(file);
  return kept;
}

HubReference HubFiles::with_commit(Kept& kept, HubReference reference) {
  if (is_commit(reference.revision)) return reference;
  const auto key = revision_key(reference);
  if (const auto known = kept.commits.find(key); known != kept.commits.end()) {
    reference.revision = known->second;
    return reference;
  }
  reference = client().pinned(reference);
  kept.commits[key] = reference.revision;
  return reference;
}

std::string HubFiles::split_of(Kept& kept, const HubReference& reference,
                               const ConfigError& error) {
  auto split = converted_split(reference);
  if (!split) throw error;
  HubListing files;
  try {
    split = with_commit(kept, *split);
    files = client().needed({*split, HubUse::kData});
  } catch (const ConfigError&) {
    throw error;  // the hub has not converted it, or it has no such split
  }
  if (files.size() == 1) split->path = files.front().path;
  return to_string(*split);
}

std::string HubFiles::pin(const std::string& sweep, const std::string& text, HubUse use) {
  const auto reference = parse_hub_reference(text, hub_kind(use));
  if (use == HubUse::kData && reference.path.empty()) {
    throw ConfigError("", "'" + text + "' is a whole repository: name a file of it: " +
                              repository_text(reference) + "/train.jsonl");
  }
  Kept& kept = kept_of(sweep);
  const auto split = kept.splits.find(to_string(reference));
  if (split != kept.splits.end()) return split->second;
  // A sweep that goes on asks nobody.
  const bool known =
      is_commit(reference.revision) || kept.commits.contains(revision_key(reference));
  const bool asks = !kept.begun || !known;
  const auto pinned = with_commit(kept, reference);
  if (!asks && !client().cache().listing(pinned)) return to_string(pinned);
  try {
    client().needed({pinned, use});  // says what is not there
  } catch (const ConfigError& error) {
    return kept.splits[to_string(reference)] = split_of(kept, reference, error);
  }
  return to_string(pinned);
}

void HubFiles::keep_commits(const std::string& sweep) const {
  const auto kept = kept_.find(sweep);
  if (kept == kept_.end()) return;
  const Json json = {{"commits", kept->second.commits}, {"splits", kept->second.splits}};
  const auto file = file_of(sweep);
  if (fs::exists(file) && try_parse_json(read_file(file)) == json) return;
  write_file_atomically(file, json.dump(1) + "\n");
}

std::vector<HubNeed> HubFiles::needs(const std::vector<const PlannedTrial*>& trials,
                                     const Description& installed) {
  std::vector<HubNeed> needs;
  std::set<std::pair<std::string, HubUse>> seen;
  for (const PlannedTrial* trial : trials) {
    Json config = trial->config;
    each_path(config, installed,
              [&](const std::string& section, const ParamSpec& spec, const Json& value) {
                if (!value.is_string()) return;
                const auto text = value.get<std::string>();
                const auto use = hub_use(section, spec.type);
                if (!is_hub_reference(text) || !seen.emplace(text, use).second) return;
                needs.push_back({parse_hub_reference(text, hub_kind(use)), use});
              });
  }
  return needs;
}

bool HubFiles::has_all(const PlannedTrial& trial, const Description& installed) {
  return std::ranges::all_of(needs({&trial}, installed), [this](const HubNeed& need) {
    return client().missing(need).empty();
  });
}

std::vector<std::string> HubFiles::missing(const std::vector<HubNeed>& needs) {
  std::vector<std::string> lines;
  for (const HubNeed& need : needs) {
    const auto files = client().missing(need);
    if (files.empty()) continue;
    std::uint64_t bytes = 0;
    for (const HubFile& file : files) bytes += file.size;
    lines.push_back(to_string(need.reference) + " (" + plural(files.size(), "file") + ", " +
                    megabytes_text(bytes) + ")");
  }
  return lines;
}

bool HubFiles::fetch(const std::vector<HubNeed>& needs, std::ostream& out,
                     const std::function<bool()>& should_stop) {
  if (needs.empty()) return true;
  const auto lines = missing(needs);
  if (lines.empty()) return true;
  for (const auto& line : lines) out << "to fetch: " << line << std::endl;
  const auto view = make_hub_view(out, terminal_width(STDOUT_FILENO).value_or(0));
  return client().fetch(needs, *view, should_stop);
}

fs::path HubFiles::local(const std::string& reference, HubUse use) {
  return client().cache().local(parse_hub_reference(reference, hub_kind(use)));
}

std::vector<std::string> HubFiles::take_warnings() {
  return client_ ? client_->take_warnings() : std::vector<std::string>();
}

}  // namespace mvn
