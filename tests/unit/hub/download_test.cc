#include "orchestrate/hub/download.h"

#include <gtest/gtest.h>

#include "common/files.h"
#include "common/hashing.h"
#include "fake_engine.h"
#include "mvn/error.h"
#include "orchestrate/hub/answer.h"
#include "orchestrate/hub/content_hash.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::FakeAnswer;
using test::FakeEngine;
using test::FakeHub;
using test::TemporaryFolder;

class QuietView : public HubView {
 public:
  void begin(const HubProgress&) override {}
  void update(const HubProgress&) override {}
  void note(const std::string& line) override { notes.push_back(line); }
  void end(const HubProgress& progress) override { last = progress; }
  std::vector<std::string> notes;
  HubProgress last;
};

class HubDownloadTest : public testing::Test {
 protected:
  HubDownloadTest() : cache_(folder_.path()), engine_(hub_) {
    settings_.endpoint = "http://hub";
    settings_.pause_seconds = 0;
    settings_.tries = 3;
  }

  // A file of this content, which the hub has.
  HubDownload file(const std::string& path, const std::string& content) {
    hub_.answers["/" + path] = {FakeAnswer{.body = content}};
    return {repository_, {path, content.size(), sha256(content)}};
  }
  bool run(const std::vector<HubDownload>& wanted) {
    return download({settings_, cache_, engine_, view_, [this] { return stops_; }}, wanted);
  }
  [[nodiscard]] std::string content(const HubDownload& wanted) const {
    return read_file(cache_.local(repository_) / wanted.file.path);
  }
  [[nodiscard]] bool nothing_partial() const {
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      if (entry.path().extension() == ".incomplete") return false;
    }
    return true;
  }

  TemporaryFolder folder_;
  HubReference repository_{HubKind::kModel, "a/b", std::string(40, 'c'), ""};
  HubSettings settings_;
  HubCache cache_;
  FakeHub hub_;
  FakeEngine engine_;
  QuietView view_;
  bool stops_ = false;
};

TEST(ContentHash, IsTheNameOfTheContent) {
  ContentHash large(std::string(64, '0'), 5);
  large.add("he");
  large.add("llo");
  EXPECT_EQ(large.finish(), sha256("hello"));
  ContentHash small(std::string(40, '0'), 6);
  small.add("hello\n");
  EXPECT_EQ(small.finish(), "ce013625030ba8dba906f756967f9e9ca394464a");  // git hash-object
}

TEST_F(HubDownloadTest, FilesGetTheirNames) {
  const auto a = file("a.bin", std::string(3'000'000, 'x'));
  const auto b = file("deep/b.bin", "hello");
  const auto empty = file("c.bin", "");
  EXPECT_TRUE(run({a, b, empty}));
  for (const auto& [wanted, text] :
       {std::pair(a, std::string(3'000'000, 'x')), std::pair(b, std::string("hello"))}) {
    EXPECT_EQ(content(wanted), text);
  }
  EXPECT_EQ(content(empty), "");
  EXPECT_TRUE(nothing_partial());
  EXPECT_EQ(view_.last.files_done, 3);
  EXPECT_EQ(view_.last.bytes_done, view_.last.bytes);
}

TEST_F(HubDownloadTest, WhatWasCutGoesOn) {
  const auto wanted = file("a.bin", "0123456789");
  hub_.answers["/a.bin"].push_front({.body = "0123", .outcome = HttpOutcome::kCut});
  EXPECT_TRUE(run({wanted}));
  EXPECT_EQ(content(wanted), "0123456789");
  EXPECT_TRUE(hub_.asked.back().ends_with("/a.bin from 4"));
  EXPECT_EQ(view_.notes.size(), 1);
}

TEST_F(HubDownloadTest, WhatAnotherProcessBeganGoesOn) {
  const auto wanted = file("a.bin", "0123456789");
  folder_.write("models--a--b/blobs/" + wanted.file.hash + ".incomplete", "01234");
  EXPECT_TRUE(run({wanted}));
  EXPECT_EQ(content(wanted), "0123456789");
  EXPECT_EQ(hub_.asked.size(), 1);
  EXPECT_TRUE(hub_.asked[0].ends_with("/a.bin from 5"));
}

