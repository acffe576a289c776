#include "orchestrate/sessions/artifact_list.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

#include "common/file_hash.h"
#include "common/text.h"
#include "orchestrate/sessions/preview.h"
#include "orchestrate/store/artifacts.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// A file or folder of an artifact.
struct Listed {
  fs::path path;
  std::string state;  // "there", "removed" or "missing"
  std::int64_t bytes = 0;
  std::string sha256;
};

std::vector<fs::path> files_of(const fs::path& path) {
  std::vector<fs::path> files;
  if (!fs::is_directory(path)) return {path};
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (!entry.is_symlink() && entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::vector<Listed> listed(const StoredArtifact& artifact, bool hash) {
  std::error_code none;
  if (!fs::exists(artifact.path, none)) {
    return {{artifact.path, artifact.removed ? "removed" : "missing", artifact.bytes, ""}};
  }
  if (!hash) {
    return {{artifact.path, "there", static_cast<std::int64_t>(bytes_on_disk(artifact.path)), ""}};
  }
  std::vector<Listed> rows;
  for (const auto& file : files_of(artifact.path)) {
    rows.push_back(
        {file, "there", static_cast<std::int64_t>(fs::file_size(file)), remembered_hash(file)});
  }
  return rows;
}

}  // namespace

void list_artifacts(const fs::path& results, const std::string& sweep, bool hash, RowFormat format,
                    std::ostream& out) {
  const auto artifacts = stored_artifacts(results, sweep);
  const auto writer = make_row_writer(format, out, terminal_width(STDOUT_FILENO));
  const bool table = format == RowFormat::kTable;
  std::vector<std::string> columns = {"trial", "kind", "step", table ? "size" : "bytes", "state"};
  if (hash) columns.emplace_back("sha256");
  for (const char* name : {"sweep", "stage", "params", "seed", "path"}) columns.emplace_back(name);
  writer->columns(columns);
  for (const auto& artifact : artifacts) {
    for (const auto& each : listed(artifact, hash)) {
      std::vector<Cell> cells = {short_id(artifact.trial), artifact.kind, artifact.step};
      cells.push_back(table ? Cell(bytes_text(static_cast<double>(each.bytes))) : Cell(each.bytes));
      cells.emplace_back(each.state);
      if (hash) cells.push_back(each.sha256.empty() ? Cell() : Cell(each.sha256));
      cells.insert(cells.end(), {artifact.sweep, artifact.stage, artifact.label, artifact.seed,
                                 table ? path_text(each.path)
                                       : fs::absolute(each.path).lexically_normal().string()});
      writer->row(std::move(cells));
    }
  }
  writer->end();
}

}  // namespace mvn
