#include "sentence_files.h"

#include <gtest/gtest.h>

#include "mvn/json_file.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn::test {
namespace {

TEST(SentenceFiles, WhatIsWrittenIsRead) {
  for (const auto& name : pooling_names()) {
    const TemporaryFolder folder;
    for (const bool normalize : {true, false}) {
      const SentenceSettings written = {.pooling = pooling_from(name),
                                        .normalize = normalize,
                                        .prompts = {{"query", "Query: "}, {"code", "def "}},
                                        .default_prompt = "code"};
      write_sentence_files(folder.path(), written, 8, 128);
      const auto read = read_sentence_files(folder.path(), "task.settings");
      EXPECT_EQ(written.pooling, read.pooling) << name;
      EXPECT_EQ(written.normalize, read.normalize) << name;
      EXPECT_EQ(written.prompts, read.prompts);
      EXPECT_EQ("code", read.default_prompt);
    }
  }
}

TEST(SentenceFiles, TheOtherProgramFindsWhatItLooksFor) {
  const TemporaryFolder folder;
  write_sentence_files(folder.path(), {.pooling = Pooling::kWeightedMean}, 8, 0);
  const auto modules = read_json_file(folder / "modules.json");
  ASSERT_EQ(3U, modules.as_list().size());
  EXPECT_EQ(Value("sentence_transformers.models.Transformer"), *modules.as_list()[0].find("type"));
  EXPECT_EQ(Value(""), *modules.as_list()[0].find("path"));
  EXPECT_EQ(Value("1_Pooling"), *modules.as_list()[1].find("path"));
  const auto pooling = read_json_file(folder / "1_Pooling/config.json");
  EXPECT_EQ(Value(8), *pooling.find("word_embedding_dimension"));
  EXPECT_EQ(Value(true), *pooling.find("pooling_mode_weightedmean_tokens"));
  EXPECT_EQ(Value(false), *pooling.find("pooling_mode_mean_tokens"));
  const auto limits = read_json_file(folder / "sentence_bert_config.json");
  EXPECT_TRUE(limits.as_map().at("max_seq_length").is_null());
}

TEST(SentenceFiles, NewerNamesAreRead) {
  const TemporaryFolder folder;
  folder.write("modules.json",
               R"([{"idx": 0, "name": "0", "path": "",
                    "type": "sentence_transformers.base.modules.transformer.Transformer"},
                   {"idx": 1, "name": "1", "path": "1_Pooling",
                    "type": "sentence_transformers.sentence_transformer.modules.pooling.Pooling"}])");
  folder.write(
      "1_Pooling/config.json",
      R"({"embedding_dimension": 8, "pooling_mode": "lasttoken", "include_prompt": true})");
  const auto read = read_sentence_files(folder.path(), "task.settings");
  EXPECT_EQ(Pooling::kLast, read.pooling);
  EXPECT_FALSE(read.normalize);
  EXPECT_TRUE(read.prompts.empty());
}

TEST(SentenceFiles, WhatCannotBeDoneIsRefused) {
  const TemporaryFolder folder;
  const auto read = [&] {
    return error_of([&] { read_sentence_files(folder.path(), "task.settings"); });
  };
  const std::string where = folder.path().string();
  EXPECT_EQ("task.settings: " + where + " is no model of sentence-transformers: there is no " +
                where + "/modules.json",
            read());
  folder.write("modules.json",
               R"([{"type": "sentence_transformers.models.Transformer", "path": ""},
                   {"type": "sentence_transformers.models.Dense", "path": "2_Dense"}])");
  EXPECT_EQ("task.settings: " + where +
                "/modules.json has the module 'sentence_transformers.models.Dense', which is not "
                "supported (supported: Transformer at the top, Pooling, Normalize)",
            read());
  folder.write("modules.json", R"([{"type": "sentence_transformers.models.Transformer"}])");
  EXPECT_EQ("task.settings: " + where + "/modules.json names no Pooling", read());
  folder.write("modules.json",
               R"([{"type": "sentence_transformers.models.Pooling", "path": "1"}])");
  folder.write("1/config.json",
               R"({"pooling_mode_cls_token": true, "pooling_mode_max_tokens": true})");
  EXPECT_EQ("task.settings: " + where +
                "/1/config.json asks for the pooling 'pooling_mode_cls_token and "
                "pooling_mode_max_tokens'; cls, mean, max, weightedmean or lasttoken, one of them, "
                "is what can be done",
            read());
  folder.write("1/config.json", R"({"pooling_mode_cls_token": true, "include_prompt": false})");
  EXPECT_EQ("task.settings: " + where +
                "/1/config.json leaves the prompt out of the pooling (include_prompt), which is "
                "not supported",
            read());
}

}  // namespace
}  // namespace mvn::test
