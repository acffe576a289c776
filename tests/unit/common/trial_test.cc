#include "common/trial.h"

#include <gtest/gtest.h>

#include "common/description.h"
#include "common/files.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

TEST(Trial, TheFileRoundTrips) {
  TrialFile trial;
  trial.sweep = "quickstart";
  trial.stage = "classify";
  trial.id = "0123456789abcdef";
  trial.attempt = 2;
  trial.config = {{"seed", 1}, {"model", {{"plugin", "mamba"}}}};
  trial.folder = "/results/quickstart/0123456789ab";
  trial.spool = "/results/quickstart/0123456789ab/attempts/2/spool.jsonl";
  trial.threads = 2;
  trial.device = "cuda:0";
  const test::TemporaryFolder folder;
  const auto path = folder / "trial.json";
  write_file_atomically(path, to_json(trial).dump());
  EXPECT_EQ(to_json(read_trial_file(path)), to_json(trial));
}

TEST(Trial, WhatIsNoTrialFileIsRefused) {
  const test::TemporaryFolder folder;
  const auto future = folder.write("t.json", R"({"format": 2})");
  EXPECT_EQ(test::error_of([&] { read_trial_file(future); }),
            future.string() + ": trial format 2, this worker reads format 1");
}

TEST(Trial, OnePlaceMakesEveryPath) {
  const auto paths = trial_paths("results", "quickstart", "0123456789abcdef");
  EXPECT_EQ(paths.folder, "results/quickstart/0123456789ab");
  EXPECT_EQ(paths.spool(3), "results/quickstart/0123456789ab/attempts/3/spool.jsonl");
  EXPECT_EQ(paths.log(3), "results/quickstart/0123456789ab/attempts/3/log.txt");
}

TEST(Trial, NamesAndIdsThatLeadElsewhereMakeNoPaths) {
  const std::string id = "0123456789abcdef";
  for (const auto* name : {"../../victim", "..", ".", "", "a/b", "/etc", ".rerun", "results.db",
                           "results.db-wal", "runner.lock"}) {
    EXPECT_EQ(test::error_of([&] { trial_paths("", name, id); }),
              "'" + std::string(name) + "' cannot be a sweep's name: it is no folder's");
  }
  EXPECT_EQ(test::error_of([&] { trial_paths("", "a\x1b[2J", id); }),
            "'a\\u001b[2J' cannot be a sweep's name: it is no folder's");
  for (const auto* bad : {"../../../..", "0123456789a", "0123456789abcdeF", ""}) {
    EXPECT_EQ(test::error_of([&] { trial_paths("", "demo", bad); }),
              "'" + std::string(bad) + "' is no trial's id, which is made of 0-9 and a-f");
  }
}

TEST(Trial, ALinkThatLeadsOutOfTheResultsIsRefused) {
  const test::TemporaryFolder folder;
  const std::string id = "0123456789abcdef";
  std::filesystem::create_directories(folder / "victim");
  std::filesystem::create_directories(folder / "results");
  std::filesystem::create_directory_symlink(folder / "victim", folder / "results/demo");
  const auto real = std::filesystem::canonical(folder / "victim");
  EXPECT_EQ(test::error_of([&] { trial_paths(folder / "results", "demo", id); }),
            (folder / "results/demo/0123456789ab").string() + ": leads out of " +
                (folder / "results").string() + ", to " + (real / "0123456789ab").string() +
                "; nothing is written through such a link");
  // The results themselves may be anywhere.
  std::filesystem::create_directory_symlink(folder / "victim", folder / "elsewhere");
  EXPECT_EQ(trial_paths(folder / "elsewhere", "demo", id).folder,
            folder / "elsewhere/demo/0123456789ab");
}

TEST(Description, RoundTripsThroughJson) {
  Description description;
  description.sdk = "0.1.0";
  description.torch = "2.11.0";
  description.devices = {"cpu"};
  description.sections["training"] = {
      {.name = "epochs", .type = ParamType::kReal, .default_value = 3, .unit = "epochs", .min = 0}};
  description.components = {{"model", "mamba", "Mamba-1", "mamba", "0.1.0", "/p/mamba.so", {}}};
  description.refused = {{"/p/old.so", "built for plugin API 0"}};
  const Json json = to_json(description);
  EXPECT_EQ(to_json(description_from_json(json)), json);
  EXPECT_EQ(description.names("model"), std::vector<std::string>{"mamba"});
  EXPECT_EQ(description.find("task", "mamba"), nullptr);
}

}  // namespace
}  // namespace mvn
