#include "orchestrate/hub/listing.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "mvn/error.h"

namespace mvn {
namespace {

const std::string kSmall(40, 'a');
const std::string kLarge(64, 'b');

HubListing listing_of(const std::vector<std::string>& paths) {
  HubListing listing;
  for (const auto& path : paths) listing.push_back({path, 1, kSmall});
  return listing;
}

std::vector<std::string> chosen(const std::vector<std::string>& paths, HubUse use,
                                const std::string& path = "") {
  const HubReference reference{HubKind::kModel, "a/b", kSmall, path};
  std::vector<std::string> names;
  for (const auto& file : needed_files(listing_of(paths), reference, use)) {
    names.push_back(file.path);
  }
  return names;
}

using Names = std::vector<std::string>;

TEST(HubListing, ASplitIsItsParts) {
  const Names files = {"data/test-00000-of-00001.parquet",
                       "data/train-00000-of-00002.parquet",
                       "data/train-00001-of-00002.parquet",
                       "data/train-of.parquet",
                       "data/train_x-00000-of-00001.parquet",
                       "whole/train-00000-of-00001.parquet",
                       "whole/train/0000.parquet"};
  EXPECT_EQ(chosen(files, HubUse::kData, "data/train"),
            (Names{"data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"}));
  EXPECT_EQ(chosen(files, HubUse::kData, "whole/train"), (Names{"whole/train/0000.parquet"}));
  EXPECT_THROW(chosen(files, HubUse::kData, "data/tra"), ConfigError);
  EXPECT_THROW(chosen(files, HubUse::kModel, "data/train"), ConfigError);
}

TEST(HubListing, OfThePageOfATree) {
  const Json page = Json::parse(R"([
    {"type": "directory", "path": "deep", "oid": "x", "size": 0},
    {"type": "file", "path": "z.bin", "oid": "0000", "size": 134,
     "lfs": {"oid": ")" + kLarge +
                                R"(", "size": 5000000000, "pointerSize": 134}},
    {"type": "file", "path": "a.json", "oid": ")" +
                                kSmall + R"(", "size": 7}])");
  EXPECT_EQ(parse_listing(page, "hub"),
            (HubListing{{"a.json", 7, kSmall}, {"z.bin", 5000000000, kLarge}}));
}

TEST(HubListing, WhatIsNone) {
  const auto page = [](const std::string& path, const std::string& hash) {
    return Json::array({{{"type", "file"}, {"path", path}, {"oid", hash}, {"size", 1}}});
  };
  EXPECT_NO_THROW(parse_listing(page("a", kSmall), "hub"));
  EXPECT_THROW(parse_listing(page("../a", kSmall), "hub"), DataError);
  EXPECT_THROW(parse_listing(page("/a", kSmall), "hub"), DataError);
  EXPECT_THROW(parse_listing(page("a", "../../x"), "hub"), DataError);
  EXPECT_THROW(parse_listing(Json::array({{{"path", "a"}}}), "hub"), DataError);
  EXPECT_THROW(parse_listing(Json::array({1}), "hub"), DataError);
}

TEST(HubListing, IsKeptAsHuggingfaceHubKeepsIt) {
  const HubListing listing = {{"a.json", 7, kSmall}, {"z.bin", 5000000000, kLarge}};
  const Json json = to_json(listing);
  EXPECT_EQ(json.at("files").at("a.json"), (Json{{"size", 7}, {"blob_id", kSmall}}));
  EXPECT_EQ(json.at("files").at("z.bin").at("lfs_sha256"), kLarge);
  EXPECT_EQ(listing_from_json(json, "file"), listing);
  EXPECT_TRUE(listing_from_json({{"format_version", 2}, {"files", json.at("files")}}, "f").empty());
  EXPECT_TRUE(listing_from_json(Json::object(), "f").empty());
}

TEST(HubFiles, AModelIsWhatItsLoadersRead) {
  const Names all = {"README.md",        "config.json",       "flax_model.msgpack",
                     "generation.json",  "merges.txt",        "model.safetensors",
                     "onnx/config.json", "pytorch_model.bin", "tokenizer_config.json",
                     "vocab.json"};
  EXPECT_EQ(chosen(all, HubUse::kModel), (Names{"config.json", "merges.txt", "model.safetensors",
                                                "tokenizer_config.json", "vocab.json"}));
  EXPECT_EQ(chosen(all, HubUse::kTokenizer),
            (Names{"merges.txt", "tokenizer_config.json", "vocab.json"}));
}

TEST(HubFiles, AModelBringsWhatSentenceTransformersReads) {
  const Names all = {"1_Pooling/config.json",
                     "2_Normalize/weights.bin",
                     "config.json",
                     "config_sentence_transformers.json",
                     "evaluation/config.json",
                     "model.safetensors",
                     "modules.json",
                     "onnx/config.json",
                     "sentence_bert_config.json",
                     "tokenizer.json",
                     "x_y/1_z/config.json"};
  const Names sentences = {"1_Pooling/config.json", "config_sentence_transformers.json",
                           "modules.json", "sentence_bert_config.json"};
  for (const HubUse use : {HubUse::kModel, HubUse::kTokenizer}) {
    const auto found = chosen(all, use);
    for (const auto& name : sentences) {
      EXPECT_EQ(use == HubUse::kModel, std::ranges::find(found, name) != found.end()) << name;
    }
  }
  EXPECT_EQ(chosen(all, HubUse::kModel).size(), sentences.size() + 3);
}

TEST(HubFiles, AnOldModelHasPicklesAlone) {
  EXPECT_EQ(chosen({"config.json", "pytorch_model.bin", "tf_model.h5"}, HubUse::kModel),
            (Names{"config.json", "pytorch_model.bin"}));
}

TEST(HubFiles, ShardsComeWithTheirIndex) {
  const Names all = {"config.json",
                     "model-00001-of-00002.safetensors",
                     "model-00002-of-00002.safetensors",
                     "model.fp16-00001-of-00002.safetensors",
                     "model.safetensors.index.json",
                     "pytorch_model-00001-of-00001.bin",
                     "pytorch_model.bin.index.json"};
  EXPECT_EQ(chosen(all, HubUse::kModel),
            (Names{"config.json", "model-00001-of-00002.safetensors",
                   "model-00002-of-00002.safetensors", "model.safetensors.index.json"}));
}

TEST(HubFiles, AnAdapterIsItsTwoFiles) {
  const Names all = {"README.md", "adapter_config.json", "adapter_model.safetensors",
                     "tokenizer.json", "training_args.bin"};
  EXPECT_EQ(chosen(all, HubUse::kAdapter),
            (Names{"adapter_config.json", "adapter_model.safetensors"}));
  EXPECT_EQ(chosen({"adapter_config.json", "adapter_model.bin"}, HubUse::kAdapter),
            (Names{"adapter_config.json", "adapter_model.bin"}));
}

TEST(HubFiles, OfAPath) {
  const Names all = {"deep/a.tsv", "deep/b.tsv", "deeper.tsv", "train.tsv"};
  EXPECT_EQ(chosen(all, HubUse::kData, "train.tsv"), Names{"train.tsv"});
  EXPECT_EQ(chosen(all, HubUse::kData, "deep"), (Names{"deep/a.tsv", "deep/b.tsv"}));
  const Names models = {"README.md", "large/config.json", "large/model.safetensors", "large/x.h5"};
  EXPECT_EQ(chosen(models, HubUse::kModel, "large"),
            (Names{"large/config.json", "large/model.safetensors"}));
  EXPECT_EQ(chosen(models, HubUse::kModel, "large/model.safetensors"),
            (Names{"large/config.json", "large/model.safetensors"}));
}

TEST(HubFiles, WhatIsNotThereIsSaid) {
  const auto message = [](const Names& paths, HubUse use, const std::string& path) {
    try {
      chosen(paths, use, path);
    } catch (const ConfigError& error) {
      return error.message();
    }
    return std::string("nothing");
  };
  EXPECT_NE(message({"train.tsv"}, HubUse::kData, "trian.tsv").find("did you mean 'train.tsv'?"),
            std::string::npos);
  EXPECT_NE(message({"config.json"}, HubUse::kModel, "").find("has no model.safetensors"),
            std::string::npos);
  EXPECT_NE(message({"config.json"}, HubUse::kTokenizer, "").find("files of a tokenizer"),
            std::string::npos);
  EXPECT_NE(message({"adapter_config.json"}, HubUse::kAdapter, "").find("adapter_model"),
            std::string::npos);
}

}  // namespace
}  // namespace mvn
