// Labelled texts as they lie in files, before labels are numbers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mvn/params.h"

namespace mvn {

struct LabelledRow {
  std::string text;  // of a pair both, a line end between them
  std::string label;
  std::size_t file = 0;                              // of LabelledRows::files
  std::int64_t line = 0;                             // from 1
  std::optional<std::size_t> second = std::nullopt;  // where a pair's second text begins

  // Whether there is nothing to read, or one of a pair is missing.
  [[nodiscard]] bool lacks_text() const;
};

struct LabelledRows {
  std::vector<std::filesystem::path> files;
  std::vector<LabelledRow> rows;

  // "file:line: ", for a message about a row.
  [[nodiscard]] std::string where(const LabelledRow& row) const;
};

// The rows of the files that the parameters `which` ("train") and, where labels lie apart,
// `which`_labels name. Texts and labels lose the spaces at their ends where `strip` says so. Throws
// ConfigError naming the parameter at fault, or DataError "file:line: ..." for an empty label, a
// file without rows, or files that are not of one length.
LabelledRows read_rows(const Params& params, const std::string& which);

}  // namespace mvn