TEST_F(HubDownloadTest, WhatAnotherProcessLeftWrongIsFetchedWhole) {
  const auto wanted = file("a.bin", "0123456789");
  for (const char* left : {"xxxxx", "xxxxxxxxxx", "0123456789abc"}) {
    fs::remove_all(folder_ / "models--a--b");
    folder_.write("models--a--b/blobs/" + wanted.file.hash + ".incomplete", left);
    EXPECT_TRUE(run({wanted}));
    EXPECT_EQ(content(wanted), "0123456789");
    EXPECT_TRUE(nothing_partial());
  }
}

TEST_F(HubDownloadTest, AStorageWithoutRangesSendsAllAgain) {
  const auto wanted = file("a.bin", "0123456789");
  hub_.answers["/a.bin"].front().takes_ranges = false;
  hub_.answers["/a.bin"].push_front({.body = "0123", .outcome = HttpOutcome::kCut});
  EXPECT_TRUE(run({wanted}));
  EXPECT_EQ(content(wanted), "0123456789");
}

TEST_F(HubDownloadTest, WhatIsNotTheFileIsNotKept) {
  const auto wanted = file("a.bin", "0123456789");
  for (const std::string body : {"012345678x", "0123456789more"}) {
    hub_.answers["/a.bin"] = {FakeAnswer{.body = body}};
    const auto message = error_of([&] { run({wanted}); });
    EXPECT_NE(message.find("nothing of it is kept"), std::string::npos) << message;
    EXPECT_FALSE(fs::exists(cache_.local(repository_) / "a.bin"));
    EXPECT_FALSE(fs::exists(cache_.blob(repository_, wanted.file.hash)));
  }
}

TEST_F(HubDownloadTest, OtherBytesThanWereAskedFor) {
  const auto wanted = file("a.bin", "0123456789");
  hub_.answers["/a.bin"].push_front(
      {.status = 206, .body = "789", .headers = {{"content-range", "bytes 7-9/10"}}});
  hub_.answers["/a.bin"].push_front({.body = "0123", .outcome = HttpOutcome::kCut});
  EXPECT_TRUE(run({wanted}));
  EXPECT_EQ(content(wanted), "0123456789");
}

TEST_F(HubDownloadTest, ARefusalEndsIt) {
  const auto wanted = file("a.bin", "0123456789");
  hub_.answers["/a.bin"] = {
      FakeAnswer{.status = 404, .headers = {{"x-error-code", "EntryNotFound"}}}};
  EXPECT_THROW(run({wanted}), ConfigError);
}

TEST_F(HubDownloadTest, TroubleWithoutEndEndsItAndWhatCameStays) {
  const auto wanted = file("a.bin", "0123456789");
  hub_.answers["/a.bin"] = {FakeAnswer{.body = "0123", .outcome = HttpOutcome::kCut},
                            FakeAnswer{.status = 503}};
  EXPECT_THROW(run({wanted}), HubUnreachable);
  EXPECT_EQ(read_file(cache_.partial(repository_, wanted.file.hash)), "0123");
}

TEST_F(HubDownloadTest, StopsWhenItIsTold) {
  stops_ = true;
  EXPECT_FALSE(run({file("a.bin", "0123456789")}));
  EXPECT_FALSE(fs::exists(cache_.local(repository_) / "a.bin"));
}

TEST_F(HubDownloadTest, BytesThatAreThereAreOnlyLinked) {
  const auto wanted = file("a.bin", "0123456789");
  folder_.write("models--a--b/blobs/" + wanted.file.hash, "0123456789");
  EXPECT_TRUE(run({wanted}));
  EXPECT_EQ(content(wanted), "0123456789");
  EXPECT_TRUE(hub_.asked.empty());
}

}  // namespace
}  // namespace mvn
