// What a trial was made from, and what of that has changed since.
#pragma once

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "common/description.h"
#include "common/json.h"
#include "orchestrate/store/reader.h"

namespace mvn {

// For the environment of a trial that a program of the user's runs: "program.<file>" and
// "data.<file>" -> SHA-256, of the files that its command and its args name. `folder` is where it
// runs.
Json program_fingerprints(const Json& config, const std::filesystem::path& folder);

// What a fingerprint of this name ("plugin.lora", "data./path") would be now; "" where that is not
// known: the file is gone, the plugin not installed.
std::string fingerprint_now(const std::string& name, const Description& installed,
                            const std::filesystem::path& worker);

// Lets a fingerprint of a file name the file that its trial would read now, where that is another
// one: paths are relative to `folder`, and the sweep file may have moved.
void follow_files(std::vector<Fingerprint>& recorded, const std::vector<PlannedTrial>& trials,
                  const std::filesystem::path& folder);

struct Change {
  std::string what;              // "another build of plugin lora"
  std::set<std::string> trials;  // ids
};

// One entry for each kind of thing that is not what it was when a trial ran last.
std::vector<Change> changes(const std::vector<Fingerprint>& recorded,
                            const std::function<std::string(const std::string& name)>& now);

// "2 finished trials were trained with another build of plugin lora: they are kept;
// --rerun-changed trains them again"
std::string change_line(const Change& change, std::size_t finished, std::size_t begun, bool rerun);

}  // namespace mvn
