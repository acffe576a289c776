// Reading: the header is parsed and every field checked against the file before a tensor is made,
// in the order of the reference (safetensors/src/tensor.rs): sizes, JSON, dtypes and shapes, then
// the layout, which must cover the data without holes or overlaps.
// Writing: header padded with spaces to a multiple of 8, tensors by falling alignment, then name.
#include "mvn/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <set>
#include <string_view>

#include "common/atomic_file.h"
#include "common/json.h"
#include "mvn/error.h"
#include "mvn/nearest.h"
#include "train/checkpoint/mapped_file.h"

namespace mvn {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

// The reference's bound on a header, against files that claim gigabytes of JSON.
constexpr std::uint64_t kMaxHeader = 100'000'000;

struct DtypeName {
  std::string_view name;
  torch::ScalarType dtype;
};

// The reference's order of alignment, smallest first; files are written in the reverse order.
constexpr std::array<DtypeName, 15> kDtypes = {{
    {"BOOL", torch::kBool},
    {"U8", torch::kUInt8},
    {"I8", torch::kInt8},
    {"F8_E5M2", torch::kFloat8_e5m2},
    {"F8_E4M3", torch::kFloat8_e4m3fn},
    {"I16", torch::kInt16},
    {"U16", torch::kUInt16},
    {"F16", torch::kFloat16},
    {"BF16", torch::kBFloat16},
    {"I32", torch::kInt32},
    {"U32", torch::kUInt32},
    {"F32", torch::kFloat32},
    {"F64", torch::kFloat64},
    {"I64", torch::kInt64},
    {"U64", torch::kUInt64},
}};

std::size_t dtype_rank(torch::ScalarType dtype) {
  for (std::size_t i = 0; i < kDtypes.size(); ++i) {
    if (kDtypes[i].dtype == dtype) return i;
  }
  throw Error(std::string("safetensors files cannot hold the type ") + torch::toString(dtype));
}

struct Entry {
  TensorInfo info;
  std::uint64_t begin;
  std::uint64_t end;
};

// Parses and checks one header. `where` begins every message.
class HeaderReader {
 public:
  HeaderReader(std::string where, std::string_view file) : where_(std::move(where)), file_(file) {}

  void read() {
    const std::string_view header = header_text();
    const Json json = parse(header);
    if (!json.is_object()) fail("the header is no JSON object");
    for (const auto& [name, entry] : json.items()) {
      if (name == "__metadata__") {
        read_metadata(entry);
      } else {
        entries.emplace(name, read_entry(name, entry));
      }
    }
    data_ = file_.substr(8 + header.size());
    check_layout();
  }

  [[nodiscard]] std::string_view data() const { return data_; }

  std::map<std::string, Entry> entries;
  std::map<std::string, std::string> metadata;

 private:
  [[noreturn]] void fail(const std::string& what) const { throw DataError(where_ + ": " + what); }

  [[nodiscard]] std::string_view header_text() const {
    if (file_.size() < 8) {
      fail("not a safetensors file: " + std::to_string(file_.size()) +
           " bytes, the header's length alone takes 8");
    }
    std::uint64_t length = 0;
    std::memcpy(&length, file_.data(), sizeof length);
    if (length > kMaxHeader) {
      fail("not a safetensors file: a header of " + std::to_string(length) + " bytes (at most " +
           std::to_string(kMaxHeader) + ")");
    }
    if (length > file_.size() - 8) {
      fail("truncated: the header should take " + std::to_string(length) + " bytes, the file has " +
           std::to_string(file_.size() - 8) + " after its length");
    }
    const auto header = file_.substr(8, length);
    if (header.empty() || header.front() != '{') fail("the header does not begin with '{'");
    return header;
  }

