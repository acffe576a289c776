#include "texts.h"

#include <utility>

#include "mvn/data.h"
#include "mvn/error.h"

namespace mvn {
namespace {

void read_file(const Params& params, const std::filesystem::path& file, Texts& all) {
  auto options = table_options(params);
  const bool lines =
      options.format == "txt" || (options.format == "auto" && data_ending(file) == ".txt");
  const std::string key = params.key("texts");
  if (lines && options.columns.empty()) {
    auto read = read_lines(file, options.encoding, key);
    all.texts.insert(all.texts.end(), std::make_move_iterator(read.begin()),
                     std::make_move_iterator(read.end()));
    return;
  }
  const std::string column = params.get_text("texts_column");
  options.needed = {column};
  auto table = read_table(file, options, key);
  const auto at = table.column(column, params.key("texts_column"));
  for (auto& row : table.rows) all.texts.push_back(std::move(row[at]));
}

}  // namespace

Texts read_texts(const Params& params) {
  Texts all;
  for (const char* other : {"train", "validation_sts", "validation_pairs", "validation_corpus",
                            "validation_probe", "validation_clusters", "test_sts", "test_pairs",
                            "test_corpus", "test_probe", "test_clusters"}) {
    if (!params.has(other)) continue;
    throw ConfigError(params.key("texts"),
                      "stands alone: nothing is trained or measured beside it, and there is " +
                          params.key(other));
  }
  const std::string key = params.key("texts");
  all.files = expand_files(params.get_path_list("texts"), key);
  for (const auto& file : all.files) read_file(params, file, all);
  if (all.texts.empty()) throw DataError(all.files.front().string() + ": has no text");
  std::size_t empty = 0;
  for (auto& text : all.texts) {
    if (params.get_bool("strip")) text = stripped(text);
    if (text.empty()) ++empty;
  }
  if (empty > 0) {
    all.warnings.push_back(std::to_string(empty) + " of " + std::to_string(all.texts.size()) +
                           " texts are empty");
  }
  return all;
}

std::vector<ParamSpec> text_params() {
  return {
      {.name = "texts",
       .type = ParamType::kPathList,
       .help = "texts that `mvn-runner embed` gives vectors: the lines of a .txt file, of a table "
               "one column; nothing is trained or measured then"},
      {.name = "texts_column",
       .default_value = "text",
       .help = "column of a table with these texts"},
      {.name = "texts_prompt",
       .help = "how they are written: query or document, a name in `settings`, or a prompt with "
               "{text} (default: as they are, or the default of `settings`)"},
  };
}

}  // namespace mvn
