// Reads Parquet and Arrow files a batch at a time, the needed columns alone.
#include <arrow/api.h>
#include <arrow/io/api.h>
#include <arrow/ipc/api.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <new>
#include <numeric>
#include <stdexcept>
#include <string_view>

#include "train/data/arrow/cells.h"
#include "train/data/columnar.h"

namespace mvn::columnar {
namespace {

constexpr std::int64_t kBatchRows = 4096;
constexpr const char* kHubMetadata = "huggingface";

// A row's value is not what is needed.
class RowFault : public std::runtime_error {
 public:
  RowFault(std::int64_t row, const std::string& message) : runtime_error(message), row_(row) {}
  [[nodiscard]] std::int64_t row() const { return row_; }

 private:
  std::int64_t row_;
};

// Arrow's own words, without what follows the first line.
[[noreturn]] void fail(const arrow::Status& status) {
  std::string words = status.message();
  words.resize(std::min(words.find('\n'), words.size()));
  throw std::runtime_error("is damaged or cut off: " + words);
}

template <typename Value>
Value checked(arrow::Result<Value> result) {
  if (!result.ok()) fail(result.status());
  return std::move(result).ValueUnsafe();
}

int place_of(const arrow::FieldVector& fields, std::string_view name) {
  const auto found =
      std::ranges::find_if(fields, [&](const auto& field) { return field->name() == name; });
  return found == fields.end() ? -1 : static_cast<int>(found - fields.begin());
}

// Where a column is: of that name, or within objects that its dots lead through. Empty where it is
// not there.
std::vector<int> path_of(const arrow::FieldVector& fields, const std::string& name) {
  if (const int whole = place_of(fields, name); whole >= 0) return {whole};
  std::vector<int> path;
  const arrow::FieldVector* here = &fields;
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('.', at), name.size());
    const int place =
        here == nullptr ? -1 : place_of(*here, std::string_view(name).substr(at, end - at));
    if (place < 0) return {};
    path.push_back(place);
    const auto& type = (*here)[static_cast<std::size_t>(place)]->type();
    here = type->id() == arrow::Type::STRUCT ? &type->fields() : nullptr;
    at = end + 1;
  }
  return path;
}

// Every column by the name that it can be asked for.
void add_names(const arrow::FieldVector& fields, const std::string& prefix,
               std::vector<std::string>& names) {
  for (const auto& field : fields) {
    const auto name = prefix + field->name();
    if (field->type()->id() == arrow::Type::STRUCT) {
      add_names(field->type()->fields(), name + ".", names);
    } else {
      names.push_back(name);
    }
  }
}

// What the hub says of the column at `path`.
const Json* feature_at(const Json& features, const arrow::FieldVector& fields,
                       const std::vector<int>& path) {
  const Json* feature = &features;
  const arrow::FieldVector* here = &fields;
  for (const int place : path) {
    const auto& field = (*here)[static_cast<std::size_t>(place)];
    feature = feature_of(feature, field->name());
    here = &field->type()->fields();
  }
  return feature;
}

std::shared_ptr<arrow::Array> array_at(const arrow::RecordBatch& batch,
                                       const std::vector<int>& path) {
  auto array = batch.column(path.front());
  for (std::size_t i = 1; i < path.size(); ++i) {
    // So that what is within a null is null.
    array = checked(static_cast<const arrow::StructArray&>(*array).GetFlattenedField(path[i]));
  }
  return array;
}

// Puts batches into the table.
class Filler {
 public:
  Filler(const ColumnarRequest& request, Json features, Table& table)
      : request_(request), features_(std::move(features)), table_(table) {}

  // Whether all needed columns are there; where not, the table's columns are those that are.
  bool begin(const arrow::Schema& schema) {
    table_.columns.clear();
    for (const auto& name : request_.needed) {
      if (path_of(schema.fields(), name).empty()) {
        table_.columns.clear();
        add_names(schema.fields(), "", table_.columns);
        return false;
      }
      if (!contains(table_.columns, name)) table_.columns.push_back(name);
    }
    if (request_.needed.empty()) {
      for (const auto& field : schema.fields()) table_.columns.push_back(field->name());
    }
    return true;
  }