  // nlohmann's parser keeps the last of two equal keys; the format forbids them.
  [[nodiscard]] Json parse(std::string_view header) const {
    std::vector<std::set<std::string>> open;
    std::string duplicate;
    bool deep = false;
    const auto callback = [&](int depth, Json::parse_event_t event, Json& parsed) {
      if (event == Json::parse_event_t::object_start) open.emplace_back();
      if (event == Json::parse_event_t::object_end) open.pop_back();
      if (event == Json::parse_event_t::key &&
          !open.back().insert(parsed.get<std::string>()).second) {
        duplicate = parsed.get<std::string>();
      }
      // An entry is no deeper than {"name": {"shape": [1]}}; deeper ones would cost memory for
      // nothing.
      if (depth > 8) deep = true;
      return !deep;
    };
    Json json;
    try {
      json = Json::parse(header.begin(), header.end(), callback);
    } catch (const Json::exception& e) {
      fail("the header is not valid JSON");
    }
    if (deep) fail("the header is nested too deeply");
    if (!duplicate.empty()) fail("the header names '" + duplicate + "' twice");
    return json;
  }

  void read_metadata(const Json& json) {
    if (!json.is_object()) fail("__metadata__ must be an object of texts");
    for (const auto& [key, value] : json.items()) {
      if (!value.is_string())
        fail("__metadata__ must be an object of texts; '" + key + "' is none");
      metadata.emplace(key, value.get<std::string>());
    }
  }

  [[nodiscard]] Entry read_entry(const std::string& name, const Json& json) const {
    const std::string tensor = "tensor '" + name + "'";
    if (!json.is_object() || json.size() != 3 || !json.contains("dtype") ||
        !json.contains("shape") || !json.contains("data_offsets")) {
      fail(tensor + " needs exactly dtype, shape and data_offsets");
    }
    Entry entry{{read_dtype(tensor, json["dtype"]), {}}, 0, 0};
    const Json& shape = json["shape"];
    const Json& offsets = json["data_offsets"];
    if (!shape.is_array()) fail(tensor + ": shape must be a list of whole numbers");
    for (const auto& size : shape) {
      // Above 2^63 - 1 a size cannot be told from a negative one.
      if (!size.is_number_unsigned() || size.get<std::uint64_t>() > INT64_MAX) {
        fail(tensor + ": shape must be a list of whole numbers");
      }
      entry.info.shape.push_back(size.get<std::int64_t>());
    }
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned()) {
      fail(tensor + ": data_offsets must be two whole numbers");
    }
    entry.begin = offsets[0].get<std::uint64_t>();
    entry.end = offsets[1].get<std::uint64_t>();
    check_size(tensor, entry);
    return entry;
  }

  [[nodiscard]] torch::ScalarType read_dtype(const std::string& tensor, const Json& json) const {
    const auto name = json.is_string() ? json.get<std::string>() : json.dump();
    for (const auto& known : kDtypes) {
      if (known.name == name) return known.dtype;
    }
    fail(tensor + ": unsupported dtype '" + name + "'");
  }

  void check_size(const std::string& tensor, const Entry& entry) const {
    std::uint64_t bytes = torch::elementSize(entry.info.dtype);
    std::uint64_t elements = 1;
    // Left to right, as the reference multiplies: [0, huge, huge] is empty, [huge, huge, 0] is not.
    for (const auto size : entry.info.shape) {
      if (__builtin_mul_overflow(elements, static_cast<std::uint64_t>(size), &elements)) {
        fail(tensor + ": its shape overflows");
      }
    }
    if (__builtin_mul_overflow(bytes, elements, &bytes)) fail(tensor + ": its shape overflows");
    if (entry.end < entry.begin || entry.end - entry.begin != bytes) {
      fail(tensor + ": data_offsets " + range(entry) + " do not hold the " + std::to_string(bytes) +
           " bytes of its shape");
    }
  }

  void check_layout() const {
    std::vector<std::pair<const Entry*, const std::string*>> sorted;
    for (const auto& [name, entry] : entries) sorted.emplace_back(&entry, &name);
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
      return std::pair(a.first->begin, a.first->end) < std::pair(b.first->begin, b.first->end);
    });
    std::uint64_t position = 0;
    for (const auto& [entry, name] : sorted) {
      if (entry->begin != position) {
        fail("tensor '" + *name + "' begins at byte " + std::to_string(entry->begin) +
             (entry->begin < position ? ", inside another tensor" : ", after a hole") +
             " (expected " + std::to_string(position) + ")");
      }
      position = entry->end;
    }
    if (position != data_.size()) {
      fail((position > data_.size() ? "truncated: " : "bytes left over: ") +
           ("the tensors take " + std::to_string(position)) + " bytes, the file holds " +
           std::to_string(data_.size()));
    }
  }

  static std::string range(const Entry& entry) {
    return std::string("[")
        .append(std::to_string(entry.begin))
        .append(", ")
        .append(std::to_string(entry.end))
        .append("]");
  }

  std::string where_;
  std::string_view file_;
  std::string_view data_;
};

}  // namespace

