// A sweep from its folder into the database: what a rebuild does for all, and a runner for one
// whose folder is there while the database does not know it. Private to the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "orchestrate/store/writer.h"

namespace mvn {

struct RestoreCounts {
  int trials = 0;
  int attempts = 0;
  std::int64_t records = 0;  // of the spools
  int lost = 0;  // trials that ended well, but whose last attempt has no folder any more
};

// Takes in sweep.json, runner.jsonl and every spool of the sweep's folder. Attempts whose end the
// journal does not hold stay running: the caller settles them. A trial that is lost counts as
// interrupted: it has no values, and runs again. Throws DataError when a file is
// damaged.
RestoreCounts restore_sweep(Writer& writer, const std::filesystem::path& results,
                            const std::string& sweep);

}  // namespace mvn
