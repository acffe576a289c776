#include "train/tokenizers/load.h"

#include <algorithm>
#include <map>
#include <optional>

#include "common/files.h"
#include "common/lfs_pointer.h"
#include "common/utf8.h"
#include "mvn/error.h"
#include "train/tokenizers/sentencepiece.h"
#include "train/tokenizers/tokenizer_config.h"
#include "train/tokenizers/tokenizer_json.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

Vocabulary read_vocab_json(const JsonSource& source) {
  const Json json = read_json(source.path);
  JsonNode(source, json).expect_object();
  Vocabulary vocabulary;
  for (const auto& [token, id] : json.items()) {
    vocabulary.emplace(token, JsonNode(source, id, "'" + token + "'").id());
  }
  return vocabulary;
}

// "a b" on every line but the first, "#version: 0.2".
Merges read_merges_txt(const fs::path& path) {
  const std::string text = read_file(path);
  refuse_lfs_pointer(path, text);
  const auto fail = [&](std::size_t line, const std::string& message) {
    throw DataError(path.string() + ":" + std::to_string(line) + ": " + message);
  };
  Merges merges;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    ++number;
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line(text.data() + begin, end - begin);
    begin = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("#version")) continue;
    if (valid_utf8_prefix(line) != line.size()) fail(number, "not UTF-8");
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) {
      fail(number, "a merge must be two tokens with one space between");
    }
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return merges;
}

// GPT-2's own files: byte-level BPE whose one added token ends texts.
TokenizerParts read_vocab_and_merges(const fs::path& folder, const std::string& key) {
  TokenizerParts parts;
  parts.pre_tokenizer = ByteLevel{};
  parts.decoders = {ByteLevelDecoder{}};
  const JsonSource source{folder / "vocab.json", key};
  Vocabulary vocabulary = read_vocab_json(source);
  const Merges merges = read_merges_txt(folder / "merges.txt");
  try {
    parts.model =
        std::make_shared<const Bpe>(std::move(vocabulary), merges, BpeOptions{.byte_level = true});
  } catch (const DataError& e) {
    throw DataError(folder.string() + ": vocab.json and merges.txt: " + e.what());
  }
  AddedToken end;
  end.content = "<|endoftext|>";
  end.id = parts.model->id_of(end.content);
  end.normalized = false;
  end.special = true;
  if (end.id >= 0) parts.added_tokens.set(end);
  return parts;
}

TokenizerParts read_tokenizer_file(const JsonSource& source) {
  if (source.path.extension() == ".model") {
    const std::string content = read_file(source.path);
    refuse_lfs_pointer(source.path, content);
    return read_sentencepiece(source, content);
  }
  return read_tokenizer_json(source, read_json(source.path));
}

TokenizerParts read_parts(const fs::path& path, const std::string& key) {
  if (!fs::exists(path)) throw ConfigError(key, "no file or folder " + path.string());
  if (!fs::is_directory(path)) return read_tokenizer_file({path, key});
  if (fs::exists(path / "tokenizer.json"))
    return read_tokenizer_file({path / "tokenizer.json", key});
  const bool vocab = fs::exists(path / "vocab.json");
  const bool merges = fs::exists(path / "merges.txt");
  if (vocab && merges) return read_vocab_and_merges(path, key);
  if (fs::exists(path / "tokenizer.model"))
    return read_tokenizer_file({path / "tokenizer.model", key});
  if (vocab || merges) {
    throw ConfigError(key, path.string() + " has " + (vocab ? "vocab.json" : "merges.txt") +
                               " but no " + (vocab ? "merges.txt" : "vocab.json"));
  }
  throw ConfigError(
      key, "no tokenizer in " + path.string() +
               " (expected tokenizer.json, vocab.json and merges.txt, or tokenizer.model)");
}

// Two added tokens that look the same in the text cannot be told apart.
void check_patterns(const TokenizerParts& parts, const fs::path& path) {
  std::map<std::pair<bool, std::string>, std::string> seen;
  for (const auto& token : parts.added_tokens) {
    std::string buffer;
    std::string pattern(token.normalized ? normalize(parts.normalizers, token.content, buffer)
                                         : token.content);
    if (pattern.empty()) {
      throw DataError(path.string() + ": the added token '" + token.content +
                      "' is empty after normalisation");
    }
    const auto [other, is_new] = seen.emplace(std::pair(token.normalized, pattern), token.content);
    if (!is_new) {
      throw DataError(path.string() + ": the added tokens '" + other->second + "' and '" +
                      token.content + "' are the same after normalisation");
    }
  }
}

}  // namespace

std::shared_ptr<const Tokenizer> make_tokenizer(TokenizerParts parts, const fs::path& path) {
  guess_end_of_text(parts);
  check_patterns(parts, path);
  return std::make_shared<const PipelineTokenizer>(std::move(parts));
}

std::shared_ptr<const Tokenizer> load_tokenizer(const fs::path& path, const std::string& key) {
  TokenizerParts parts = read_parts(path, key);
  const fs::path folder = fs::is_directory(path) ? path : path.parent_path();
  const auto read_beside = [&](const char* name) -> std::optional<JsonFile> {
    const JsonSource source{folder / name, key};
    if (!fs::exists(source.path)) return std::nullopt;
    return JsonFile{source, read_json(source.path)};
  };
  const auto config = read_beside("tokenizer_config.json");
  // Its added_tokens_decoder takes the place of the older files.
  if (!config || !config->json.is_object() || !config->json.contains("added_tokens_decoder")) {
    const auto map = read_beside("special_tokens_map.json");
    const auto added = read_beside("added_tokens.json");
    if (added) apply_added_tokens_file(parts, *added, config, map);
    if (map) apply_special_tokens_map(parts, *map);
  }
  if (config) apply_tokenizer_config(parts, config->source, config->json);
  return make_tokenizer(std::move(parts), path);
}

}  // namespace mvn
