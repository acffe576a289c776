#include "orchestrate/hub/listing.h"

#include <algorithm>
#include <array>
#include <set>

#include "common/printable.h"
#include "common/split_part.h"
#include "mvn/error.h"
#include "mvn/nearest.h"

namespace mvn {
namespace {

constexpr std::size_t kSha1Digits = 40;
constexpr std::size_t kSha256Digits = 64;

// What is read of a folder besides its weights.
constexpr std::array<std::string_view, 7> kTokenizerFiles = {
    "tokenizer.json",    "tokenizer.model",         "vocab.json",           "merges.txt",
    "added_tokens.json", "special_tokens_map.json", "tokenizer_config.json"};
constexpr std::array<std::string_view, 2> kModelFiles = {"config.json", "head_config.json"};
constexpr std::array<std::string_view, 2> kAdapterFiles = {"adapter_config.json",
                                                           "head_config.json"};

constexpr std::array<std::string_view, 3> kSentenceFiles = {
    "modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"};

HubFile checked(HubFile file, const std::string& where) {
  if (!is_safe_path(file.path)) {
    throw DataError(where + ": names a file '" + printable(file.path) +
                    "', which would lie outside of the repository");
  }
  if (!is_hex(file.hash, kSha1Digits) && !is_hex(file.hash, kSha256Digits)) {
    throw DataError(where + ": gives no hash of '" + printable(file.path) + "'");
  }
  return file;
}

HubFile file_of(const Json& entry, const std::string& where) {
  HubFile file;
  file.path = entry.at("path").get<std::string>();
  file.size = entry.at("size").get<std::uint64_t>();
  file.hash = entry.at("oid").get<std::string>();
  const auto large = entry.find("lfs");
  if (large != entry.end() && large->is_object()) {
    file.size = large->at("size").get<std::uint64_t>();
    file.hash = large->at("oid").get<std::string>();
    if (file.hash.starts_with("sha256:")) file.hash.erase(0, 7);
  }
  return checked(std::move(file), where);
}

void sort_by_path(HubListing& listing) { std::ranges::sort(listing, {}, &HubFile::path); }

// A file's name where it lies at the top; "" in a folder.
std::string_view top_name(const HubFile& file) {
  return file.path.find('/') == file.path.npos ? std::string_view(file.path) : std::string_view();
}

template <std::size_t kCount>
bool is_among(std::string_view name, const std::array<std::string_view, kCount>& names) {
  return std::ranges::find(names, name) != names.end();
}

// By which sentence-transformers knows how a model makes a vector: "modules.json",
// "1_Pooling/config.json".
bool is_sentence_file(const HubFile& file) {
  if (is_among(top_name(file), kSentenceFiles)) return true;
  const auto slash = file.path.find('/');
  const auto digits = file.path.find_first_not_of("0123456789");
  return digits > 0 && digits < slash && file.path[digits] == '_' && slash != file.path.npos &&
         file.path.substr(slash) == "/config.json";
}

// "model-00001-of-00002.safetensors" where `stem` is "model" and `ending` ".safetensors".
bool is_shard(std::string_view name, std::string_view stem, std::string_view ending) {
  return name.starts_with(stem) && name.ends_with(ending) && name.find("-of-") != name.npos &&
         name.substr(stem.size()).starts_with('-');
}

// The one file, or the index with its shards, or nothing.
HubListing weights_of(const HubListing& listing, const std::string& stem,
                      const std::string& ending) {
  const auto whole = stem + ending;
  const auto index = whole + ".index.json";
  HubListing shards;
  for (const HubFile& file : listing) {
    const auto name = top_name(file);
    if (name == whole) return {file};
    if (name == index || is_shard(name, stem, ending)) shards.push_back(file);
  }
  const bool indexed = std::ranges::find(shards, index, &HubFile::path) != shards.end();
  return indexed ? shards : HubListing();
}

[[noreturn]] void refuse_whole(const HubReference& reference, const std::string& lacks) {
  throw ConfigError("",
                    repository_text(reference) + " has no " + lacks + " at " + reference.revision);
}

void add_weights(const HubListing& listing, const HubReference& reference, HubUse use,
                 HubListing& needed) {
  const bool model = use == HubUse::kModel;
  auto weights = weights_of(listing, model ? "model" : "adapter_model", ".safetensors");
  if (weights.empty()) {
    weights = weights_of(listing, model ? "pytorch_model" : "adapter_model", ".bin");
  }
  if (weights.empty()) {
    refuse_whole(reference, model
                                ? "model.safetensors, nor pytorch_model.bin or the index of either"
                                : "adapter_model.safetensors, nor adapter_model.bin");
  }
  needed.insert(needed.end(), weights.begin(), weights.end());
}

HubListing of_repository(const HubListing& listing, const HubReference& reference, HubUse use) {
  if (use == HubUse::kData) return listing;
  HubListing needed;
  for (const HubFile& file : listing) {
    const auto name = top_name(file);
    const bool tokenizer = use != HubUse::kAdapter && is_among(name, kTokenizerFiles);
    const bool model = use == HubUse::kModel && is_among(name, kModelFiles);
    const bool adapter = use == HubUse::kAdapter && is_among(name, kAdapterFiles);
    const bool sentences = use != HubUse::kTokenizer && is_sentence_file(file);
    if (tokenizer || model || adapter || sentences) needed.push_back(file);
  }
  if (use != HubUse::kTokenizer) add_weights(listing, reference, use, needed);
  if (needed.empty()) refuse_whole(reference, "files of a tokenizer");
  sort_by_path(needed);
  return needed;
}

// The files beside one that people name which are read with it.
bool belongs_to(const HubFile& file, const std::string& folder, HubUse use) {
  if (use != HubUse::kModel && use != HubUse::kTokenizer) return false;
  if (!file.path.starts_with(folder)) return false;
  const auto name = std::string_view(file.path).substr(folder.size());
  return is_among(name, kTokenizerFiles) || (use == HubUse::kModel && name == "config.json");
}

// "sst2/train-00000-of-00002.parquet" where `split` is "sst2/train".
bool is_part(const std::filesystem::path& file, const std::filesystem::path& split) {
  const auto part = split_part(file);
  return part && part->split == split.filename() && file.parent_path() == split.parent_path() &&
         file.has_extension();
}

HubListing of_path(const HubListing& listing, const HubReference& reference, HubUse use) {
  const auto& path = reference.path;
  const auto slash = path.rfind('/');
  const std::string folder = slash == path.npos ? "" : path.substr(0, slash + 1);
  HubListing below;
  HubListing beside;
  HubListing parts;
  bool is_file = false;
  for (const HubFile& file : listing) {
    is_file = is_file || file.path == path;
    if (file.path.starts_with(path + "/")) below.push_back(file);
    if (file.path == path || belongs_to(file, folder, use)) beside.push_back(file);
    if (use == HubUse::kData && is_part(file.path, path)) parts.push_back(file);
  }
  if (is_file) return beside;
  if (below.empty() && !parts.empty()) return parts;
  if (!below.empty() && use == HubUse::kData) return below;
  if (below.empty()) {
    std::vector<std::string> known;
    for (const HubFile& file : listing) known.push_back(file.path);
    throw ConfigError("", repository_text(reference) + " has no file or folder '" + path + "' at " +
                              reference.revision + suggest(path, known));
  }
  // A model in a folder of its own.
  for (HubFile& file : below) file.path.erase(0, path.size() + 1);
  auto needed = of_repository(below, reference, use);
  for (HubFile& file : needed) file.path.insert(0, path + "/");
  return needed;
}

}  // namespace

HubListing parse_listing(const Json& page, const std::string& where) {
  HubListing listing;
  try {
    for (const Json& entry : page) {
      if (entry.at("type") == "file") listing.push_back(file_of(entry, where));
    }
  } catch (const Json::exception&) {
    throw DataError(where + ": is no listing of a repository");
  }
  sort_by_path(listing);
  return listing;
}

Json to_json(const HubListing& listing) {
  Json files = Json::object();
  for (const HubFile& file : listing) {
    Json& entry = files[file.path];
    entry = {{"size", file.size}, {"blob_id", file.hash}};
    if (file.hash.size() != kSha256Digits) continue;
    entry["lfs_sha256"] = file.hash;
    entry["lfs_size"] = file.size;
  }
  return {{"format_version", 1}, {"files", std::move(files)}};
}

HubListing listing_from_json(const Json& json, const std::string& where) {
  HubListing listing;
  try {
    if (json.at("format_version") != 1) return {};
    for (const auto& [path, entry] : json.at("files").items()) {
      const auto large = entry.find("lfs_sha256");
      const bool is_large = large != entry.end() && large->is_string();
      HubFile file{path, entry.at(is_large ? "lfs_size" : "size").get<std::uint64_t>(),
                   (is_large ? *large : entry.at("blob_id")).get<std::string>()};
      listing.push_back(checked(std::move(file), where));
    }
  } catch (const Json::exception&) {
    return {};
  }
  sort_by_path(listing);
  return listing;
}

HubListing needed_files(const HubListing& listing, const HubReference& reference, HubUse use) {
  if (!reference.path.empty()) return of_path(listing, reference, use);
  return of_repository(listing, reference, use);
}

}  // namespace mvn
