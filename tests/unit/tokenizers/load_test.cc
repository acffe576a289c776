// Folders, tokenizer_config.json, and everything that is refused.
#include "train/tokenizers/load.h"

#include <gtest/gtest.h>

#include "common/json.h"
#include "mvn/error.h"
#include "support/error_of.h"
#include "support/shared_data.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

using test::error_of;
using Ids = std::vector<std::int32_t>;

// A byte-level tokenizer of a few characters.
Json small_json() {
  return Json::parse(R"({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [{"id": 0, "content": "<s>", "single_word": false, "lstrip": false,
                      "rstrip": false, "normalized": false, "special": true}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true},
    "post_processor": null,
    "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true},
    "model": {"type": "BPE", "dropout": null, "unk_token": null,
              "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
              "vocab": {"<s>": 0, "a": 1, "b": 2, "\u0120": 3, "ab": 4, "</s>": 5},
              "merges": [["a", "b"]]}})");
}

class LoadTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Tokenizer> load() {
    return load_tokenizer(folder_.path(), "model.tokenizer");
  }
  std::shared_ptr<const Tokenizer> load(const Json& json) {
    folder_.write("tokenizer.json", json.dump());
    return load();
  }
  // The error for small_json() with `patch` laid over it.
  std::string error(const char* patch) {
    Json json = small_json();
    json.update(Json::parse(patch), /*merge_objects=*/true);
    return error_of([&] { load(json); });
  }
  std::string config_error(const char* config) {
    folder_.write("tokenizer_config.json", config);
    return error_of([&] { load(small_json()); });
  }
  Ids encode_with(const char* config, const std::string& text) {
    folder_.write("tokenizer_config.json", config);
    return load(small_json())->encode(text);
  }
  [[nodiscard]] std::string path(const char* name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::string unsupported(const std::string& message) const {
    return "model.tokenizer: " + path("tokenizer.json") + ": " + message;
  }
  [[nodiscard]] std::string damaged(const std::string& message) const {
    return path("tokenizer.json") + ": " + message;
  }

  test::TemporaryFolder folder_;
};

TEST_F(LoadTest, TokenizerJson) {
  const auto tokenizer = load(small_json());
  EXPECT_EQ(tokenizer->encode("ab a<s>b"), (Ids{4, 3, 1, 0, 2}));
  EXPECT_EQ(tokenizer->decode({4, 3, 1, 0, 2}), "ab a<s>b");
  EXPECT_EQ(tokenizer->vocabulary(), 6);
  EXPECT_EQ(tokenizer->end_of_text(), 5);
  EXPECT_EQ(load_tokenizer(folder_ / "tokenizer.json", "k")->encode("ab"), (Ids{4}));
}

TEST_F(LoadTest, InvalidBytesCountAsReplacementCharacters) {
  Json json = small_json();
  json["model"]["unk_token"] = "</s>";
  const auto tokenizer = load(json);
  // One for each maximal part: E2 82 is the beginning of a character, FF is nothing.
  EXPECT_EQ(tokenizer->encode("a\xE2\x82"
                              "a\xFF"),
            tokenizer->encode("a\uFFFDa\uFFFD"));
}

TEST_F(LoadTest, VocabularyAndMerges) {
  folder_.write("vocab.json", R"({"a": 0, "b": 1, "ab": 2, "<|endoftext|>": 3})");
  folder_.write("merges.txt", "#version: 0.2\r\na b\r\n");
  const auto tokenizer = load();
  EXPECT_EQ(tokenizer->encode("abba<|endoftext|>a"), (Ids{2, 1, 0, 3, 0}));
  EXPECT_EQ(tokenizer->end_of_text(), 3);
  EXPECT_EQ(tokenizer->vocabulary(), 4);
}

TEST_F(LoadTest, BeginAndEndTokensOfTheConfiguration) {
  EXPECT_EQ(encode_with(R"({"add_bos_token": true, "bos_token": "<s>"})", "a"), (Ids{0, 1}));
  EXPECT_EQ(encode_with(R"({"add_eos_token": true, "eos_token": {"content": "</s>"}})", "a"),
            (Ids{1, 5}));
  EXPECT_EQ(encode_with(R"({"add_bos_token": false, "add_eos_token": null})", "a"), (Ids{1}));
}

