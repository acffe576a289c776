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

}  // namespace

HubFiles::HubFiles(fs::path results, bool afresh) : results_(std::move(results)), afresh_(afresh) {}

HubClient& HubFiles::client() {
  if (!client_) client_ = std::make_unique<HubClient>(hub_settings());
  return *client_;
}

fs::path HubFiles::file_of(const std::string& sweep) const {
  return sweep_paths(results_, sweep).folder / "hub.json";
}

std::map<std::string, std::string>& HubFiles::commits_of(const std::string& sweep) {
  const auto known = commits_.find(sweep);
  if (known != commits_.end()) return known->second;
  auto& commits = commits_[sweep];
  const auto file = file_of(sweep);
  if (afresh_ || !fs::exists(file)) return commits;
  const Json kept = read_json(file).value("commits", Json::object());
  for (const auto& [reference, commit] : kept.items()) {
    if (!commit.is_string() || !is_commit(commit.get<std::string>())) {
      throw DataError(file.string() + ": '" + reference + "' has no commit; remove the file");
    }
    commits[reference] = commit.get<std::string>();
  }
  return commits;
}

std::string HubFiles::pin(const std::string& sweep, const std::string& text, HubUse use) {
  auto reference = parse_hub_reference(text, hub_kind(use));
  const bool whole_data = use == HubUse::kData && reference.path.empty();
  if (whole_data) {
    throw ConfigError("", "'" + text + "' is a whole repository: name a file of it: " +
                              repository_text(reference) + "/train.jsonl");
  }
  auto& commits = commits_of(sweep);
  const auto key = revision_key(reference);
  const auto known = commits.find(key);
  if (known != commits.end()) {
    reference.revision = known->second;
    // A sweep that goes on asks nobody.
    if (client().cache().listing(reference)) client().needed({reference, use});
    return to_string(reference);
  }
  reference = client().pinned(reference);
  client().needed({reference, use});  // says what is not there
  if (key != revision_key(reference)) commits[key] = reference.revision;
  return to_string(reference);
}

void HubFiles::keep_commits(const std::string& sweep) const {
  const auto commits = commits_.find(sweep);
  if (commits == commits_.end() || commits->second.empty()) return;
  const Json json = {{"commits", commits->second}};
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
