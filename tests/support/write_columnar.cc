// A Parquet or Arrow file of texts and labels, for tests in Python that must not need pyarrow:
//   write_columnar OUT.parquet [NAME...] < ROWS.jsonl
// of rows {"text": ..., "label": number}; the names are the classes', as `datasets` says them.
#include <iostream>
#include <nlohmann/json.hpp>

#include "support/columnar_files.h"

int main(int count, char** arguments) {
  using nlohmann::json;
  if (count < 2) return 64;
  const std::filesystem::path path = arguments[1];
  json texts = json::array();
  json labels = json::array();
  for (std::string line; std::getline(std::cin, line);) {
    const auto row = json::parse(line);
    texts.push_back(row.at("text"));
    labels.push_back(row.at("label"));
  }
  json features;
  if (count > 2) {
    features["text"] = {{"dtype", "string"}, {"_type", "Value"}};
    features["label"] = {{"names", std::vector<std::string>(arguments + 2, arguments + count)},
                         {"_type", "ClassLabel"}};
  }
  const auto table = mvn::test::table_of(
      {{"text", arrow::utf8(), texts.dump()}, {"label", arrow::int64(), labels.dump()}},
      features.is_null() ? "" : features.dump());
  if (path.extension() == ".parquet") {
    mvn::test::write_parquet(path, *table);
  } else {
    mvn::test::write_arrow(path, *table, mvn::test::ArrowForm::kStream);
  }
  return 0;
}
