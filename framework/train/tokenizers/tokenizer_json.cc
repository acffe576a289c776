#include "train/tokenizers/tokenizer_json.h"

#include <algorithm>

#include "common/utf8.h"
#include "mvn/error.h"

namespace mvn {
namespace {

// --- normalizers --------------------------------------------------------------------------------

// The literal text of {"String": "..."}.
std::string read_pattern(const JsonNode& node) {
  node.expect_object();
  if (node.has("Regex")) node.unsupported("a regular expression is not supported");
  std::string pattern = node.at("String").text();
  if (pattern.empty()) node.unsupported("an empty pattern is not supported");
  return pattern;
}

Replace read_replace(const JsonNode& node) {
  node.allow_keys({"type", "pattern", "content"});
  return {read_pattern(node.at("pattern")), node.at("content").text()};
}

void read_normalizer(const JsonNode& node, std::vector<Normalizer>& steps) {
  const std::string& type = node.at("type").text();
  if (type == "Sequence") {
    node.allow_keys({"type", "normalizers"});
    const JsonNode list = node.at("normalizers");
    for (std::size_t i = 0; i < list.size(); ++i) read_normalizer(list.item(i), steps);
  } else if (type == "NFC") {
    node.allow_keys({"type"});
    steps.push_back(Nfc{});
  } else if (type == "Prepend") {
    node.allow_keys({"type", "prepend"});
    steps.push_back(Prepend{node.at("prepend").text()});
  } else if (type == "Replace") {
    steps.push_back(read_replace(node));
  } else {
    node.unsupported("normalizer '" + type +
                     "' is not supported (supported: NFC, Prepend, Replace, Sequence)");
  }
}

// A few lines of JSON must not turn a text into gigabytes.
template <typename Step>
void check_growth(const JsonNode& node, const std::vector<Step>& steps) {
  std::size_t factor = 1;
  for (const auto& step : steps) {
    const auto* replace = std::get_if<Replace>(&step);
    if (replace == nullptr) continue;
    factor *= 1 + replace->content.size() / replace->pattern.size();
    if (factor > 10'000) node.unsupported("replacements that make texts so long are not supported");
  }
}

// --- pre-tokenizers -----------------------------------------------------------------------------

PrependScheme read_prepend_scheme(const JsonNode& node) {
  PrependScheme scheme = PrependScheme::kAlways;
  if (node.has("prepend_scheme")) {
    const std::string& name = node.at("prepend_scheme").text();
    if (name == "first") {
      scheme = PrependScheme::kFirst;
    } else if (name == "never") {
      scheme = PrependScheme::kNever;
    } else if (name != "always") {
      node.at("prepend_scheme").fail("must be always, first or never");
    }
  }
  if (!node.boolean_or("add_prefix_space", true) && scheme != PrependScheme::kNever) {
    node.fail("add_prefix_space is false and prepend_scheme is not never");
  }
  return scheme;
}

std::string read_character(const JsonNode& node) {
  const std::string& text = node.text();
  if (text.empty() || code_point_at(text, 0).size != text.size()) {
    node.fail("must be one character");
  }
  return text;
}

constexpr auto kMetaspaceKeys = {"type",           "replacement", "add_prefix_space",
                                 "prepend_scheme", "split",       "str_rep"};

PreTokenizer read_pre_tokenizer(const JsonNode& node) {
  const std::string& type = node.at("type").text();
  if (type == "Sequence") {
    node.allow_keys({"type", "pretokenizers"});
    const JsonNode list = node.at("pretokenizers");
    if (list.size() != 1) {
      node.unsupported("a sequence of " + std::to_string(list.size()) +
                       " pre-tokenizers is not supported, only of one");
    }
    return read_pre_tokenizer(list.item(0));
  }
  if (type == "ByteLevel") {
    node.allow_keys({"type", "add_prefix_space", "trim_offsets", "use_regex"});
    return ByteLevel{node.at("add_prefix_space").boolean(), node.boolean_or("use_regex", true)};
  }
  if (type == "Metaspace") {
    node.allow_keys(kMetaspaceKeys);
    return Metaspace{read_character(node.at("replacement")), read_prepend_scheme(node),
                     node.boolean_or("split", true)};
  }
  node.unsupported("pre-tokenizer '" + type +
                   "' is not supported (supported: ByteLevel, Metaspace)");
}

// --- model --------------------------------------------------------------------------------------

Vocabulary read_vocabulary(const JsonNode& node) {
  node.expect_object();
  Vocabulary vocabulary;
  vocabulary.reserve(node.value().size());
  for (const auto& [token, id] : node.value().items()) {
    vocabulary.emplace(token, JsonNode(node.source(), id, "model.vocab['" + token + "']").id());
  }
  return vocabulary;
}

// Both styles: "a b" and ["a", "b"].
Merges read_merges(const JsonNode& list) {
  Merges merges;
  merges.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Json& value = list.value()[i];
    if (value.is_array() && value.size() == 2) {
      const JsonNode pair = list.item(i);
      merges.emplace_back(pair.item(0).text(), pair.item(1).text());
      continue;
    }
    if (!value.is_string()) list.item(i).fail("must be \"a b\" or [\"a\", \"b\"]");
    const auto& line = value.get_ref<const std::string&>();
    if (line.starts_with("#version")) continue;
    const std::size_t space = line.find(' ');
    if (space == std::string::npos || line.find(' ', space + 1) != std::string::npos) {
      list.item(i).fail("must be two tokens with one space between");
    }
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return merges;
}

// "" means the same as absence to every tokenizer that writes these.
void refuse_affix(const JsonNode& node, const char* name) {
  if (node.has(name) && !node.at(name).text().empty()) {
    node.at(name).unsupported("is not supported");
  }
}

BpeOptions read_bpe_options(const JsonNode& node) {
  node.allow_keys({"type", "dropout", "unk_token", "continuing_subword_prefix",
                   "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges", "vocab",
                   "merges"});
  if (node.has("dropout") && node.at("dropout").value() != 0) {
    node.at("dropout").unsupported("is not supported: the same text would get other ids each time");
  }
  refuse_affix(node, "continuing_subword_prefix");
  refuse_affix(node, "end_of_word_suffix");
  BpeOptions options;
  if (node.has("unk_token")) options.unk_token = node.at("unk_token").text();
  options.fuse_unk = node.boolean_or("fuse_unk", false);
  options.byte_fallback = node.boolean_or("byte_fallback", false);
  options.ignore_merges = node.boolean_or("ignore_merges", false);
  return options;
}

std::shared_ptr<const Bpe> read_model(const JsonNode& node, const PreTokenizer& pre_tokenizer) {
  // Old files have no type; a list of merges is then BPE.
  const std::string type = node.has("type")     ? node.at("type").text()
                           : node.has("merges") ? "BPE"
                                                : "";
  if (type != "BPE") node.unsupported("model '" + type + "' is not supported (supported: BPE)");
  BpeOptions options = read_bpe_options(node);
  options.byte_level = std::holds_alternative<ByteLevel>(pre_tokenizer);
  Vocabulary vocabulary = read_vocabulary(node.at("vocab"));
  const Merges merges = read_merges(node.at("merges"));
  try {
    return std::make_shared<const Bpe>(std::move(vocabulary), merges, options);
  } catch (const DataError& e) {
    node.fail(e.what());
  }
}

// --- post-processors ----------------------------------------------------------------------------

void append_special(const JsonNode& specials, const std::string& name,
                    std::vector<std::int32_t>& ids) {
  const JsonNode list = specials.at(name.c_str()).at("ids");
  for (std::size_t i = 0; i < list.size(); ++i) ids.push_back(list.item(i).id());
}

// The template for a single text: special tokens, the text once, special tokens.
void read_template(const JsonNode& node, TokenizerParts& parts) {
  node.allow_keys({"type", "single", "pair", "special_tokens"});
  const JsonNode pieces = node.at("single");
  std::vector<std::int32_t> before;
  std::vector<std::int32_t> after;
  int texts = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const JsonNode piece = pieces.item(i);
    if (piece.has("SpecialToken")) {
      append_special(node.at("special_tokens"), piece.at("SpecialToken").at("id").text(),
                     texts == 0 ? before : after);
    } else if (piece.at("Sequence").at("id").text() == "A") {
      ++texts;
    } else {
      piece.unsupported("only the text $A is supported in a template for one text");
    }
  }
  if (texts != 1) pieces.unsupported("only templates that have the text $A once are supported");
  parts.prefix = std::move(before);
  parts.suffix = std::move(after);
}

// The template for two texts, $A before $B; nothing where no token comes between them.
std::optional<PairTokens> read_pair(const JsonNode& node) {
  if (!node.has("pair")) return std::nullopt;
  const JsonNode pieces = node.at("pair");
  PairTokens pair;
  std::string texts;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const JsonNode piece = pieces.item(i);
    if (piece.has("SpecialToken")) {
      append_special(node.at("special_tokens"), piece.at("SpecialToken").at("id").text(),
                     texts.empty()  ? pair.before
                     : texts == "A" ? pair.between
                                    : pair.behind);
    } else {
      texts += piece.at("Sequence").at("id").text();
    }
  }
  if (texts != "AB" || pair.between.empty()) return std::nullopt;
  return pair;
}

// The processors one after the other, sequences opened.
void flatten_processors(const JsonNode& node, std::vector<JsonNode>& flat) {
  if (node.at("type").text() != "Sequence") {
    flat.push_back(node);
    return;
  }
  node.allow_keys({"type", "processors"});
  const JsonNode list = node.at("processors");
  for (std::size_t i = 0; i < list.size(); ++i) flatten_processors(list.item(i), flat);
}

void read_post_processor(const JsonNode& node, TokenizerParts& parts) {
  std::vector<JsonNode> processors;
  flatten_processors(node, processors);
  int templates = 0;
  for (const auto& processor : processors) {
    const std::string& type = processor.at("type").text();
    if (type == "ByteLevel") continue;  // it only trims offsets
    if (type != "TemplateProcessing") {
      processor.unsupported("post-processor '" + type +
                            "' is not supported (supported: ByteLevel, Sequence, "
                            "TemplateProcessing)");
    }
    // The library applies a second one to the parts that the first one made.
    if (++templates > 1) processor.unsupported("a second template is not supported");
    read_template(processor, parts);
    parts.pair = read_pair(processor);
  }
}

// --- decoders -----------------------------------------------------------------------------------

std::size_t read_count(const JsonNode& node) { return static_cast<std::size_t>(node.id()); }

void read_decoder(const JsonNode& node, std::vector<Decoder>& steps) {
  const std::string& type = node.at("type").text();
  if (type == "Sequence") {
    node.allow_keys({"type", "decoders"});
    const JsonNode list = node.at("decoders");
    for (std::size_t i = 0; i < list.size(); ++i) read_decoder(list.item(i), steps);
  } else if (type == "ByteLevel") {
    node.allow_keys({"type", "add_prefix_space", "trim_offsets", "use_regex"});
    steps.push_back(ByteLevelDecoder{});
  } else if (type == "Replace") {
    steps.push_back(read_replace(node));
  } else if (type == "ByteFallback") {
    node.allow_keys({"type"});
    steps.push_back(ByteFallback{});
  } else if (type == "Fuse") {
    node.allow_keys({"type"});
    steps.push_back(Fuse{});
  } else if (type == "Strip") {
    node.allow_keys({"type", "content", "start", "stop"});
    steps.push_back(Strip{read_character(node.at("content")), read_count(node.at("start")),
                          read_count(node.at("stop"))});
  } else if (type == "Metaspace") {
    node.allow_keys(kMetaspaceKeys);
    steps.push_back(
        MetaspaceDecoder{read_character(node.at("replacement")), read_prepend_scheme(node)});
  } else {
    node.unsupported("decoder '" + type +
                     "' is not supported (supported: ByteFallback, ByteLevel, "
                     "Fuse, Metaspace, Replace, Sequence, Strip)");
  }
}

// --- added tokens -------------------------------------------------------------------------------

// As the library numbers them: after the vocabulary, and after the last added token.
std::int32_t next_id(const TokenizerParts& parts) {
  return std::max(static_cast<std::int32_t>(parts.model->vocabulary().size()),
                  parts.added_tokens.largest_id() + 1);
}

void read_added_tokens(const JsonNode& list, TokenizerParts& parts) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonNode node = list.item(i);
    AddedToken token = read_added_token(node);
    token.id = node.at("id").id();
    if (!token.content.empty()) add_token(parts, token, node);
  }
}