  void add(const arrow::RecordBatch& batch) {
    const auto& fields = batch.schema()->fields();
    const auto begin = static_cast<std::int64_t>(table_.rows.size());
    for (std::int64_t row = 1; row <= batch.num_rows(); ++row) {
      table_.rows.emplace_back().reserve(table_.columns.size());
      table_.lines.push_back(begin + row);
    }
    for (const auto& name : table_.columns) {
      const auto path = path_of(fields, name);
      const auto array = array_at(batch, path);
      const auto* feature = feature_at(features_, fields, path);
      for (std::int64_t row = 0; row < batch.num_rows(); ++row) {
        table_.rows[static_cast<std::size_t>(begin + row)].push_back(
            cell(name, *array, row, feature, begin + row + 1));
      }
    }
  }

 private:
  static bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
  }

  // `row` of the array, which is row `number` of the file.
  std::string cell(const std::string& name, const arrow::Array& array, std::int64_t row,
                   const Json* feature, std::int64_t number) const {
    try {
      return text_of(name, value_at(array, row, feature));
    } catch (const nlohmann::json::exception&) {
      throw RowFault(number, "'" + name + "' is not UTF-8");
    } catch (const std::runtime_error& e) {
      throw RowFault(number, "'" + name + "' " + e.what());
    }
  }

  [[nodiscard]] std::string text_of(const std::string& name, OrderedJson value) const {
    if (value.is_string()) return std::move(value.get_ref<std::string&>());
    if (value.is_null()) {
      if (request_.needed.empty()) return "";
      throw std::runtime_error("is null");
    }
    const bool joins = value.is_array() && contains(request_.joined, name);
    const auto is_text = [](const auto& each) { return each.is_string(); };
    if (!joins || !std::ranges::all_of(value, is_text)) return value.dump();
    std::string text;
    for (const auto& each : value) {
      text.append(text.empty() ? "" : " ").append(each.get_ref<const std::string&>());
    }
    return text;
  }

  const ColumnarRequest& request_;
  Json features_;
  Table& table_;
};

Json hub_features(const std::shared_ptr<const arrow::KeyValueMetadata>& metadata) {
  if (metadata == nullptr) return {};
  const auto text = metadata->Get(kHubMetadata);
  return text.ok() ? features_in(*text) : Json();
}

// The leaves of a Parquet file below one of its columns.
void add_leaves(const parquet::arrow::SchemaField& field, std::vector<int>& leaves) {
  if (field.column_index >= 0) leaves.push_back(field.column_index);
  for (const auto& child : field.children) add_leaves(child, leaves);
}

std::vector<int> leaves_of(const parquet::arrow::SchemaManifest& manifest,
                           const arrow::Schema& schema, const std::vector<std::string>& columns) {
  std::vector<int> leaves;
  for (const auto& name : columns) {
    const auto* fields = &manifest.schema_fields;
    const parquet::arrow::SchemaField* field = nullptr;
    for (const int place : path_of(schema.fields(), name)) {
      field = &(*fields)[static_cast<std::size_t>(place)];
      fields = &field->children;
    }
    if (field != nullptr) add_leaves(*field, leaves);
  }
  std::ranges::sort(leaves);
  leaves.erase(std::unique(leaves.begin(), leaves.end()), leaves.end());
  return leaves;
}

void read_parquet(const ColumnarRequest& request, Table& table) {
  auto file = checked(arrow::io::ReadableFile::Open(request.path.string()));
  parquet::ReaderProperties properties;
  properties.enable_buffered_stream();  // pages, and not whole columns of a row group
  properties.set_page_checksum_verification(true);
  parquet::ArrowReaderProperties arrow_properties(/*use_threads=*/false);
  arrow_properties.set_batch_size(kBatchRows);
  parquet::arrow::FileReaderBuilder builder;
  if (const auto opened = builder.Open(file, properties); !opened.ok()) fail(opened);
  auto reader = checked(builder.properties(arrow_properties)->Build());
  std::shared_ptr<arrow::Schema> schema;
  if (const auto known = reader->GetSchema(&schema); !known.ok()) fail(known);
  const auto metadata = reader->parquet_reader()->metadata();
  Filler filler(request, hub_features(metadata->key_value_metadata()), table);
  if (!filler.begin(*schema)) return;
  std::vector<int> groups(static_cast<std::size_t>(reader->num_row_groups()));
  std::iota(groups.begin(), groups.end(), 0);
  auto batches = checked(
      reader->GetRecordBatchReader(groups, leaves_of(reader->manifest(), *schema, table.columns)));
  while (const auto batch = checked(batches->Next())) filler.add(*batch);
  if (static_cast<std::int64_t>(table.rows.size()) != metadata->num_rows()) {
    throw std::runtime_error("is damaged: it says that it has " +
                             std::to_string(metadata->num_rows()) + " rows and has " +
                             std::to_string(table.rows.size()));
  }
}

