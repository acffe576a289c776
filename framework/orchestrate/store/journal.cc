#include "orchestrate/store/journal.h"

#include <iterator>

#include "common/printable.h"
#include "common/spool.h"
#include "common/trial.h"
#include "mvn/error.h"

namespace mvn {

SweepPaths sweep_paths(const std::filesystem::path& results, const std::string& sweep) {
  if (!is_sweep_name(sweep)) {
    throw DataError("'" + printable(sweep) + "' cannot be a sweep's name: it is no folder's");
  }
  SweepPaths paths{results / sweep};
  require_below(results, paths.folder);
  return paths;
}

std::vector<Json> read_journal(const SweepPaths& paths) {
  std::vector<Json> records;
  for (std::uint64_t offset = 0;;) {
    SpoolBatch batch = read_spool(paths.journal(), offset);
    if (batch.end_offset == offset) return records;
    offset = batch.end_offset;
    std::ranges::move(batch.records, std::back_inserter(records));
  }
}

}  // namespace mvn
