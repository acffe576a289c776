// Any bytes as a table: an Error, or rows that all have a cell for each column. The first byte says
// the format.
#include <cstdlib>

#include "../memory_file.h"
#include "mvn/data.h"
#include "mvn/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const mvn::test::MemoryFile file(data + 1, size - 1);
  mvn::TableOptions options;
  options.format = data[0] == 'c' ? "csv" : data[0] == 't' ? "tsv" : "jsonl";
  options.header = data[0] != 't';
  try {
    const mvn::Table table = mvn::read_table(file.path(), options, "task.train");
    if (table.lines.size() != table.rows.size() || table.columns.empty()) std::abort();
    for (const auto& row : table.rows) {
      if (row.size() != table.columns.size()) std::abort();
    }
    for (const auto& column : table.columns) {
      if (table.columns[table.column(column, "task.text")] != column) std::abort();
    }
  } catch (const mvn::Error&) {
    // What a damaged file deserves.
  }
  return 0;
}