TEST_F(LoadTest, ConfigurationReplacesTheTemplate) {
  Json json = small_json();
  json["post_processor"] = Json::parse(R"({
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}})");
  EXPECT_EQ(load(json)->encode("a"), (Ids{0, 1}));
  folder_.write("tokenizer_config.json",
                R"({"add_bos_token": false, "add_eos_token": true, "eos_token": "</s>"})");
  EXPECT_EQ(load(json)->encode("a"), (Ids{1, 5}));
}

TEST_F(LoadTest, TokensOfAPair) {
  const auto pair_of = [&](const std::string& pieces) {
    Json json = small_json();
    json["post_processor"] = Json::parse(R"({
      "type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}], "pair": [)" +
                                         pieces + R"(],
      "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]},
                         "</s>": {"id": "</s>", "ids": [5], "tokens": ["</s>"]}}})");
    return load(json)->pair_tokens();
  };
  const std::string a = R"({"Sequence": {"id": "A", "type_id": 0}})";
  const std::string b = R"({"Sequence": {"id": "B", "type_id": 1}})";
  const std::string begin = R"({"SpecialToken": {"id": "<s>", "type_id": 0}})";
  const std::string end = R"({"SpecialToken": {"id": "</s>", "type_id": 0}})";
  const auto pair = pair_of(begin + "," + a + "," + end + "," + begin + "," + b + "," + end);
  ASSERT_TRUE(pair);
  EXPECT_EQ(pair->before, (Ids{0}));
  EXPECT_EQ(pair->between, (Ids{5, 0}));
  EXPECT_EQ(pair->behind, (Ids{5}));
  // Nothing between them is no way to join them.
  EXPECT_FALSE(pair_of(begin + "," + a + "," + b));
  EXPECT_FALSE(pair_of(b + "," + end + "," + a));
  EXPECT_FALSE(load(small_json())->pair_tokens());
  folder_.write("tokenizer_config.json",
                R"({"add_bos_token": true, "bos_token": "<s>", "add_eos_token": false})");
  const auto flagged = load(small_json())->pair_tokens();
  ASSERT_TRUE(flagged);
  EXPECT_EQ(flagged->before, (Ids{0}));
  EXPECT_EQ(flagged->between, (Ids{0}));
  EXPECT_EQ(flagged->behind, (Ids{}));
}

TEST_F(LoadTest, NamedAndAddedTokensOfTheConfiguration) {
  EXPECT_EQ(encode_with(R"({"eos_token": "</s>"})", "a</s>"), (Ids{1, 5}));
  EXPECT_EQ(encode_with(R"({"added_tokens_decoder": {"6": {"content": "<x>", "single_word": false,
                            "lstrip": true, "rstrip": false, "normalized": false,
                            "special": false}}})",
                        "a <x>b"),
            (Ids{1, 6, 2}));
}

TEST_F(LoadTest, PrefixSpaceOfTheConfiguration) {
  EXPECT_EQ(encode_with(R"({"add_prefix_space": true})", "ab"), (Ids{3, 4}));
}

TEST_F(LoadTest, AddedTokensOfOlderFolders) {
  folder_.write("vocab.json", R"({"<|endoftext|>": 0, "a": 1, "b": 2, "\u0120": 3})");
  folder_.write("merges.txt", "#version: 0.2\n");
  EXPECT_EQ(load()->vocabulary(), 4);
  folder_.write("added_tokens.json", R"({"<cls>": 5, "<sep>": 4})");
  EXPECT_EQ(load()->encode("a<sep>b <cls>"), (Ids{1, 4, 2, 3, 5}));
  EXPECT_EQ(load()->vocabulary(), 6);
  // The newer form takes its place.
  folder_.write("tokenizer_config.json", R"({"added_tokens_decoder": {"4": {"content": "a<sep>",
      "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
      "special": true}}})");
  EXPECT_EQ(load()->encode("a<sep>b"), (Ids{4, 2}));
  folder_.write("tokenizer_config.json", "{}");
  folder_.write("added_tokens.json", R"({"<sep>": 9})");
  EXPECT_EQ(error_of([&] { load(); }),
            path("added_tokens.json") + ": the added token '<sep>' has id 9, which should be 4");
  folder_.write("added_tokens.json", R"({"<sep>": 4, "<cls>": 4})");
  EXPECT_EQ(error_of([&] { load(); }),
            path("added_tokens.json") + ": '<sep>': has another token's id");
}

