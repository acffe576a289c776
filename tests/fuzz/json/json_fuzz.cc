// Any bytes as JSON from outside, and as a spool: an Error, or values that the recursive parts of
// the project can work through and that survive being written.
#include <cstdlib>
#include <string_view>

#include "../memory_file.h"
#include "common/json.h"
#include "common/spool.h"
#include "mvn/error.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void read_text(std::string_view text) {
  const mvn::Json quiet = mvn::try_parse_json(text);
  try {
    const mvn::Json json = mvn::parse_json(text, "text");
    check(json == quiet);
    check(mvn::parse_json(mvn::canonical_json(json), "text") == json);
    static_cast<void>(mvn::to_json(mvn::to_value(json)));
  } catch (const mvn::DataError&) {
    check(quiet.is_discarded());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_text({reinterpret_cast<const char*>(data), size});
  const mvn::test::MemoryFile file(data, size);
  std::uint64_t offset = 0;
  while (true) {
    const auto batch = mvn::read_spool(file.path(), offset, 1);
    check(batch.end_offset <= size);
    for (const auto& record : batch.records) {
      static_cast<void>(mvn::to_json(mvn::read_record(record).content).dump());
    }
    if (batch.end_offset == offset) return 0;
    offset = batch.end_offset;
  }
}
