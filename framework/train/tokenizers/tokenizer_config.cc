#include "train/tokenizers/tokenizer_config.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace mvn {
namespace {

constexpr auto kNamedTokens = {"bos_token", "eos_token", "unk_token", "sep_token",
                               "pad_token", "cls_token", "mask_token"};

// A token given as its text or as an object with its text.
std::string named_token(const JsonNode& root, const char* name) {
  const JsonNode node = root.at(name);
  return node.value().is_string() ? node.text() : node.at("content").text();
}

// {"50256": {"content": ...}, ...}, in the order of the ids.
void apply_added_tokens(TokenizerParts& parts, const JsonNode& node) {
  node.expect_object();
  std::map<std::int32_t, std::string> names;
  for (const auto& [name, token] : node.value().items()) {
    std::int32_t id = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (error != std::errc() || end != name.data() + name.size() || id < 0) {
      node.fail("'" + name + "' is not a token's id");
    }
    names.emplace(id, name);
  }
  for (const auto& [id, name] : names) {
    const JsonNode entry = node.at(name.c_str());
    AddedToken token = read_added_token(entry);
    token.id = id;
    if (!token.content.empty()) add_token(parts, token, entry);
  }
}

// A named token that the vocabulary has is cut out of the text like any special token. One that it
// does not have has no id that the model knows.
void apply_special_token(TokenizerParts& parts, const std::string& content, const JsonNode& where) {
  const bool known = parts.added_tokens.find(content) != nullptr;
  if (known || parts.model->id_of(content) < 0) return;
  add_token(
      parts,
      {.id = parts.model->id_of(content), .content = content, .normalized = false, .special = true},
      where);
}

// add_bos_token and add_eos_token take the place of what the template adds on that side.
void apply_ends(TokenizerParts& parts, const JsonNode& root, const char* flag, const char* name,
                std::vector<std::int32_t>& ids) {
  if (!root.has(flag)) return;
  ids.clear();
  if (!root.at(flag).boolean()) return;
  if (!root.has(name)) root.fail(std::string(flag) + " is true and there is no " + name);
  const std::string content = named_token(root, name);
  const std::int32_t id = token_id(parts, content);
  if (id < 0) root.fail(std::string(name) + " '" + content + "' is not a token");
  ids.push_back(id);
}

// As the classes of transformers that read these flags join two texts: each with its own ends.
void apply_pair(TokenizerParts& parts, const JsonNode& root) {
  if (!root.has("add_bos_token") && !root.has("add_eos_token")) return;
  parts.pair = PairTokens{parts.prefix, parts.suffix, parts.suffix};
  auto& between = parts.pair->between;
  between.insert(between.end(), parts.prefix.begin(), parts.prefix.end());
  if (between.empty()) parts.pair.reset();
}

bool adds_prefix_space(const TokenizerParts& parts) {
  if (const auto* metaspace = std::get_if<Metaspace>(&parts.pre_tokenizer)) {
    return metaspace->prepend != PrependScheme::kNever;
  }
  return std::any_of(parts.normalizers.begin(), parts.normalizers.end(),
                     [](const auto& step) { return std::holds_alternative<Prepend>(step); });
}

void apply_truncation_side(TokenizerParts& parts, const JsonNode& root) {
  if (!root.has("truncation_side")) return;
  const std::string& side = root.at("truncation_side").text();
  if (side != "left" && side != "right") root.at("truncation_side").fail("must be left or right");
  parts.truncates_left = side == "left";
}

void apply_prefix_space(TokenizerParts& parts, const JsonNode& root) {
  if (!root.has("add_prefix_space")) return;
  const bool wanted = root.at("add_prefix_space").boolean();
  if (auto* byte_level = std::get_if<ByteLevel>(&parts.pre_tokenizer)) {
    byte_level->add_prefix_space = wanted;
  } else if (wanted != adds_prefix_space(parts)) {
    root.at("add_prefix_space").unsupported("contradicts tokenizer.json, which is not supported");
  }
}

// The texts of the special tokens that a file names, one by one or in a list.
void collect_special(const JsonNode& root, std::set<std::string>& texts) {
  root.expect_object();
  for (const char* name : kNamedTokens) {
    if (root.has(name)) texts.insert(named_token(root, name));
  }
  for (const char* name : {"additional_special_tokens", "extra_special_tokens"}) {
    if (!root.has(name) || !root.at(name).value().is_array()) continue;
    const JsonNode list = root.at(name);
    for (std::size_t i = 0; i < list.size(); ++i) {
      const JsonNode item = list.item(i);
      texts.insert(item.value().is_string() ? item.text() : item.at("content").text());
    }
  }
}

}  // namespace

void apply_special_tokens_map(TokenizerParts& parts, const JsonFile& file) {
  const JsonNode root(file.source, file.json);
  std::set<std::string> texts;
  collect_special(root, texts);
  for (const auto& text : texts) {
    if (!text.empty()) apply_special_token(parts, text, root);
  }
  if (root.has("eos_token")) parts.end_of_text = token_id(parts, named_token(root, "eos_token"));
}

void apply_added_tokens_file(TokenizerParts& parts, const JsonFile& file,
                             const std::optional<JsonFile>& config,
                             const std::optional<JsonFile>& map) {
  std::set<std::string> special;
  for (const auto* beside : {&config, &map}) {
    if (*beside) collect_special(JsonNode((*beside)->source, (*beside)->json), special);
  }
  const JsonNode root(file.source, file.json);
  root.expect_object();
  std::map<std::int32_t, std::string> texts;
  for (const auto& [text, id] : file.json.items()) {
    const JsonNode node(file.source, id, "'" + text + "'");
    if (!texts.emplace(node.id(), text).second) node.fail("has another token's id");
  }
  for (const auto& [id, text] : texts) {
    if (text.empty() || parts.added_tokens.find(text) != nullptr) continue;
    const bool is_special = special.contains(text);
    add_token(parts, {.id = id, .content = text, .normalized = !is_special, .special = is_special},
              root);
  }
}

std::int32_t token_id(const TokenizerParts& parts, const std::string& content) {
  const AddedToken* added = parts.added_tokens.find(content);
  return added != nullptr ? added->id : parts.model->id_of(content);
}

void apply_tokenizer_config(TokenizerParts& parts, const JsonSource& source, const Json& json) {
  const JsonNode root(source, json);
  root.expect_object();
  if (root.has("added_tokens_decoder")) {
    apply_added_tokens(parts, root.at("added_tokens_decoder"));
  }
  for (const char* name : kNamedTokens) {
    if (root.has(name)) apply_special_token(parts, named_token(root, name), root);
  }
  apply_ends(parts, root, "add_bos_token", "bos_token", parts.prefix);
  apply_ends(parts, root, "add_eos_token", "eos_token", parts.suffix);
  apply_pair(parts, root);
  apply_prefix_space(parts, root);
  apply_truncation_side(parts, root);
  if (root.has("eos_token")) parts.end_of_text = token_id(parts, named_token(root, "eos_token"));
}

void guess_end_of_text(TokenizerParts& parts) {
  for (const char* name : {"<|endoftext|>", "</s>"}) {
    if (parts.end_of_text < 0) parts.end_of_text = token_id(parts, name);
  }
}

}  // namespace mvn
