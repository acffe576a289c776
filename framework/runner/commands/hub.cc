// fetch: what lies on the Hugging Face hub, before a machine without a network needs it.
#include <CLI/CLI.hpp>
#include <memory>

#include "common/json.h"
#include "common/text.h"
#include "orchestrate/hub/client.h"
#include "orchestrate/hub/progress.h"
#include "orchestrate/sessions/session.h"
#include "orchestrate/store/table.h"
#include "runner/commands/commands.h"
#include "runner/fetched.h"

namespace mvn {
namespace {

struct FetchOptions {
  std::vector<std::string> references;
  bool json = false;
};

// What has been fetched, with its place on this machine.
Json entry_of(HubClient& hub, const HubNeed& need) {
  Json files = Json::array();
  std::uint64_t bytes = 0;
  for (const HubFile& file : hub.needed(need)) {
    files.push_back({{"path", file.path}, {"size", file.size}, {"hash", file.hash}});
    bytes += file.size;
  }
  return {{"reference", to_string(need.reference)},
          {"commit", need.reference.revision},
          {"path", hub.cache().local(need.reference).string()},
          {"bytes", bytes},
          {"files", std::move(files)}};
}

void print_entry(const Json& entry, std::ostream& out) {
  out << entry.at("reference").get<std::string>() << "  "
      << plural(entry.at("files").size(), "file") << ", "
      << megabytes_text(entry.at("bytes").get<std::uint64_t>()) << "\n  "
      << entry.at("path").get<std::string>() << "\n";
}

bool is_sweep(const std::string& text) { return text.ends_with(".yaml") || text.ends_with(".yml"); }

std::vector<HubNeed> needs_of(const FetchOptions& options, const CommonOptions& common,
                              HubClient& hub) {
  std::vector<HubNeed> needs;
  for (const auto& text : options.references) {
    if (is_sweep(text) && !is_hub_reference(text)) {
      RunOptions sweep;
      sweep.file = text;
      sweep.overrides = common.overrides;
      sweep.results = common.results;
      sweep.plugin_folders = common.plugin_folders();
      sweep.rerun_changed = common.rerun_changed;
      const auto more = hub_needs(sweep);
      needs.insert(needs.end(), more.begin(), more.end());
      continue;
    }
    if (!is_hub_reference(text)) {
      throw UsageError("'" + text +
                       "' is not on the hub: fetch takes hf:OWNER/NAME, "
                       "hf:datasets/OWNER/NAME/FILE, or a sweep.yaml");
    }
    const auto reference = hub.pinned(parse_hub_reference(text, HubKind::kModel));
    needs.push_back({reference, hub.use_of(reference)});
  }
  return needs;
}

int fetch(const FetchOptions& options, const CommonOptions& common, std::ostream& out) {
  HubClient hub(hub_settings());
  const auto needs = needs_of(options, common, hub);
  fetch_shown(hub, needs);
  Json entries = Json::array();
  for (const auto& need : needs) entries.push_back(entry_of(hub, need));
  if (options.json) {
    out << entries.dump(2) << std::endl;
    return 0;
  }
  for (const Json& entry : entries) print_entry(entry, out);
  out << std::flush;
  return 0;
}

Action define_fetch(CLI::App& app) {
  const auto options = std::make_shared<FetchOptions>();
  app.add_option(
         "references", options->references,
         "hf:OWNER/NAME@REVISION, hf:datasets/OWNER/NAME/FILE, or a sweep: all that its trials "
         "take from the hub")
      ->required()
      ->type_name("REFERENCE");
  app.add_flag("--json", options->json, "As JSON");
  return [options](const CommonOptions& common, std::ostream& out) {
    return fetch(*options, common, out);
  };
}

}  // namespace

std::vector<CommandRow> hub_commands() {
  return {{.name = "fetch",
           .help = "Fetch models and data of the Hugging Face hub into the cache, ahead of a sweep",
           .examples = {{"fetch hf:EleutherAI/gpt-neo-125m", "a model, ahead of a sweep"},
                        {"fetch sweep.yaml", "all that a sweep takes from there"}},
           .define = define_fetch}};
}

}  // namespace mvn
