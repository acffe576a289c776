#include "train/data/columnar.h"

#include <algorithm>
#include <fstream>
#include <mutex>
#include <string_view>

#include "common/files.h"
#include "common/lfs_pointer.h"
#include "common/utf8.h"
#include "mvn/error.h"
#include "train/data/table_reader.h"
#include "train/sdk/library.h"

namespace mvn {
namespace {

constexpr std::string_view kParquetMagic = "PAR1";
constexpr std::string_view kArrowMagic = "ARROW1";
constexpr const char* kSeeDocument = "see Parquet and Arrow in docs/building.md";

// So many of the first bytes as there are.
std::string first_bytes(const std::filesystem::path& path, std::size_t count) {
  if (!is_file(path)) return {};
  std::string bytes(count, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
  return bytes;
}

ReadColumnar open_reader(const std::filesystem::path& path, const std::string& key) {
  static std::mutex mutex;
  static ReadColumnar reader = nullptr;
  const std::lock_guard lock(mutex);
  if (reader != nullptr) return reader;
  const auto file = executable_folder().parent_path() / "lib" / "libmvn_arrow.so";
  const std::string what = path.string() + " takes a reader of Parquet and Arrow files, ";
  if (!std::filesystem::exists(file)) {
    throw ConfigError(key, what + "which this mvn-runner was built without (no " + file.string() +
                               "); " + kSeeDocument);
  }
  const Library library(file);
  if (!library.is_open()) {
    throw ConfigError(key, what + "which cannot be opened: " + library.error() +
                               "; `pip install 'mvn-runner[parquet]'`, or put the folder of the "
                               "Python package pyarrow into LD_LIBRARY_PATH; " +
                               kSeeDocument);
  }
  reader = library.find<ReadColumnar>("mvn_read_columnar");
  if (reader == nullptr) throw ConfigError(key, file.string() + ": is none of this mvn-runner's");
  return reader;
}

// What every file is looked at for before a library is opened for it.
void check_file(const ColumnarRequest& request, const std::string& key) {
  const auto& path = request.path;
  if (!std::filesystem::exists(path)) throw ConfigError(key, "no file " + path.string());
  if (!std::filesystem::is_regular_file(path)) {
    throw ConfigError(key, path.string() + ": is not a regular file");
  }
  constexpr std::size_t kPointer = 200;  // the longest pointer of Git LFS
  const auto begin = first_bytes(path, kPointer);
  if (begin.empty()) throw DataError(path.string() + ": the file is empty");
  refuse_lfs_pointer(path, begin);
  if (request.form == ColumnarForm::kParquet && !begin.starts_with(kParquetMagic)) {
    throw DataError(path.string() +
                    (begin.starts_with("PARE") ? ": is encrypted, which is not read"
                     : begin.starts_with(kArrowMagic)
                         ? ": is an Arrow file and no Parquet file; say format: arrow"
                         : ": is no Parquet file, whatever its name says"));
  }
  if (request.form == ColumnarForm::kArrow && begin.starts_with(kParquetMagic)) {
    throw DataError(path.string() + ": is a Parquet file and no Arrow file; say format: parquet");
  }
}

void check_text(const Table& table) {
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
      const auto& cell = table.rows[row][column];
      if (valid_utf8_prefix(cell) == cell.size()) continue;
      fail_at_line(table, table.lines[row], "'" + table.columns[column] + "' is not UTF-8");
    }
  }
}

}  // namespace

void read_columnar(const ColumnarRequest& request, Table& table, const std::string& key) {
  check_file(request, key);
  ColumnarFault fault;
  if (!open_reader(request.path, key)(request, table, fault)) {
    if (fault.row > 0) fail_at_line(table, fault.row, fault.message);
    throw DataError(request.path.string() + ": " + fault.message);
  }
  check_text(table);
}

bool begins_as_parquet(const std::filesystem::path& path) {
  return first_bytes(path, kParquetMagic.size()) == kParquetMagic;
}

bool begins_as_arrow_file(const std::filesystem::path& path) {
  return first_bytes(path, kArrowMagic.size()) == kArrowMagic;
}

}  // namespace mvn
