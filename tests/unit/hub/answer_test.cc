#include "orchestrate/hub/answer.h"

#include <gtest/gtest.h>

#include "orchestrate/hub/download.h"
#include "orchestrate/hub/retry.h"

namespace mvn {
namespace {

const HubReference kModelReference = {HubKind::kModel, "a/b", "v9", "x.bin"};

std::string refusal(int status, const HttpHeaders& headers, const std::string& token = "") {
  HubSettings settings;
  settings.token = token;
  settings.token_source = token.empty() ? "" : "HF_TOKEN";
  HttpHead head;
  head.status = status;
  head.last = headers;
  try {
    refuse_status(head, kModelReference, settings);
  } catch (const ConfigError& error) {
    return error.message();
  }
  return "";
}

TEST(HubAnswer, EachRefusalHasItsLine) {
  EXPECT_EQ(
      refusal(403, {{"x-error-code", "GatedRepo"}}),
      "hf:a/b is gated: accept its terms at https://huggingface.co/a/b, then set HF_TOKEN to a "
      "token of that account");
  EXPECT_EQ(refusal(404, {{"x-error-code", "RevisionNotFound"}}),
            "hf:a/b has no revision 'v9': a branch, a tag or a commit");
  EXPECT_EQ(refusal(404, {{"x-error-code", "EntryNotFound"}}), "hf:a/b has no file 'x.bin' at v9");
  EXPECT_EQ(refusal(401, {{"x-error-code", "RepoNotFound"}}),
            "hf:a/b: https://huggingface.co has no such model, or it is private: check the name (a "
            "data set is hf:datasets/...); where it is private, set HF_TOKEN to a token of an "
            "account that may read it");
  EXPECT_EQ(refusal(401, {{"x-error-message", "Invalid credentials in Authorization header"}},
                    "hf_secret"),
            "https://huggingface.co does not take the token in HF_TOKEN: make a new one at "
            "https://huggingface.co/settings/tokens");
  EXPECT_EQ(refusal(403, {{"x-error-message", "no\x1b[31m"}}),
            "hf:a/b: the hub answers 403: no\\u001b[31m");
}

TEST(HubAnswer, TheTokenIsInNoRefusal) {
  for (const int status : {400, 401, 403, 404}) {
    for (const char* code : {"", "GatedRepo", "RepoNotFound"}) {
      const auto text = refusal(status, {{"x-error-code", code}}, "hf_secret");
      EXPECT_NE(text, "");
      EXPECT_EQ(text.find("hf_secret"), std::string::npos);
    }
  }
}

TEST(HubAnswer, WhatMayDoBetterLaterIsNoRefusal) {
  for (const int status : {200, 206, 408, 416, 429, 500, 503}) EXPECT_EQ(refusal(status, {}), "");
}

TEST(HubAnswer, TheWaitThatIsAskedFor) {
  const auto wait = [](const std::string& value) {
    HttpHead head;
    head.last["retry-after"] = value;
    return wait_asked_for(head);
  };
  EXPECT_EQ(wait("3"), 3);
  EXPECT_EQ(wait("0"), 0);
  EXPECT_EQ(wait("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  EXPECT_EQ(wait("soon"), std::nullopt);
  EXPECT_EQ(wait("-3"), std::nullopt);
  EXPECT_EQ(wait_asked_for({}), std::nullopt);
}

TEST(HubRetry, EndsAfterSoManyInARow) {
  HubSettings settings;
  settings.pause_seconds = 0;
  settings.tries = 3;
  Retry retry(settings);
  HttpEnd cut;
  cut.outcome = HttpOutcome::kCut;
  EXPECT_TRUE(retry.again(cut));
  EXPECT_TRUE(retry.is_due());
  EXPECT_TRUE(retry.again(cut));
  retry.progress();
  EXPECT_TRUE(retry.again(cut));
  EXPECT_TRUE(retry.again(cut));
  EXPECT_FALSE(retry.again(cut));
}

TEST(HubRetry, WaitsAsLongAsItIsAsked) {
  HubSettings settings;
  settings.pause_seconds = 0;
  Retry retry(settings);
  HttpEnd busy;
  busy.outcome = HttpOutcome::kAnswered;
  busy.head.status = 429;
  busy.head.last["retry-after"] = "500";
  EXPECT_TRUE(retry.again(busy));
  EXPECT_FALSE(retry.is_due());
  busy.head.last["retry-after"] = "5000";
  EXPECT_FALSE(retry.again(busy));
  HttpEnd untrusted;
  untrusted.outcome = HttpOutcome::kUntrusted;
  EXPECT_FALSE(Retry(settings).again(untrusted));
}

TEST(HubAddress, OfAFile) {
  HubSettings settings;
  const HubReference data = {HubKind::kDataset, "a/b", "refs/pr/1", ""};
  EXPECT_EQ(file_url(settings, {data, {"deep/a b%.tsv", 1, ""}}),
            "https://huggingface.co/datasets/a/b/resolve/refs%2Fpr%2F1/deep/a%20b%25.tsv");
}

}  // namespace
}  // namespace mvn
