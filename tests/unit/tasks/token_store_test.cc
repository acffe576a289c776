#include "mvn/token_store.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "support/byte_tokenizer.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"
#include "train/data/token_file.h"

namespace mvn::test {
namespace {

namespace fs = std::filesystem;
using Ids = std::vector<std::int32_t>;

class TokenStoreTest : public testing::Test {
 protected:
  // Opens a store of "abc" and "", and counts how often it is made.
  TokenStore open(const Value::Map& how = {}) {
    return TokenStore::open(cache_, {source_}, how, [&](TokenWriter& writer) {
      ++fills_;
      writer.add(Ids{7, 300000, 2}, 3);
      writer.add(Ids{});
    });
  }

  [[nodiscard]] fs::path file() const {
    for (const auto& entry : fs::directory_iterator(cache_)) {
      if (entry.path().extension() == ".tokens") return entry.path();
    }
    return {};
  }

  static void expect_whole(const TokenStore& store) {
    ASSERT_EQ(2, store.size());
    EXPECT_EQ((Ids{7, 300000, 2}), Ids(store[0].begin(), store[0].end()));
    EXPECT_TRUE(store[1].empty());
    EXPECT_EQ((Ids{3, 0}), Ids(store.lengths().begin(), store.lengths().end()));
    EXPECT_EQ(3, store.bytes());
    EXPECT_EQ(300000, store.largest_id());
  }

  TemporaryFolder folder_;
  fs::path cache_ = folder_ / "cache";
  fs::path source_ = folder_.write("text.txt", "abc");
  int fills_ = 0;
};

TEST_F(TokenStoreTest, IsMadeOnceAndReadAgain) {
  expect_whole(open());
  expect_whole(open());
  EXPECT_EQ(1, fills_);
}

TEST_F(TokenStoreTest, OtherTextOrOtherParametersAreOtherTokens) {
  open();
  open({{"max_length", 4}});
  EXPECT_EQ(2, fills_);
  folder_.write("text.txt", "abcd");
  open();
  EXPECT_EQ(3, fills_);
}

TEST_F(TokenStoreTest, ADamagedFileIsMadeAgain) {
  open();
  fs::resize_file(file(), fs::file_size(file()) - 1);
  expect_whole(open());
  EXPECT_EQ(2, fills_);
  std::fstream(file(), std::ios::in | std::ios::out).put('x');
  expect_whole(open());
  EXPECT_EQ(3, fills_);
}

// The bytes of a file with a checksum that fits, whatever it holds.
std::string sealed(const TokenFile& tokens) {
  return token_file_header(tokens) + std::string(bytes_of(tokens.starts)) +
         std::string(bytes_of(tokens.lengths)) + std::string(bytes_of(tokens.ids));
}

bool is_read(const std::vector<std::int64_t>& starts, const Ids& lengths, const Ids& ids,
             std::int32_t largest_id) {
  return read_token_file(sealed({starts, lengths, ids, 0, 0, largest_id})).has_value();
}

TEST(TokenFile, SequencesLieSideBySideAndIdsInRange) {
  EXPECT_TRUE(is_read({0, 2, 3}, {2, 1}, {4, 5, 6}, 6));
  EXPECT_TRUE(is_read({0}, {}, {}, -1));
  EXPECT_FALSE(is_read({0, std::int64_t{1} << 40, 3}, {2, 1}, {4, 5, 6}, 6));  // far outside
  EXPECT_FALSE(is_read({0, -8, 3}, {2, 1}, {4, 5, 6}, 6));                     // in front
  EXPECT_FALSE(is_read({-1, 1, 3}, {2, 1}, {4, 5, 6}, 6));
  EXPECT_FALSE(is_read({0, 2, 4}, {2, 2}, {4, 5, 6}, 6));   // a length beyond the end
  EXPECT_FALSE(is_read({0, 1, 3}, {2, 1}, {4, 5, 6}, 6));   // one inside another
  EXPECT_FALSE(is_read({0, 3, 3}, {4, -1}, {4, 5, 6}, 6));  // a length below 0
  EXPECT_FALSE(is_read({0, 2}, {2}, {4, 5, 6}, 6));         // ids of no sequence
  EXPECT_FALSE(is_read({0, 2, 3}, {2, 1}, {4, 5, 7}, 6));   // an id that the header does not know
  EXPECT_FALSE(is_read({0, 2, 3}, {2, 1}, {4, -5, 6}, 6));
}

TEST_F(TokenStoreTest, AForgedFileIsMadeAgain) {
  open();
  const std::vector<std::int64_t> starts = {0, std::int64_t{1} << 40, 3};
  std::ofstream(file(), std::ios::binary)
      << sealed({starts, Ids{3, 0}, Ids{7, 300000, 2}, 3, 0, 300000});
  expect_whole(open());
  EXPECT_EQ(2, fills_);
}

TEST_F(TokenStoreTest, AChangedTokenIsNoticed) {
  open();
  std::fstream changed(file(), std::ios::in | std::ios::out | std::ios::binary);
  changed.seekp(-4, std::ios::end).put(3);  // a 2, which no other check could tell
  changed.close();
  expect_whole(open());
  EXPECT_EQ(2, fills_);
}

TEST_F(TokenStoreTest, AFileOfSeveralNamesIsMadeAgain) {
  open();
  fs::create_hard_link(file(), folder_ / "other");
  expect_whole(open());
  EXPECT_EQ(2, fills_);
  expect_whole(open());
  EXPECT_EQ(2, fills_);
}

TEST_F(TokenStoreTest, ALinkInPlaceOfTheLockIsNotFollowed) {
  open();
  const fs::path lock = file().string() + ".lock";
  fs::remove(file());
  fs::remove(lock);
  fs::create_symlink(folder_ / "elsewhere", lock);
  EXPECT_EQ(lock.string() + ": cannot open: Too many levels of symbolic links",
            error_of([&] { open(); }));
  EXPECT_FALSE(fs::exists(folder_ / "elsewhere"));
}

TEST_F(TokenStoreTest, WithoutAFolderItIsInMemory) {
  cache_.clear();
  expect_whole(open());
  EXPECT_EQ(0, TokenStore().size());
  EXPECT_EQ(-1, TokenStore().largest_id());
}

TEST_F(TokenStoreTest, WhatFailsLeavesNothingBehind) {
  EXPECT_EQ("no words", error_of([&] {
              TokenStore::open(cache_, {source_}, {},
                               [](TokenWriter&) { throw Error("no words"); });
            }));
  EXPECT_TRUE(file().empty());
  expect_whole(open());
}

// Each child that tokenises says so with a byte.
TEST_F(TokenStoreTest, OfManyProcessesOneTokenises) {
  std::array<int, 2> made{};
  ASSERT_EQ(0, ::pipe(made.data()));
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto store = TokenStore::open(cache_, {source_}, {}, [&](TokenWriter& writer) {
        static_cast<void>(::write(made[1], "x", 1) == 1);
        for (int k = 0; k < 200000; ++k) writer.add(Ids{k});
      });
      ::_exit(store.size() == 200000 ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(0, status);
  }
  ::close(made[1]);
  std::array<char, 8> bytes{};
  EXPECT_EQ(1, ::read(made[0], bytes.data(), bytes.size()));
  ::close(made[0]);
}

TEST(ClosingTokens, AreWhatComesBehindEveryText) {
  EXPECT_EQ((Ids{ByteTokenizer::kClose}), closing_tokens(ByteTokenizer(true, true)));
  EXPECT_EQ(Ids{}, closing_tokens(ByteTokenizer(true, false)));
}

}  // namespace
}  // namespace mvn::test
