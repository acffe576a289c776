#include "orchestrate/workers/local_workplaces.h"

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace mvn {
namespace {

// A worker in shell that does this with a trial.
LocalWorkplaces workplaces(const std::string& on_trial, std::function<std::int64_t()> killed,
                           const std::filesystem::path& folder) {
  Place place;
  place.name = place.device = "cpu";
  LocalWorkplaces::Parts parts{.places = {place},
                               .worker = {{"/bin/sh", "-c", "read -r line; " + on_trial}, {}, {}},
                               .programs_folder = folder};
  parts.killed_for_memory = std::move(killed);
  return LocalWorkplaces(std::move(parts));
}

std::optional<Ended> end_of_trial(LocalWorkplaces& places, const std::filesystem::path& folder) {
  const TrialPaths paths{folder};
  std::filesystem::create_directories(paths.attempt(1));
  places.start({{0, 1}, 0, paths, Json::object(), ""});
  for (int i = 0; i < 1000; ++i) {
    for (auto& event : places.wait(std::chrono::duration<double>(0.05), -1)) {
      if (auto* ended = std::get_if<Ended>(&event)) return *ended;
    }
  }
  return std::nullopt;
}

TEST(LocalWorkplacesTest, AWorkerThatTheKernelKilledRanOutOfMemory) {
  const test::TemporaryFolder folder;
  std::int64_t killed = 2;
  auto places = workplaces(
      "kill -9 $$", [&] { return killed++; }, folder.path());
  const auto ended = end_of_trial(places, folder.path()).value();
  EXPECT_EQ(ended.end.signal, 9);
  EXPECT_TRUE(ended.out_of_memory);
}

TEST(LocalWorkplacesTest, AWorkerThatSomebodyKilledDidNot) {
  const test::TemporaryFolder folder;
  auto places = workplaces(
      "kill -9 $$", [] { return 2; }, folder.path());
  EXPECT_FALSE(end_of_trial(places, folder.path()).value().out_of_memory);
}

// While another process of the machine was killed for its memory.
TEST(LocalWorkplacesTest, NorDidOneThatEndedByItself) {
  const test::TemporaryFolder folder;
  std::int64_t killed = 2;
  auto places = workplaces(
      "exit 3", [&] { return killed++; }, folder.path());
  EXPECT_FALSE(end_of_trial(places, folder.path()).value().out_of_memory);
}

}  // namespace
}  // namespace mvn
