#include "train/trainer/model_folder.h"

#include "common/atomic_file.h"
#include "common/files.h"

namespace mvn {
namespace fs = std::filesystem;

namespace {

// Makes every file and folder in `folder` durable.
void sync_tree(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) sync_path(entry.path());
  sync_path(folder);
}

}  // namespace

bool copy_tokenizer(const fs::path& source, const fs::path& folder) {
  const fs::path from = fs::is_directory(source) ? source : source.parent_path();
  bool any = false;
  for (const char* name :
       {"tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt", "tokenizer_config.json",
        "special_tokens_map.json", "added_tokens.json"}) {
    if (!fs::exists(from / name)) continue;
    fs::copy_file(from / name, folder / name, fs::copy_options::overwrite_existing);
    any = true;
  }
  return any;
}

void write_folder(const fs::path& folder, Existing existing,
                  const std::function<void(const fs::path&)>& write) {
  const fs::path parent = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
  const fs::path temporary = parent / (folder.filename().string() + ".tmp");
  make_fresh_folder(temporary);
  try {
    write(temporary);
    sync_tree(temporary);
    if (existing == Existing::kReplace) fs::remove_all(folder);
    fs::rename(temporary, folder);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
  sync_path(parent);
}

}  // namespace mvn
