#include "train/trainer/model_folder.h"

namespace mvn {
namespace fs = std::filesystem;

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

}  // namespace mvn