struct SafetensorsFile::Mapping {
  explicit Mapping(const std::filesystem::path& file) : path(file), bytes(file) {
    HeaderReader reader(path.string(), bytes.view());
    reader.read();
    data = reader.data();
    metadata = std::move(reader.metadata);
    for (auto& [name, entry] : reader.entries) {
      begins.emplace(name, entry.begin);
      tensors.emplace(name, std::move(entry.info));
    }
  }

  std::filesystem::path path;
  MappedFile bytes;
  std::string_view data;
  std::map<std::string, TensorInfo> tensors;
  std::map<std::string, std::uint64_t> begins;
  std::map<std::string, std::string> metadata;
};

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : mapping_(std::make_shared<const Mapping>(path)) {}
SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;

const std::map<std::string, TensorInfo>& SafetensorsFile::tensors() const {
  return mapping_->tensors;
}

const std::map<std::string, std::string>& SafetensorsFile::metadata() const {
  return mapping_->metadata;
}

torch::Tensor SafetensorsFile::get(const std::string& name) const {
  const auto entry = mapping_->tensors.find(name);
  if (entry == mapping_->tensors.end()) {
    std::vector<std::string> known;
    for (const auto& [each, info] : mapping_->tensors) known.push_back(each);
    throw Error(mapping_->path.string() + ": no tensor '" + name + "'" + suggest(name, known));
  }
  const auto& info = entry->second;
  const char* begin = mapping_->data.data() + mapping_->begins.at(name);
  const auto options = torch::TensorOptions().dtype(info.dtype);
  // Writers align the data as they like; a tensor must start where its type may.
  if (reinterpret_cast<std::uintptr_t>(begin) % torch::elementSize(info.dtype) != 0) {
    auto copy = torch::empty(info.shape, options);
    // An empty tensor has no address, which memcpy() may not be given.
    if (copy.numel() > 0) std::memcpy(copy.data_ptr(), begin, copy.nbytes());
    return copy;
  }
  // from_blob wants a mutable pointer; the pages are mapped copy-on-write, so that even a careless
  // write stays in this process.
  return torch::from_blob(
      const_cast<char*>(begin), info.shape,  // NOLINT(cppcoreguidelines-pro-type-const-cast)
      [mapping = mapping_](void*) {}, options);
}

namespace {

std::string_view dtype_name(torch::ScalarType dtype) { return kDtypes[dtype_rank(dtype)].name; }

// The header for tensors in their order in the file, padded so that the data starts at a multiple
// of 8.
std::string header_of(const std::vector<std::pair<std::string, torch::Tensor>>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header;
  header["__metadata__"] = metadata;
  std::size_t position = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t end = position + tensor.nbytes();
    header[name]["dtype"] = dtype_name(tensor.scalar_type());
    header[name]["shape"] = tensor.sizes().vec();
    header[name]["data_offsets"] = {position, end};
    position = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, torch::Tensor>& tensors,
                       std::map<std::string, std::string> metadata) {
  metadata.emplace("format", "pt");
  std::vector<std::pair<std::string, torch::Tensor>> sorted;
  for (const auto& [name, tensor] : tensors) {
    static_cast<void>(dtype_rank(tensor.scalar_type()));
    sorted.emplace_back(name, tensor.detach());
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return dtype_rank(a.second.scalar_type()) > dtype_rank(b.second.scalar_type());
  });
  const std::string header = header_of(sorted, metadata);
  AtomicFile file(path);
  const std::uint64_t length = header.size();
  file.write({reinterpret_cast<const char*>(&length), sizeof length});
  file.write(header);
  // One tensor at a time comes to the CPU: a model larger than the free memory can be written.
  for (const auto& [name, tensor] : sorted) {
    const auto bytes = tensor.to(torch::kCPU).contiguous();
    file.write({static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes()});
  }
  file.commit();
}

}  // namespace mvn