TEST_F(LoadTest, SpecialTokensOfOlderFolders) {
  load(small_json());
  folder_.write("special_tokens_map.json",
                R"({"eos_token": {"content": "</s>"}, "additional_special_tokens": ["ab"]})");
  EXPECT_EQ(load()->encode("aab</s>"), (Ids{1, 4, 5}));
  EXPECT_EQ(load()->end_of_text(), 5);
}

TEST_F(LoadTest, TheSideOfTruncation) {
  EXPECT_FALSE(load(small_json())->truncates_left());
  Json json = small_json();
  json["truncation"] = {{"direction", "Left"}, {"max_length", 8}};
  EXPECT_TRUE(load(json)->truncates_left());
  folder_.write("tokenizer_config.json", R"({"truncation_side": "right"})");
  EXPECT_FALSE(load()->truncates_left());
  folder_.write("tokenizer_config.json", R"({"truncation_side": "left"})");
  EXPECT_TRUE(load(small_json())->truncates_left());
  EXPECT_EQ(config_error(R"({"truncation_side": "up"})"),
            path("tokenizer_config.json") + ": truncation_side: must be left or right");
}

TEST_F(LoadTest, APointerOfGitLfsIsNoTokenizer) {
  folder_.write("tokenizer.json",
                "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 42\n");
  EXPECT_EQ(error_of([&] { load(); }),
            path("tokenizer.json") +
                ": is a Git LFS pointer, not the file of 42 bytes that it stands for; run 'git lfs "
                "pull' in the folder's repository");
}

TEST_F(LoadTest, TruncationAndPaddingAreTheTasks) {
  Json json = small_json();
  json["truncation"] = {{"max_length", 1}, {"strategy", "LongestFirst"}, {"stride", 0}};
  json["padding"] = {{"strategy", {{"Fixed", 9}}}, {"pad_id", 0}};
  EXPECT_EQ(load(json)->encode("aaa"), (Ids{1, 1, 1}));
}

TEST_F(LoadTest, MissingFiles) {
  EXPECT_EQ(error_of([&] { load_tokenizer(folder_ / "no", "model.tokenizer"); }),
            "model.tokenizer: no file or folder " + path("no"));
  EXPECT_EQ(error_of([&] { load(); }),
            "model.tokenizer: no tokenizer in " + folder_.path().string() +
                " (expected tokenizer.json, vocab.json and merges.txt, or tokenizer.model)");
  folder_.write("vocab.json", "{}");
  EXPECT_EQ(error_of([&] { load(); }),
            "model.tokenizer: " + folder_.path().string() + " has vocab.json but no merges.txt");
}

TEST_F(LoadTest, WhatIsNotSupportedIsNamed) {
  EXPECT_EQ(error(R"({"normalizer": {"type": "NFKC"}})"),
            unsupported("normalizer: normalizer 'NFKC' is not supported (supported: NFC, Prepend, "
                        "Replace, Sequence)"));
  EXPECT_EQ(
      error(R"({"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"},
                      {"type": "Replace", "pattern": {"Regex": "x"}, "content": ""}]}})"),
      unsupported("normalizer.normalizers[1].pattern: a regular expression is not supported"));
  EXPECT_EQ(error(R"({"pre_tokenizer": {"type": "Digits"}})"),
            unsupported("pre_tokenizer: pre-tokenizer 'Digits' is not supported (supported: "
                        "ByteLevel, Metaspace)"));
  EXPECT_EQ(error(R"({"model": {"type": "Unigram"}})"),
            unsupported("model: model 'Unigram' is not supported (supported: BPE)"));
  EXPECT_EQ(error(R"({"model": {"dropout": 0.1}})"),
            unsupported("model.dropout: is not supported: the same text would get other ids each "
                        "time"));
  EXPECT_EQ(error(R"({"model": {"end_of_word_suffix": "</w>"}})"),
            unsupported("model.end_of_word_suffix: is not supported"));
  EXPECT_EQ(error(R"({"model": {"shiny": true}})"), unsupported("model: 'shiny' is not supported"));
  EXPECT_EQ(error(R"({"post_processor": {"type": "BertProcessing"}})"),
            unsupported("post_processor: post-processor 'BertProcessing' is not supported "
                        "(supported: ByteLevel, Sequence, TemplateProcessing)"));
  EXPECT_EQ(error(R"({"decoder": {"type": "CTC"}})"),
            unsupported("decoder: decoder 'CTC' is not supported (supported: ByteFallback, "
                        "ByteLevel, Fuse, Metaspace, Replace, Sequence, Strip)"));
  EXPECT_EQ(error(R"({"version": "2.0"})"),
            unsupported("version: '2.0' is not supported (supported: 1.0)"));
  EXPECT_EQ(error(R"({"novelty": 1})"), unsupported("'novelty' is not supported"));
}

