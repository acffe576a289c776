// Parquet and Arrow files, written by Arrow itself.
#pragma once

#include <arrow/api.h>
#include <arrow/io/api.h>
#include <arrow/ipc/api.h>
#include <arrow/json/from_string.h>
#include <parquet/arrow/writer.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace mvn::test {

inline void expect_ok(const arrow::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

template <typename Value>
Value value_of(arrow::Result<Value> result) {
  expect_ok(result.status());
  return std::move(result).ValueUnsafe();
}

// Values as JSON lists: {"text", utf8(), R"(["a", "b"])"}.
struct NamedColumn {
  std::string name;
  std::shared_ptr<arrow::DataType> type;
  std::string values;
};

// With what `datasets` says of the columns, JSON, where it is not empty.
inline std::shared_ptr<arrow::Table> table_of(const std::vector<NamedColumn>& columns,
                                              const std::string& features = "") {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& column : columns) {
    fields.push_back(arrow::field(column.name, column.type));
    arrays.push_back(value_of(arrow::json::ArrayFromJSONString(column.type, column.values)));
  }
  std::shared_ptr<arrow::KeyValueMetadata> metadata;
  if (!features.empty()) {
    metadata =
        arrow::key_value_metadata({"huggingface"}, {R"({"info": {"features": )" + features + "}}"});
  }
  return arrow::Table::Make(arrow::schema(fields, metadata), arrays);
}

struct ParquetOptions {
  arrow::Compression::type compression = arrow::Compression::SNAPPY;
  std::int64_t group_rows = 1000;
  bool stores_schema = true;  // Arrow's own, as pyarrow does
};

inline void write_parquet(const std::filesystem::path& path, const arrow::Table& table,
                          const ParquetOptions& options = {}) {
  std::filesystem::create_directories(path.parent_path());
  const auto file = value_of(arrow::io::FileOutputStream::Open(path.string()));
  auto properties = parquet::WriterProperties::Builder()
                        .compression(options.compression)
                        ->enable_page_checksum()
                        ->build();
  parquet::ArrowWriterProperties::Builder arrow_properties;
  if (options.stores_schema) arrow_properties.store_schema();
  const auto writer = value_of(parquet::arrow::FileWriter::Open(
      *table.schema(), arrow::default_memory_pool(), file, properties, arrow_properties.build()));
  expect_ok(writer->WriteTable(table, options.group_rows));
  // Without the schema it leaves out what hangs on it.
  if (!options.stores_schema && table.schema()->metadata() != nullptr) {
    expect_ok(writer->AddKeyValueMetadata(table.schema()->metadata()));
  }
  expect_ok(writer->Close());
  expect_ok(file->Close());
}

enum class ArrowForm { kFile, kStream };

inline void write_arrow(const std::filesystem::path& path, const arrow::Table& table,
                        ArrowForm form, std::int64_t batch_rows = 1000,
                        arrow::Compression::type compression = arrow::Compression::UNCOMPRESSED) {
  std::filesystem::create_directories(path.parent_path());
  const auto file = value_of(arrow::io::FileOutputStream::Open(path.string()));
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  if (compression != arrow::Compression::UNCOMPRESSED) {
    options.codec = value_of(arrow::util::Codec::Create(compression));
  }
  const auto writer = form == ArrowForm::kFile
                          ? value_of(arrow::ipc::MakeFileWriter(file, table.schema(), options))
                          : value_of(arrow::ipc::MakeStreamWriter(file, table.schema(), options));
  expect_ok(writer->WriteTable(table, batch_rows));
  expect_ok(writer->Close());
  expect_ok(file->Close());
}

}  // namespace mvn::test
