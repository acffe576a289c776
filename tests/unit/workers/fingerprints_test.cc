#include "orchestrate/workers/fingerprints.h"

#include <gtest/gtest.h>

#include "common/hashing.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

TEST(Fingerprints, OfAProgramAreThoseOfTheFilesItNames) {
  const test::TemporaryFolder folder;
  folder.write("train.py", "print()");
  folder.write("data/rows.tsv", "a\tb\n");
  const Json config = {{"worker", {{"command", {"python3", "train.py", "${args}"}}}},
                       {"args", {{"rows", "data/rows.tsv"}, {"rank", 8}, {"folder", "data"}}}};
  EXPECT_EQ(program_fingerprints(config, folder.path()),
            (Json{{"program." + (folder / "train.py").string(), sha256("print()")},
                  {"data." + (folder / "data/rows.tsv").string(), sha256("a\tb\n")}}));
}

TEST(Fingerprints, OfWhatIsThereNow) {
  const test::TemporaryFolder folder;
  folder.write("lora.so", "one");
  folder.write("lib/libmvn.so", "two");
  Description installed;
  installed.torch = "2.11.0";
  installed.components.push_back({"adapter", "lora", "", "lora", "1", folder / "lora.so", {}});
  const auto now = [&](const std::string& name) {
    return fingerprint_now(name, installed, folder / "bin/mvn-worker");
  };
  EXPECT_EQ(now("torch"), "2.11.0");
  EXPECT_EQ(now("plugin.lora"), sha256("one"));
  EXPECT_EQ(now("libmvn"), sha256("two"));
  EXPECT_EQ(now("data." + (folder / "lora.so").string()), sha256("one"));
  EXPECT_EQ(now("data." + (folder / "gone.tsv").string()), "");
  EXPECT_EQ(now("plugin.mamba"), "");
}

TEST(Fingerprints, AreComparedWithTheFilesThatTheTrialWouldReadNow) {
  const test::TemporaryFolder folder;
  folder.write("b/train.py", "print(2)");
  folder.write("data/rows.tsv", "a");
  PlannedTrial trial;
  trial.id = "t1";
  trial.config = {{"worker", {{"command", {"python3", "train.py", "/opt/tool.py"}}}},
                  {"args", {{"rows", "../data/rows.tsv"}, {"gone", "gone.tsv"}}}};
  std::vector<Fingerprint> recorded = {{"t1", "program./old/a/train.py", "1"},
                                       {"t1", "program./opt/tool.py", "2"},
                                       {"t1", "data./old/data/rows.tsv", "3"},
                                       {"t1", "data./old/a/gone.tsv", "4"},
                                       {"t2", "program./old/a/train.py", "5"}};
  follow_files(recorded, {trial}, folder / "b");
  std::vector<std::string> names;
  for (const auto& print : recorded) names.push_back(print.name);
  EXPECT_EQ(names, (std::vector<std::string>{"program." + (folder / "b/train.py").string(),
                                             "program./opt/tool.py",
                                             "data." + (folder / "data/rows.tsv").string(),
                                             "data./old/a/gone.tsv", "program./old/a/train.py"}));
}

TEST(Fingerprints, ChangesAreGatheredByTheirKind) {
  const auto now = [](const std::string& name) { return name == "plugin.gone" ? "" : "new"; };
  const auto found = changes({{"t1", "plugin.lora", "old"},
                              {"t2", "plugin.lora", "older"},
                              {"t2", "plugin.mamba", "old"},
                              {"t3", "plugin.gone", "old"},
                              {"t3", "plugin.none", "new"},
                              {"t1", "data./a/train.tsv", "old"},
                              {"t1", "torch", "2.10.0"}},
                             now);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].what, "a data file that has changed since (train.tsv)");
  EXPECT_EQ(found[0].trials, std::set<std::string>{"t1"});
  EXPECT_EQ(found[1].what, "another build of plugin lora, mamba");
  EXPECT_EQ(found[1].trials, (std::set<std::string>{"t1", "t2"}));
  EXPECT_EQ(found[2].what, "LibTorch 2.10.0");
}

TEST(Fingerprints, TheLineSaysWhatHappensToTheTrials) {
  const Change change{"another build of plugin lora", {}};
  EXPECT_EQ(change_line(change, 12, 0, false),
            "12 finished trials were trained with another build of plugin lora: they are kept; "
            "--rerun-changed trains them again");
  EXPECT_EQ(change_line(change, 1, 0, false),
            "1 finished trial was trained with another build of plugin lora: it is kept; "
            "--rerun-changed trains it again");
  EXPECT_EQ(change_line(change, 0, 2, false),
            "2 unfinished trials were begun with another build of plugin lora: they go on; "
            "--rerun-changed trains them again");
  EXPECT_EQ(change_line(change, 1, 1, true),
            "1 finished trial was trained and 1 unfinished trial was begun with another build of "
            "plugin lora: trained again from scratch");
}

}  // namespace
}  // namespace mvn
