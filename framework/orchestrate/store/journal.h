// runner.jsonl: what the runner decided about a sweep's trials (started, ended, blocked), one
// record a line beside sweep.json. With the spools it is all that the database holds.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/json.h"
#include "orchestrate/store/writer.h"

namespace mvn {

// The files of a sweep itself, in its folder of the results folder.
struct SweepPaths {
  std::filesystem::path folder;
  [[nodiscard]] std::filesystem::path manifest() const { return folder / "sweep.json"; }
  [[nodiscard]] std::filesystem::path journal() const { return folder / "runner.jsonl"; }
};
// Throws DataError as trial_paths() does.
SweepPaths sweep_paths(const std::filesystem::path& results, const std::string& sweep);

// Its records, but for that of a draw, which store/history.h has.
Json start_record(const std::string& id, int attempt, const AttemptStart& start);
Json end_record(const std::string& id, int attempt, const AttemptEnd& end, std::int64_t time);
Json stop_record(const std::string& id, int attempt, const Json& decision);
Json block_record(const std::string& id, const std::string& reason);
Json removed_record(const std::string& id, const std::vector<std::string>& paths,
                    std::int64_t time);
// Does again what a record says. Throws Json::exception or DataError where it is not one of ours.
void replay_record(Writer& writer, const std::string& sweep, const Json& record);

// All its records in order; none when there is no file.
std::vector<Json> read_journal(const SweepPaths& paths);

}  // namespace mvn
