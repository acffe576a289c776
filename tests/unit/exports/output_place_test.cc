#include "orchestrate/exports/output_place.h"

#include <gtest/gtest.h>

#include "common/files.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;
using test::error_of;

class OutputPlaceTest : public testing::Test {
 protected:
  void write_folder(const fs::path& path, bool overwrite = false) const {
    OutputPlace place({path, true, overwrite});
    write_file_atomically(place.temporary() / "data", "new");
    place.commit({{"format", "csv"}});
  }
  void write_file(const fs::path& path, bool overwrite = false) const {
    OutputPlace place({path, false, overwrite});
    write_file_atomically(place.temporary(), "new");
    place.commit({});
  }
  // What lies in the folder of the test, by name.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename().string());
    }
    std::ranges::sort(names);
    return names;
  }

  test::TemporaryFolder folder_;
};

TEST_F(OutputPlaceTest, WholeOrNotAtAll) {
  {
    const OutputPlace place({folder_ / "out", true, false});
    write_file_atomically(place.temporary() / "data", "half");
    EXPECT_FALSE(fs::exists(folder_ / "out"));
  }
  EXPECT_EQ(names(), std::vector<std::string>());
  write_folder(folder_ / "out/");
  EXPECT_EQ(names(), std::vector<std::string>({"out"}));
  EXPECT_EQ(read_file(folder_ / "out/data"), "new");
  write_file(folder_ / "new/file");
  EXPECT_EQ(read_file(folder_ / "new/file"), "new");
}

TEST_F(OutputPlaceTest, WhatIsThereStays) {
  folder_.write("file", "old");
  folder_.write("folder/file", "old");
  fs::create_symlink("nowhere", folder_ / "link");
  for (const auto* name : {"file", "folder", "link"}) {
    EXPECT_NE(error_of([&] { write_folder(folder_ / name); }).find("is there already"),
              std::string::npos);
    EXPECT_NE(error_of([&] { write_file(folder_ / name); }).find("is there already"),
              std::string::npos);
  }
  EXPECT_EQ(read_file(folder_ / "file"), "old");
}

TEST_F(OutputPlaceTest, OverwritesExportsAlone) {
  folder_.write("mine/file", "old");
  EXPECT_NE(error_of([&] { write_folder(folder_ / "mine", true); }).find("it is no export"),
            std::string::npos);
  EXPECT_EQ(read_file(folder_ / "mine/file"), "old");
  std::string header(68, 'x');
  header += "mvnr and more";
  folder_.write("results.db", header);
  EXPECT_NE(error_of([&] { write_file(folder_ / "results.db", true); }).find("database of results"),
            std::string::npos);
  EXPECT_NE(error_of([&] { write_file(folder_ / "mine", true); }).find("is no file"),
            std::string::npos);
  EXPECT_NE(error_of([&] { write_folder(folder_ / "results.db", true); }).find("is no folder"),
            std::string::npos);

  write_folder(folder_ / "out");
  folder_.write("out/stale", "old");
  write_folder(folder_ / "out", true);
  EXPECT_FALSE(fs::exists(folder_ / "out/stale"));
  EXPECT_EQ(read_file(folder_ / "out/data"), "new");
  fs::create_directory(folder_ / "empty");
  write_folder(folder_ / "empty", true);
  write_file(folder_ / "file");
  write_file(folder_ / "file", true);
  EXPECT_EQ(names(), std::vector<std::string>({"empty", "file", "mine", "out", "results.db"}));
}

TEST_F(OutputPlaceTest, WhatAKilledOneLeftIsRemoved) {
  folder_.write(".out.part/new/half", "");
  write_folder(folder_ / "out");
  EXPECT_EQ(names(), std::vector<std::string>({"out"}));
  EXPECT_FALSE(fs::exists(folder_ / "out/half"));
}

TEST_F(OutputPlaceTest, SomebodyElseIsFaster) {
  OutputPlace place({folder_ / "out", true, false});
  folder_.write("out/file", "theirs");
  EXPECT_NE(error_of([&] { place.commit({}); }).find("is there already"), std::string::npos);
  EXPECT_EQ(read_file(folder_ / "out/file"), "theirs");
}

}  // namespace
}  // namespace mvn