// What lies in the file is anybody's: Arrow itself checks no offset within it.
void add_checked(Filler& filler, const arrow::RecordBatch& batch) {
  if (const auto sound = batch.ValidateFull(); !sound.ok()) fail(sound);
  filler.add(batch);
}

arrow::ipc::IpcReadOptions ipc_options(const Table& table, const arrow::Schema& schema, bool some) {
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  for (const auto& name : table.columns) {
    if (some) options.included_fields.push_back(path_of(schema.fields(), name).front());
  }
  auto& fields = options.included_fields;
  std::ranges::sort(fields);
  fields.erase(std::unique(fields.begin(), fields.end()), fields.end());
  return options;
}

void read_arrow_file(const ColumnarRequest& request,
                     const std::shared_ptr<arrow::io::RandomAccessFile>& file, Table& table) {
  using Reader = arrow::ipc::RecordBatchFileReader;
  const auto schema = checked(Reader::Open(file))->schema();
  Filler filler(request, hub_features(schema->metadata()), table);
  if (!filler.begin(*schema)) return;
  const auto reader =
      checked(Reader::Open(file, ipc_options(table, *schema, !request.needed.empty())));
  for (int i = 0; i < reader->num_record_batches(); ++i) {
    add_checked(filler, *checked(reader->ReadRecordBatch(i)));
  }
}

// A stream that was cut off between two batches would look whole.
void expect_end(arrow::io::RandomAccessFile& file) {
  constexpr std::string_view kEnd("\xFF\xFF\xFF\xFF\0\0\0\0", 8);
  const auto size = checked(file.GetSize());
  const auto begin = std::max<std::int64_t>(0, size - static_cast<std::int64_t>(kEnd.size()));
  const auto bytes = checked(file.ReadAt(begin, size - begin));
  if (std::string_view(*bytes) != kEnd) throw std::runtime_error("is cut off: its end is missing");
}

void read_arrow_stream(const ColumnarRequest& request,
                       const std::shared_ptr<arrow::io::RandomAccessFile>& file, Table& table) {
  using Reader = arrow::ipc::RecordBatchStreamReader;
  const auto first = Reader::Open(file);
  if (!first.ok()) {
    throw std::runtime_error(
        "is no Arrow file, neither of the file form nor a stream, or is cut off");
  }
  const auto schema = (*first)->schema();
  expect_end(*file);
  Filler filler(request, hub_features(schema->metadata()), table);
  if (!filler.begin(*schema)) return;
  if (const auto back = file->Seek(0); !back.ok()) fail(back);
  const auto reader =
      checked(Reader::Open(file, ipc_options(table, *schema, !request.needed.empty())));
  while (const auto batch = checked(reader->Next())) add_checked(filler, *batch);
}

bool begins_as_file(arrow::io::RandomAccessFile& file) {
  constexpr std::string_view kMagic = "ARROW1";
  const auto bytes = checked(file.ReadAt(0, static_cast<std::int64_t>(kMagic.size())));
  return std::string_view(*bytes) == kMagic;
}

void read_arrow(const ColumnarRequest& request, Table& table) {
  const auto file =
      checked(arrow::io::MemoryMappedFile::Open(request.path.string(), arrow::io::FileMode::READ));
  if (begins_as_file(*file)) {
    read_arrow_file(request, file, table);
  } else {
    read_arrow_stream(request, file, table);
  }
}

}  // namespace
}  // namespace mvn::columnar

extern "C" __attribute__((visibility("default"))) bool mvn_read_columnar(
    const mvn::ColumnarRequest& request, mvn::Table& table, mvn::ColumnarFault& fault) {
  try {
    if (request.form == mvn::ColumnarForm::kParquet) {
      mvn::columnar::read_parquet(request, table);
    } else {
      mvn::columnar::read_arrow(request, table);
    }
    return true;
  } catch (const mvn::columnar::RowFault& e) {
    fault = {e.what(), e.row()};
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    fault = {e.what(), 0};
  }
  return false;
}
