// What a sweep takes from the Hugging Face hub: which commits, and their files on this machine.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "common/description.h"
#include "mvn/error.h"
#include "orchestrate/hub/client.h"
#include "orchestrate/sweep/plan.h"

namespace mvn {

class HubFiles {
 public:
  // A sweep's folder in `results` holds the commits that it began with (hub.json). `afresh` asks
  // the hub again.
  HubFiles(std::filesystem::path results, bool afresh);

  // The reference `text` as a trial's configuration has it: hf:OWNER/NAME@COMMIT/PATH. A sweep
  // keeps the commits that it began with. Throws ConfigError.
  std::string pin(const std::string& sweep, const std::string& text, HubUse use);
  // Writes them down, once the sweep has a folder.
  void keep_commits(const std::string& sweep) const;

  // What the trials need of the hub, each once.
  [[nodiscard]] static std::vector<HubNeed> needs(const std::vector<const PlannedTrial*>& trials,
                                                  const Description& installed);
  // Whether all that a trial needs is there.
  bool has_all(const PlannedTrial& trial, const Description& installed);
  // "hf:EleutherAI/gpt-neo-125m@4f0b (6 files, 526 MB)" for each need that something is missing of.
  std::vector<std::string> missing(const std::vector<HubNeed>& needs);
  // Brings what is missing. False where it was told to stop.
  bool fetch(const std::vector<HubNeed>& needs, std::ostream& out,
             const std::function<bool()>& should_stop);

  // Where it lies here, fetched or not.
  [[nodiscard]] std::filesystem::path local(const std::string& reference, HubUse use);
  // What was said since the last call.
  std::vector<std::string> take_warnings();

 private:
  // What is written down of a sweep.
  struct Kept {
    std::map<std::string, std::string> commits;  // "hf:OWNER/NAME@main" -> its commit
    bool begun = false;                          // by an earlier run
    std::map<std::string, std::string> splits;   // "hf:datasets/.../CONFIG/SPLIT" -> its file
  };

  HubClient& client();
  Kept& kept_of(const std::string& sweep);
  HubReference with_commit(Kept& kept, HubReference reference);
  std::string split_of(Kept& kept, const HubReference& reference, const ConfigError& error);
  [[nodiscard]] std::filesystem::path file_of(const std::string& sweep) const;

  std::filesystem::path results_;
  bool afresh_;
  std::unique_ptr<HubClient> client_;
  std::map<std::string, Kept> kept_;  // by sweep
};

}  // namespace mvn
