#include "orchestrate/hub/client.h"

#include <gtest/gtest.h>

#include "common/files.h"
#include "fake_engine.h"
#include "mvn/error.h"
#include "orchestrate/hub/answer.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

using test::error_of;
using test::FakeAnswer;
using test::FakeEngine;
using test::FakeHub;
using test::TemporaryFolder;

const std::string kCommit(40, 'c');
const HubReference kMain = {HubKind::kModel, "a/b", "main", ""};
const HubReference kPinned = {HubKind::kModel, "a/b", kCommit, ""};

std::string tree() {
  const std::string hash(40, 'a');
  Json page = Json::array();
  for (const char* path : {"config.json", "model.safetensors", "tokenizer.json", "x.md"}) {
    page.push_back({{"type", "file"}, {"path", path}, {"oid", hash}, {"size", 5}});
  }
  return page.dump();
}

class HubClientTest : public testing::Test {
 protected:
  HubClient client(bool offline = false) {
    HubSettings settings;
    settings.endpoint = "http://hub";
    settings.token = "hf_secret";
    settings.cache = folder_.path();
    settings.offline = offline;
    settings.pause_seconds = 0;
    return HubClient(settings,
                     [this](const HttpRules&) { return std::make_unique<FakeEngine>(hub_); });
  }
  void answer(const std::string& address, FakeAnswer answer) {
    hub_.answers[address] = {std::move(answer)};
  }

  TemporaryFolder folder_;
  FakeHub hub_;
};

TEST_F(HubClientTest, TheCommitOfARevision) {
  answer("/revision/main", {.body = R"({"sha": ")" + kCommit + R"("})"});
  EXPECT_EQ(client().pinned(kMain), kPinned);
  EXPECT_EQ(hub_.asked, std::vector<std::string>{"http://hub/api/models/a/b/revision/main"});
  EXPECT_EQ(read_file(folder_ / "models--a--b/refs/main"), kCommit);
  EXPECT_EQ(client().pinned(kPinned), kPinned);
  EXPECT_EQ(hub_.asked.size(), 1);
}

TEST_F(HubClientTest, OfflineTheCommitIsThatOfTheCache) {
  const auto message = error_of([this] { client(true).pinned(kMain); });
  EXPECT_NE(message.find("HF_HUB_OFFLINE is set"), std::string::npos) << message;
  EXPECT_NE(message.find("mvn-runner fetch hf:a/b@main"), std::string::npos) << message;
  folder_.write("models--a--b/refs/main", kCommit);
  EXPECT_EQ(client(true).pinned(kMain), kPinned);
  EXPECT_TRUE(hub_.asked.empty());
}

TEST_F(HubClientTest, WithoutANetworkTheCommitIsThatOfTheCacheAndThatIsSaid) {
  const auto message = error_of([this] { client().pinned(kMain); });
  EXPECT_NE(message.find("cannot be reached"), std::string::npos) << message;
  folder_.write("models--a--b/refs/main", kCommit);
  auto hub = client();
  EXPECT_EQ(hub.pinned(kMain), kPinned);
  EXPECT_EQ(hub.take_warnings().size(), 1);
  EXPECT_TRUE(hub.take_warnings().empty());
}

TEST_F(HubClientTest, ARefusalIsNoMissingNetwork) {
  folder_.write("models--a--b/refs/main", kCommit);
  answer("/revision/main", {.status = 403, .headers = {{"x-error-code", "GatedRepo"}}});
  EXPECT_NE(error_of([this] { client().pinned(kMain); }).find("is gated"), std::string::npos);
}

TEST_F(HubClientTest, AnAnswerThatIsNone) {
  for (const char* body : {"<html>", "[]", "{}", R"({"sha": 7})", R"({"sha": "../x"})"}) {
    answer("/revision/main", {.body = body});
    EXPECT_THROW(client().pinned(kMain), ConfigError) << body;
  }
}

TEST_F(HubClientTest, PagesOfAListing) {
  const std::string first = "/tree/" + kCommit + "?recursive=true&expand=false";
  const std::string hash(40, 'a');
  const auto page = [&](const char* path) {
    return Json::array({{{"type", "file"}, {"path", path}, {"oid", hash}, {"size", 5}}}).dump();
  };
  answer(first, {.body = page("z"), .headers = {{"link", "<http://hub/next>; rel=\"next\""}}});
  answer("/next", {.body = page("a")});
  const auto files = client().needed({kPinned, HubUse::kData});
  EXPECT_EQ(files, (HubListing{{"a", 5, hash}, {"z", 5, hash}}));
  // It is asked for once, whoever asks.
  EXPECT_EQ(client(true).needed({kPinned, HubUse::kData}), files);
  EXPECT_EQ(hub_.asked.size(), 2);
}

TEST_F(HubClientTest, OfflineTheFilesAreThoseThatAreThere) {
  const HubNeed model = {kPinned, HubUse::kModel};
  EXPECT_THROW(client(true).needed(model), ConfigError);
  const std::string snapshot = "models--a--b/snapshots/" + kCommit + "/";
  folder_.write(snapshot + "config.json", "{}");
  const auto message = error_of([&] { client(true).needed(model); });
  EXPECT_NE(message.find("is not in"), std::string::npos) << message;
  folder_.write(snapshot + "model.safetensors", "12345");
  EXPECT_EQ(client(true).needed(model).size(), 2);
  EXPECT_TRUE(client(true).missing(model).empty());
}

TEST_F(HubClientTest, WhatIsMeantByARepository) {
  answer("/tree/" + kCommit + "?recursive=true&expand=false", {.body = tree()});
  EXPECT_EQ(client().use_of(kPinned), HubUse::kModel);
  EXPECT_EQ(client().missing({kPinned, HubUse::kModel}).size(), 3);
  EXPECT_EQ(client().use_of({HubKind::kDataset, "a/b", kCommit, ""}), HubUse::kData);
}

}  // namespace
}  // namespace mvn
