#include "tokenizer_files.h"

#include <gtest/gtest.h>

#include "mvn/json_file.h"
#include "support/temporary_folder.h"
#include "train/tokenizers/load.h"

namespace mvn::test {
namespace {

using Ids = std::vector<std::int32_t>;

constexpr const char* kVocabulary = R"({"a": 0, "b": 1, "ab": 2, "<end>": 3, "<start>": 4})";

// A tokenizer.json with this post-processor.
std::string tokenizer_json(const std::string& processor) {
  return R"({"version": "1.0", "truncation": null, "padding": null, "added_tokens": [
    {"id": 3, "content": "<end>", "single_word": false, "lstrip": false, "rstrip": false,
     "normalized": false, "special": true}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true},
    "post_processor": )" +
         processor + R"(, "decoder": {"type": "ByteLevel", "add_prefix_space": true,
    "trim_offsets": true}, "model": {"type": "BPE", "dropout": null, "unk_token": null,
    "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": false,
    "vocab": )" +
         kVocabulary + R"(, "merges": ["a b"]}})";
}

Ids encode(const TemporaryFolder& folder, const std::string& text) {
  return load_tokenizer(folder.path(), "model.tokenizer")->encode(text);
}

Value config_of(const TemporaryFolder& folder) {
  return read_json_file(folder / "tokenizer_config.json");
}

TEST(TokenizerFiles, EveryTextEndsWithTheToken) {
  const std::string start = R"({"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<start>", "type_id": 0}},
               {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"SpecialToken": {"id": "<start>", "type_id": 0}},
             {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"<start>": {"id": "<start>", "ids": [4], "tokens": ["<start>"]}}})";
  const std::string bytes = R"({"type": "ByteLevel", "add_prefix_space": true})";
  const std::string both = R"({"type": "Sequence", "processors": [)" + bytes + "," + start + "]}";
  const std::vector<std::pair<std::string, Ids>> cases = {
      {"null", {2, 0, 3}}, {bytes, {2, 0, 3}}, {start, {4, 2, 0, 3}}, {both, {4, 2, 0, 3}}};
  for (const auto& [processor, expected] : cases) {
    const TemporaryFolder folder;
    folder.write("tokenizer.json", tokenizer_json(processor));
    folder.write("tokenizer_config.json",
                 R"({"tokenizer_class": "Other", "add_eos_token": false, "eos_token": "<end>"})");
    complete_tokenizer_files(folder.path(), 3, true, 0);
    EXPECT_EQ(expected, encode(folder, "aba")) << processor;
    EXPECT_EQ(Value("PreTrainedTokenizerFast"), *config_of(folder).find("tokenizer_class"));
    EXPECT_EQ(Value("<end>"), *config_of(folder).find("pad_token"));
  }
}

TEST(TokenizerFiles, TwoFilesOfGpt2BecomeOneThatSaysSo) {
  const TemporaryFolder folder;
  folder.write("vocab.json", kVocabulary);
  folder.write("merges.txt", "#version: 0.2\na b\n");
  const auto before = encode(folder, "aba");
  complete_tokenizer_files(folder.path(), 3, true, 0);
  auto expected = before;
  expected.push_back(3);
  EXPECT_EQ((Ids{2, 0}), before);
  EXPECT_EQ(expected, encode(folder, "aba"));
  EXPECT_EQ(Value("<end>"), *config_of(folder).find("eos_token"));
}

TEST(TokenizerFiles, WithoutThatPaddingAloneIsSaid) {
  const TemporaryFolder folder;
  folder.write("vocab.json", kVocabulary);
  folder.write("merges.txt", "a b\n");
  complete_tokenizer_files(folder.path(), 3, false, 16);
  EXPECT_FALSE(std::filesystem::exists(folder / "tokenizer.json"));
  EXPECT_EQ(Value("<end>"), *config_of(folder).find("pad_token"));
  EXPECT_EQ(Value(16), *config_of(folder).find("model_max_length"));
  folder.write("tokenizer_config.json", R"({"pad_token": "a"})");
  complete_tokenizer_files(folder.path(), 3, false, 16);
  EXPECT_EQ(Value("a"), *config_of(folder).find("pad_token"));
}

TEST(TokenizerFiles, ASentencePieceFileIsToldByAFlag) {
  const TemporaryFolder folder;
  folder.write("tokenizer.model", "");
  complete_tokenizer_files(folder.path(), 3, true, 0);
  EXPECT_EQ(Value(true), *config_of(folder).find("add_eos_token"));
}

}  // namespace
}  // namespace mvn::test
