#include "orchestrate/store/journal.h"

#include <iterator>

#include "common/spool.h"

namespace mvn {

SweepPaths sweep_paths(const std::filesystem::path& results, const std::string& sweep) {
  return {results / sweep};
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
