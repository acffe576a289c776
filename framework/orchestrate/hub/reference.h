// How people name what lies on the Hugging Face hub:
//
//     hf:[models/|datasets/]OWNER/NAME[@REVISION][/FILE-OR-FOLDER]
//
// A revision is a branch, a tag or a commit; main where none is given. It may also stand at the
// very end, behind the file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mvn {

enum class HubKind { kModel, kDataset };

// What something is fetched for, which decides the files that are needed of a whole repository.
enum class HubUse {
  kModel,      // a model and its tokenizer
  kTokenizer,  // the tokenizer alone
  kAdapter,    // a saved adapter
  kData,       // whatever there is
};

struct HubReference {
  HubKind kind = HubKind::kModel;
  std::string id;  // "EleutherAI/gpt-neo-125m"
  std::string revision = "main";
  std::string path = {};  // within the repository; "": all of it

  bool operator==(const HubReference&) const = default;
};

bool is_hub_reference(std::string_view text);

// `standard` is the kind where the text names none. Throws ConfigError that says what is wrong with
// it, and how it is written.
HubReference parse_hub_reference(std::string_view text, HubKind standard);

// As parse_hub_reference() reads it, in one spelling whatever was written: what a trial's identity
// is made of.
std::string to_string(const HubReference& reference);
// The same without revision and path: "hf:datasets/SetFit/sst2".
std::string repository_text(const HubReference& reference);

// Of hf:datasets/OWNER/NAME/CONFIG/SPLIT at main, which names no file: where the hub keeps what it
// has made of that split, as Parquet. Nothing for other references.
std::optional<HubReference> converted_split(const HubReference& reference);

// 40 hexadecimal digits: nothing needs to be asked.
bool is_commit(std::string_view revision);
// Of so many lower-case hexadecimal digits.
bool is_hex(std::string_view text, std::size_t digits);
// Whether a path from elsewhere stays below the folder that it is laid into.
bool is_safe_path(std::string_view path);

}  // namespace mvn
