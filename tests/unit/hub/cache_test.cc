#include "orchestrate/hub/cache.h"

#include <gtest/gtest.h>

#include <fstream>

#include "common/files.h"
#include "mvn/error.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;

const std::string kCommit(40, 'c');
const std::string kHash(64, 'b');

HubReference pinned() { return {HubKind::kModel, "a/b", kCommit, ""}; }

TEST(HubCache, PathsAreThoseOfHuggingfaceHub) {
  const HubCache cache("/c");
  EXPECT_EQ(cache.repository(pinned()), "/c/models--a--b");
  EXPECT_EQ(cache.repository({HubKind::kDataset, "a/b", "x", ""}), "/c/datasets--a--b");
  EXPECT_EQ(cache.repository({HubKind::kModel, "gpt2", "x", ""}), "/c/models--gpt2");
  EXPECT_EQ(cache.blob(pinned(), kHash), "/c/models--a--b/blobs/" + kHash);
  EXPECT_EQ(cache.partial(pinned(), kHash), "/c/models--a--b/blobs/" + kHash + ".incomplete");
  EXPECT_EQ(cache.lock(pinned(), kHash), "/c/.locks/models--a--b/" + kHash + ".lock");
  auto file = pinned();
  EXPECT_EQ(cache.local(file), "/c/models--a--b/snapshots/" + kCommit);
  file.path = "deep/x";
  EXPECT_EQ(cache.local(file), "/c/models--a--b/snapshots/" + kCommit + "/deep/x");
}

TEST(HubCache, LinksAreRelative) {
  const TemporaryFolder folder;
  const HubCache cache(folder.path());
  folder.write("models--a--b/blobs/" + kHash, "12345");
  const HubFile deep = {"very/deep/x.bin", 5, kHash};
  EXPECT_FALSE(cache.has(pinned(), deep));
  cache.link(pinned(), deep);
  EXPECT_TRUE(cache.has(pinned(), deep));
  const auto link = cache.local(pinned()) / "very/deep/x.bin";
  EXPECT_EQ(fs::read_symlink(link), "../../../../blobs/" + kHash);
  EXPECT_EQ(read_file(link), "12345");
  EXPECT_FALSE(cache.has(pinned(), {"very/deep/x.bin", 6, kHash}));
  // Another file of this name is replaced.
  folder.write("models--a--b/snapshots/" + kCommit + "/y.bin", "old");
  cache.link(pinned(), {"y.bin", 5, kHash});
  EXPECT_EQ(read_file(cache.local(pinned()) / "y.bin"), "12345");
}

TEST(HubCache, RevisionsAreRemembered) {
  const TemporaryFolder folder;
  const HubCache cache(folder.path());
  HubReference reference{HubKind::kModel, "a/b", "main", "x"};
  EXPECT_EQ(cache.commit(reference), std::nullopt);
  cache.note_commit(reference, kCommit);
  EXPECT_EQ(cache.commit(reference), kCommit);
  EXPECT_EQ(read_file(folder / "models--a--b/refs/main"), kCommit);
  reference.revision = "refs/pr/1";
  cache.note_commit(reference, kCommit);
  EXPECT_EQ(read_file(folder / "models--a--b/refs/refs/pr/1"), kCommit);
  EXPECT_EQ(cache.commit(pinned()), kCommit);
  folder.write("models--a--b/refs/bad", "../../x");
  reference.revision = "bad";
  EXPECT_EQ(cache.commit(reference), std::nullopt);
}

// A process that is killed leaves no half-made name among the links and refs that others list.
TEST(HubCache, NothingIsMadeWhereOthersLook) {
  const TemporaryFolder folder;
  const HubCache cache(folder.path());
  folder.write("models--a--b/blobs/" + kHash, "12345");
  folder.write("models--a--b/snapshots/" + kCommit + "/y.bin", "old");
  const HubReference main{HubKind::kModel, "a/b", "main", ""};
  // What is made before it is moved has no place.
  folder.write("models--a--b/.mvn-trees", "a file");
  cache.link(pinned(), {"x.bin", 5, kHash});  // in one step
  EXPECT_THROW(cache.link(pinned(), {"y.bin", 5, kHash}), Error);
  EXPECT_THROW(cache.note_commit(main, kCommit), Error);
  EXPECT_EQ(read_file(cache.local(pinned()) / "x.bin"), "12345");
  EXPECT_EQ(read_file(cache.local(pinned()) / "y.bin"), "old");
  EXPECT_FALSE(fs::exists(folder / "models--a--b/refs/main"));
}

TEST(HubCache, ListingsAreRememberedAndThoseOfHuggingfaceHubRead) {
  const TemporaryFolder folder;
  const HubCache cache(folder.path());
  const HubListing listing = {{"x.bin", 5, kHash}};
  EXPECT_EQ(cache.listing(pinned()), std::nullopt);
  folder.write("models--a--b/trees/" + kCommit + ".json", to_json(listing).dump());
  EXPECT_EQ(cache.listing(pinned()), listing);
  const HubListing own = {{"y.bin", 6, kHash}};
  cache.note_listing(pinned(), own);
  EXPECT_EQ(cache.listing(pinned()), own);
  folder.write("models--a--b/.mvn-trees/" + kCommit + ".json", "{");
  EXPECT_EQ(cache.listing(pinned()), listing);
}

TEST(HubLock, IsHeldByOne) {
  const TemporaryFolder folder;
  auto first = HubLock::try_lock(folder / "deep/x.lock");
  ASSERT_TRUE(first);
  EXPECT_FALSE(HubLock::try_lock(folder / "deep/x.lock"));
  // Who holds the lock of a file that is gone holds nothing.
  fs::remove(folder / "deep/x.lock");
  EXPECT_TRUE(HubLock::try_lock(folder / "deep/x.lock"));
  first.reset();
  EXPECT_TRUE(HubLock::try_lock(folder / "deep/x.lock"));
}

}  // namespace
}  // namespace mvn
