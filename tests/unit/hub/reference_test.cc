#include "orchestrate/hub/reference.h"

#include <gtest/gtest.h>

#include "mvn/error.h"

namespace mvn {
namespace {

HubReference model(const std::string& text) { return parse_hub_reference(text, HubKind::kModel); }

TEST(HubReference, Parts) {
  const auto plain = model("hf:EleutherAI/gpt-neo-125m");
  EXPECT_EQ(plain, (HubReference{HubKind::kModel, "EleutherAI/gpt-neo-125m", "main", ""}));
  EXPECT_EQ(model("hf:gpt2").id, "gpt2");
  EXPECT_EQ(model("hf://EleutherAI/gpt-neo-125m"), plain);
  EXPECT_EQ(model("hf:models/EleutherAI/gpt-neo-125m/"), plain);
  EXPECT_EQ(model("hf:a/b@v1.0").revision, "v1.0");
  EXPECT_EQ(model("hf:datasets/a/b@v1/deep/train.tsv"),
            (HubReference{HubKind::kDataset, "a/b", "v1", "deep/train.tsv"}));
}

TEST(HubReference, TheKindThatIsMeantWhereNoneIsNamed) {
  EXPECT_EQ(parse_hub_reference("hf:a/b/train.tsv", HubKind::kDataset).kind, HubKind::kDataset);
  EXPECT_EQ(parse_hub_reference("hf:models/a/b/x", HubKind::kDataset).kind, HubKind::kModel);
}

TEST(HubReference, ARevisionMayStandAtTheEnd) {
  EXPECT_EQ(model("hf:datasets/a/b/train.tsv@v1"), model("hf:datasets/a/b@v1/train.tsv"));
  EXPECT_EQ(model("hf:datasets/a/b@v1/logo@2x.png").path, "logo@2x.png");
}

TEST(HubReference, RevisionsWithSlashes) {
  const auto converted = model("hf:datasets/a/b@refs/convert/parquet/default/train");
  EXPECT_EQ(converted.revision, "refs/convert/parquet");
  EXPECT_EQ(converted.path, "default/train");
  EXPECT_EQ(model("hf:a/b@refs/pr/7").revision, "refs/pr/7");
  EXPECT_EQ(model("hf:a/b@dev%2Ffast/x").revision, "dev/fast");
}

TEST(HubReference, OneSpelling) {
  for (const std::string text : {"hf:a/b@main", "hf:datasets/a/b@v1/x/y.tsv", "hf:a/b@dev%2Ffast/x",
                                 "hf:datasets/a/b@refs/convert/parquet/default"}) {
    EXPECT_EQ(to_string(model(text)), text);
  }
  EXPECT_EQ(to_string(model("hf://models/a/b")), "hf:a/b@main");
  EXPECT_EQ(repository_text(model("hf:datasets/a/b@v1/x")), "hf:datasets/a/b");
}

TEST(HubReference, ASplitOfADataSet) {
  const auto split = converted_split(model("hf:datasets/a/b/sst2/train"));
  ASSERT_TRUE(split);
  EXPECT_EQ(to_string(*split), "hf:datasets/a/b@refs/convert/parquet/sst2/train");
  EXPECT_TRUE(converted_split(model("hf:datasets/a/b/20231101.en/train")));
  for (const char* text : {"hf:a/b/sst2/train", "hf:datasets/a/b/train", "hf:datasets/a/b/x/y/z",
                           "hf:datasets/a/b/deep/train.tsv", "hf:datasets/a/b@v1/sst2/train"}) {
    EXPECT_FALSE(converted_split(model(text))) << text;
  }
}

TEST(HubReference, WhatIsNone) {
  for (const std::string text :
       {"hf:", "hf:/", "hf:a b", "hf:a/b@", "hf:a/..", "hf:a/b--c", "hf:-a/b", "hf:a/b@../x",
        "hf:a/b/../x", "hf:a/b//x", "hf:spaces/a/b", "hf:a/b@a b", "hf:a/b/x@v1/y", "hf:a/b/x\n",
        "hf:datasets/"}) {
    EXPECT_THROW(model(text), ConfigError) << text;
  }
}

TEST(HubReference, PathsThatStayBelow) {
  for (const char* path : {"a", "a/b.tsv", ".gitattributes", "a b/c", "..a"}) {
    EXPECT_TRUE(is_safe_path(path)) << path;
  }
  for (const char* path : {"", "/a", "a//b", "a/", "..", "a/../b", "./a", "a\\b", "a\nb"}) {
    EXPECT_FALSE(is_safe_path(path)) << path;
  }
}

}  // namespace
}  // namespace mvn