// Of {"direction": "Left", "max_length": ...} the side alone: the length is the task's.
bool truncates_left(const JsonNode& node) {
  if (!node.has("direction")) return false;
  const std::string& side = node.at("direction").text();
  if (side != "Left" && side != "Right") node.at("direction").fail("must be Left or Right");
  return side == "Left";
}

}  // namespace

AddedToken read_added_token(const JsonNode& node) {
  AddedToken token;
  token.content = node.at("content").text();
  token.single_word = node.at("single_word").boolean();
  token.lstrip = node.at("lstrip").boolean();
  token.rstrip = node.at("rstrip").boolean();
  token.normalized = node.at("normalized").boolean();
  token.special = node.at("special").boolean();
  return token;
}

void add_token(TokenizerParts& parts, const AddedToken& token, const JsonNode& where) {
  const AddedToken* same = parts.added_tokens.find(token.content);
  std::int32_t id = same != nullptr ? same->id : parts.model->id_of(token.content);
  if (id < 0) id = next_id(parts);
  if (id != token.id) {
    where.fail("the added token '" + token.content + "' has id " + std::to_string(token.id) +
               ", which should be " + std::to_string(id));
  }
  parts.added_tokens.set(token);
}

TokenizerParts read_tokenizer_json(const JsonSource& source, const Json& json) {
  const JsonNode root(source, json);
  root.allow_keys({"version", "truncation", "padding", "added_tokens", "normalizer",
                   "pre_tokenizer", "post_processor", "decoder", "model"});
  if (root.has("version") && root.at("version").text() != "1.0") {
    root.at("version").unsupported("'" + root.at("version").text() +
                                   "' is not supported (supported: 1.0)");
  }
  TokenizerParts parts;
  if (root.has("normalizer")) {
    read_normalizer(root.at("normalizer"), parts.normalizers);
    check_growth(root.at("normalizer"), parts.normalizers);
  }
  if (root.has("pre_tokenizer")) {
    parts.pre_tokenizer = read_pre_tokenizer(root.at("pre_tokenizer"));
  }
  parts.model = read_model(root.at("model"), parts.pre_tokenizer);
  if (root.has("added_tokens")) read_added_tokens(root.at("added_tokens"), parts);
  if (root.has("post_processor")) read_post_processor(root.at("post_processor"), parts);
  if (root.has("truncation")) parts.truncates_left = truncates_left(root.at("truncation"));
  if (root.has("decoder")) {
    read_decoder(root.at("decoder"), parts.decoders.emplace());
    check_growth(root.at("decoder"), *parts.decoders);
  }
  return parts;
}

}  // namespace mvn
