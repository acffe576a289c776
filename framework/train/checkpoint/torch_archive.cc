#include "mvn/torch_archive.h"

#include <memory>
#include <string_view>

#include "mvn/error.h"
#include "train/checkpoint/mapped_file.h"
#include "train/checkpoint/unpickler.h"
#include "train/checkpoint/zip_archive.h"

namespace mvn {
namespace {

constexpr std::string_view kPickle = "/data.pkl";

// torch.save puts everything under one folder, named after the file.
std::string root_of(const std::string& where,
                    const std::map<std::string, std::string_view>& entries) {
  for (const auto& [name, bytes] : entries) {
    if (name.ends_with(kPickle)) return name.substr(0, name.size() - kPickle.size());
  }
  throw DataError(where + ": a zip archive without data.pkl, so not written by torch.save");
}

}  // namespace

std::map<std::string, torch::Tensor> read_torch_archive(const std::filesystem::path& path) {
  const std::string where = path.string();
  const auto file = std::make_shared<const MappedFile>(path);
  const auto entries = read_stored_zip(where, file->view());
  const std::string root = root_of(where, entries);
  const auto order = entries.find(root + "/byteorder");
  if (order != entries.end() && order->second != "little") {
    throw DataError(where + ": byte order '" + std::string(order->second) + "', not little");
  }
  const auto find_storage = [&](const std::string& key) -> Storage {
    const auto entry = entries.find(root + "/data/" + key);
    if (entry == entries.end()) throw DataError(where + ": no storage '" + key + "'");
    return {entry->second, file};
  };
  return unpickle_tensors(where, entries.at(root + std::string(kPickle)), find_storage);
}

}  // namespace mvn
