#include "tokenizer_files.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "mvn/data.h"
#include "mvn/error.h"
#include "mvn/json_file.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// What huggingface/tokenizers has for GPT-2's two files, without a post-processor.
Value byte_level_tokenizer(const fs::path& folder) {
  Value::List merges;
  for (const auto& line : read_lines(folder / "merges.txt", "utf-8", "merges.txt")) {
    if (!line.empty() && !line.starts_with("#version")) merges.emplace_back(line);
  }
  const Value::Map model = {{"type", "BPE"},
                            {"dropout", Value()},
                            {"unk_token", Value()},
                            {"continuing_subword_prefix", ""},
                            {"end_of_word_suffix", ""},
                            {"fuse_unk", false},
                            {"byte_fallback", false},
                            {"vocab", read_json_file(folder / "vocab.json")},
                            {"merges", std::move(merges)}};
  const auto byte_level = [](bool add_prefix_space) {
    return Value::Map{{"type", "ByteLevel"},
                      {"add_prefix_space", add_prefix_space},
                      {"trim_offsets", true},
                      {"use_regex", true}};
  };
  return Value::Map{{"version", "1.0"},
                    {"truncation", Value()},
                    {"padding", Value()},
                    {"added_tokens", Value::List()},
                    {"normalizer", Value()},
                    {"pre_tokenizer", byte_level(false)},
                    {"post_processor", Value()},
                    {"decoder", byte_level(true)},
                    {"model", model}};
}

// The text of a token; "" where there is none of this id.
std::string content_of(const Value& tokenizer, std::int32_t id) {
  const Value* added = tokenizer.find("added_tokens");
  for (const Value& token : added != nullptr ? added->as_list() : Value::List()) {
    const Value* number = token.find("id");
    const Value* content = token.find("content");
    if (number != nullptr && content != nullptr && *number == Value(std::int64_t{id})) {
      return content->as_text();
    }
  }
  const Value* model = tokenizer.find("model");
  const Value* vocabulary = model != nullptr ? model->find("vocab") : nullptr;
  if (vocabulary == nullptr || !vocabulary->is_map()) return "";
  for (const auto& [content, number] : vocabulary->as_map()) {
    if (number == Value(std::int64_t{id})) return content;
  }
  return "";
}

void add_special_token(Value::Map& tokenizer, std::int32_t id, const std::string& content) {
  auto list = tokenizer["added_tokens"].as_list();
  for (const Value& token : list) {
    if (token.find("content") != nullptr && *token.find("content") == Value(content)) return;
  }
  Value::Map token;
  token["id"] = std::int64_t{id};
  token["content"] = content;
  for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized"}) token[flag] = false;
  token["special"] = true;
  list.emplace_back(std::move(token));
  tokenizer["added_tokens"] = std::move(list);
}

// A piece of a template: a text ("A") or a token.
Value piece(const char* kind, const std::string& id, std::int64_t type = 0) {
  Value::Map what;
  what["id"] = id;
  what["type_id"] = type;
  Value::Map all;
  all[kind] = std::move(what);
  return all;
}

// `pieces` with the token behind every text. Templates that end a text come here no more.
Value::List closed(const Value::List& pieces, const std::string& content) {
  Value::List all;
  for (const Value& each : pieces) {
    all.push_back(each);
    const Value* text = each.find("Sequence");
    if (text == nullptr) continue;
    const Value* type = text->find("type_id");
    all.push_back(piece("SpecialToken", content, type != nullptr ? type->as_int() : 0));
  }
  return all;
}

Value::Map plain_template() {
  Value::Map processor;
  processor["type"] = "TemplateProcessing";
  Value::List pair;
  pair.push_back(piece("Sequence", "A"));
  processor["single"] = pair;
  pair.push_back(piece("Sequence", "B", 1));
  processor["pair"] = std::move(pair);
  processor["special_tokens"] = Value::Map();
  return processor;
}

Value::Map closed_template(Value::Map processor, std::int32_t id, const std::string& content) {
  for (const char* name : {"single", "pair"}) {
    processor[name] = closed(processor[name].as_list(), content);
  }
  // Not by a list of one: some compilers take its number for a size.
  Value::List ids(1, std::int64_t{id});
  Value::List texts(1, content);
  Value::Map token;
  token["id"] = content;
  token["ids"] = std::move(ids);
  token["tokens"] = std::move(texts);
  auto& tokens = processor["special_tokens"];
  if (!tokens.is_map()) tokens = Value::Map();
  tokens.as_map()[content] = std::move(token);
  return processor;
}

bool is_template(const Value& processor) {
  const Value* type = processor.find("type");
  return type != nullptr && *type == Value("TemplateProcessing");
}

// What `processor` does, and the token behind every text.
Value closed_processor(const Value& processor, std::int32_t id, const std::string& content) {
  if (processor.is_null()) return closed_template(plain_template(), id, content);
  if (is_template(processor)) return closed_template(processor.as_map(), id, content);
  const Value* list = processor.find("processors");
  Value::List steps = list != nullptr ? list->as_list() : Value::List(1, processor);
  const auto found = std::ranges::find_if(steps, is_template);
  if (found != steps.end()) {
    *found = closed_template(found->as_map(), id, content);
  } else {
    steps.emplace_back(closed_template(plain_template(), id, content));
  }
  Value::Map all;
  all["type"] = "Sequence";
  all["processors"] = std::move(steps);
  return all;
}

// Returns the token's text.
std::string close_tokenizer_json(const fs::path& folder, std::int32_t end) {
  const fs::path file = folder / "tokenizer.json";
  const Value read = fs::exists(file) ? read_json_file(file) : byte_level_tokenizer(folder);
  Value::Map tokenizer = read.as_map();
  std::string content = content_of(read, end);
  add_special_token(tokenizer, end, content);
  tokenizer["post_processor"] = closed_processor(tokenizer["post_processor"], end, content);
  write_json_file(file, Value(std::move(tokenizer)));
  return content;
}

}  // namespace

void complete_tokenizer_files(const fs::path& folder, std::int32_t end, bool closes,
                              std::int64_t max_length) {
  const fs::path file = folder / "tokenizer_config.json";
  Value::Map config = fs::exists(file) ? read_json_file(file).as_map() : Value::Map();
  std::string content;
  const bool is_json = fs::exists(folder / "tokenizer.json");
  if (closes && (is_json || fs::exists(folder / "vocab.json"))) {
    content = close_tokenizer_json(folder, end);
    // Other classes make their own template, of these flags or of none.
    config["tokenizer_class"] = "PreTrainedTokenizerFast";
    config.erase("add_eos_token");
    if (!Value(config).find("eos_token")) config["eos_token"] = content;
  } else if (closes) {
    config["add_eos_token"] = true;  // of a SentencePiece file
  } else if (is_json) {
    content = content_of(read_json_file(folder / "tokenizer.json"), end);
  } else if (fs::exists(folder / "vocab.json")) {
    content = content_of(
        Value::Map{{"model", Value::Map{{"vocab", read_json_file(folder / "vocab.json")}}}}, end);
  }
  if (!content.empty() && Value(config).find("pad_token") == nullptr) {
    config["pad_token"] = content;
  }
  if (max_length > 0) config["model_max_length"] = max_length;
  if (!config.empty()) write_json_file(file, Value(std::move(config)));
}

}  // namespace mvn