TEST_F(LoadTest, DamagedTokenizers) {
  folder_.write("tokenizer.json", "{\n\"model\": ,");
  EXPECT_EQ(error_of([&] { load(); }), path("tokenizer.json") + ":2:10: not valid JSON");
  folder_.write("tokenizer.json", "[]");
  EXPECT_EQ(error_of([&] { load(); }), damaged("must be an object"));
  folder_.write("tokenizer.json", "{}");
  EXPECT_EQ(error_of([&] { load(); }), damaged("'model' is missing"));
  folder_.write("tokenizer.json", std::string(100000, '[') + std::string(100000, ']'));
  EXPECT_EQ(error_of([&] { load(); }),
            path("tokenizer.json") + ":1:101: lists and objects nest more than 100 deep");
  EXPECT_EQ(error(R"({"model": {"vocab": {"a": -1}}})"),
            damaged("model.vocab['a']: must be a token's id, an integer from 0"));
  EXPECT_EQ(error(R"({"model": {"vocab": {"a": 2}}})"),
            damaged("model: the tokens 'a' and 'b' both have id 2"));
  EXPECT_EQ(error(R"({"model": {"merges": ["a b", "b a"]}})"),
            damaged("model: merge 2 ('b' + 'a'): 'ba' is not in the vocabulary"));
  EXPECT_EQ(error(R"({"model": {"merges": ["a b c"]}})"),
            damaged("model.merges[0]: must be two tokens with one space between"));
  EXPECT_EQ(error(R"({"model": {"merges": [["a"]]}})"),
            damaged(R"(model.merges[0]: must be "a b" or ["a", "b"])"));
  EXPECT_EQ(error(R"({"model": {"unk_token": "?"}})"),
            damaged("model: the unknown token '?' is not in the vocabulary"));
  EXPECT_EQ(error(R"({"pre_tokenizer": {"add_prefix_space": "yes"}})"),
            damaged("pre_tokenizer.add_prefix_space: must be true or false"));
}

TEST_F(LoadTest, DamagedAddedTokens) {
  Json json = small_json();
  json["added_tokens"][0]["id"] = 7;
  EXPECT_EQ(error_of([&] { load(json); }),
            damaged("added_tokens[0]: the added token '<s>' has id 7, which should be 0"));
  json["added_tokens"][0]["content"] = "<new>";
  EXPECT_EQ(error_of([&] { load(json); }),
            damaged("added_tokens[0]: the added token '<new>' has id 7, which should be 6"));
  json["added_tokens"][0].erase("lstrip");
  EXPECT_EQ(error_of([&] { load(json); }), damaged("added_tokens[0]: 'lstrip' is missing"));
}

// A reader that looks each up by going through all the others would need minutes for these.
TEST_F(LoadTest, AHundredThousandAddedTokens) {
  Json json = small_json();
  Json token = json["added_tokens"][0];
  for (int i = 0; i < 100'000; ++i) {
    token["id"] = 6 + i;
    token["content"] = "<" + std::to_string(i) + ">";
    json["added_tokens"].push_back(token);
  }
  EXPECT_EQ(load(json)->encode("a<99999><0>b"), (Ids{1, 100'005, 6, 2}));
}

TEST_F(LoadTest, AddedTokensThatLookTheSame) {
  Json json = small_json();
  json["normalizer"] = {{"type", "NFC"}};
  Json token = json["added_tokens"][0];
  token["normalized"] = true;
  token["id"] = 6;
  token["content"] = "\u00e9";
  json["added_tokens"].push_back(token);
  token["id"] = 7;
  token["content"] = "e\u0301";
  json["added_tokens"].push_back(token);
  EXPECT_EQ(error_of([&] { load(json); }),
            folder_.path().string() +
                ": the added tokens '\u00e9' and 'e\u0301' are the same after normalisation");
}

TEST_F(LoadTest, DamagedConfigurations) {
  const std::string where = path("tokenizer_config.json") + ": ";
  EXPECT_EQ(config_error(R"({"add_bos_token": true})"),
            where + "add_bos_token is true and there is no bos_token");
  EXPECT_EQ(config_error(R"({"add_bos_token": true, "bos_token": "<b>"})"),
            where + "bos_token '<b>' is not a token");
  EXPECT_EQ(config_error(R"({"add_bos_token": "yes"})"),
            where + "add_bos_token: must be true or false");
  EXPECT_EQ(config_error(R"({"added_tokens_decoder": {"x": {}}})"),
            where + "added_tokens_decoder: 'x' is not a token's id");
}

TEST_F(LoadTest, DamagedVocabularyAndMerges) {
  folder_.write("vocab.json", R"({"a": 0, "b": 1})");
  folder_.write("merges.txt", "#version: 0.2\na b\n");
  EXPECT_EQ(error_of([&] { load(); }),
            folder_.path().string() +
                ": vocab.json and merges.txt: merge 1 ('a' + 'b'): 'ab' is not in the vocabulary");
  folder_.write("merges.txt", "#version: 0.2\nab\n");
  EXPECT_EQ(error_of([&] { load(); }),
            path("merges.txt") + ":2: a merge must be two tokens with one space between");
  folder_.write("vocab.json", R"({"a": "0"})");
  EXPECT_EQ(error_of([&] { load(); }),
            path("vocab.json") + ": 'a': must be a token's id, an integer from 0");
}

TEST_F(LoadTest, DamagedSentencePieceModels) {
  const auto file = folder_.write("tokenizer.model", std::string_view("\x0A\x05\x0A\x01", 4));
  EXPECT_EQ(error_of([&] { load(); }), file.string() + ": ends inside a field");
  folder_.write("tokenizer.model", "");
  EXPECT_EQ(error_of([&] { load(); }), file.string() + ": has no pieces");
  folder_.write("tokenizer.model",
                "\x0A\x03\x0A\x01"
                "a");
  EXPECT_EQ(error_of([&] { load(); }),
            "model.tokenizer: " + file.string() +
                ": only SentencePiece models of type BPE are supported; convert the tokenizer to "
                "tokenizer.json with transformers");
}

TEST(SentencePieceTest, MistralIsReadDirectly) {
  const std::string folder = "tokenizers/mistral";
  if (!test::has_shared_data(folder)) GTEST_SKIP() << test::no_shared_data(folder);
  const auto tokenizer = load_tokenizer(test::shared_data(folder), "model.tokenizer");
  EXPECT_EQ(tokenizer->encode("Hello world"), (Ids{1, 22557, 1526}));
  EXPECT_EQ(tokenizer->decode({1, 22557, 1526}), "<s> Hello world");
  EXPECT_EQ(tokenizer->vocabulary(), 32000);
  EXPECT_EQ(tokenizer->end_of_text(), 2);
}

// A word of a megabyte that no cache and no cut helps with: the merge loop must not be quadratic.
TEST(LongWordTest, AMegabyteWordIsMerged) {
  const std::string folder = "tokenizers/gpt2";
  if (!test::has_shared_data(folder)) GTEST_SKIP() << test::no_shared_data(folder);
  const auto tokenizer = load_tokenizer(test::shared_data(folder), "model.tokenizer");
  std::string word;
  for (std::uint32_t i = 0, state = 1; i < 1'000'000; ++i) {
    state = state * 1664525 + 1013904223;
    word.push_back(static_cast<char>('a' + (state >> 24) % 26));
  }
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(word)), word);
}

}  // namespace
}  // namespace mvn
