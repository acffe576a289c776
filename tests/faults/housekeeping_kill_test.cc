// Removing and merging, killed at any moment, leave what was before, or after, or what the next
// command that writes mends.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <functional>
#include <set>

#include "common/spool.h"
#include "common/trial.h"
#include "orchestrate/store/cleanup.h"
#include "orchestrate/store/maintenance.h"
#include "orchestrate/store/merge_results.h"
#include "orchestrate/store/rebuild.h"
#include "orchestrate/store/store.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr int kTrials = 6;

std::string id_of(int trial) { return std::to_string(trial) + std::string(63, 'a'); }

SweepPlan plan(int first, int last) {
  SweepPlan plan;
  plan.name = "s";
  plan.file = "s.yaml";
  plan.resolved = Json::object();
  plan.metrics[""] = {"loss", false};
  for (int i = first; i < last; ++i) {
    PlannedTrial trial;
    trial.id = id_of(i);
    trial.group = id_of(i);
    trial.config = Json{{"x", i}};
    trial.parameters = Json{{"x", i}};
    plan.trials.push_back(trial);
  }
  return plan;
}

// Results of some trials, each with a model in two files.
void make(const fs::path& results, int first, int last) {
  Store store(database_path(results));
  store.record_plan(plan(first, last));
  for (int i = first; i < last; ++i) {
    const int attempt = store.start_attempt("s", id_of(i), "worker 1", "cpu");
    const auto paths = trial_paths(results, "s", id_of(i));
    SpoolWriter spool(paths.spool(attempt));
    fs::create_directories(paths.model());
    for (const char* name : {"a", "b"}) std::ofstream(paths.model() / name) << name;
    spool.write(MetricRecord{1, {{"loss", static_cast<double>(i)}}});
    spool.write(ArtifactRecord{"model", paths.model().string(), 1, 2});
    store.end_attempt("s", id_of(i), attempt, {});
  }
}

// Everything that happens to the files of a folder and what is in it, one after the other.
class Watch {
 public:
  explicit Watch(const fs::path& folder) : descriptor_(::inotify_init1(IN_CLOEXEC)) {
    add(folder);
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_directory()) add(entry.path());
    }
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { ::close(descriptor_); }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  void add(const fs::path& folder) const {
    constexpr auto kChanges =
        IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE;
    EXPECT_GE(::inotify_add_watch(descriptor_, folder.c_str(), kChanges), 0) << folder;
  }

  int descriptor_;
};

// Runs `work` in a process that is killed when the folder has changed `changes` times. Whether it
// ended by itself before.
bool survives(const fs::path& folder, int changes, const std::function<void()>& work) {
  const Watch watch(folder);
  // Its end can be waited for beside the changes.
  std::array<int, 2> alive{};
  EXPECT_EQ(::pipe(alive.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(alive[0]);
    work();
    ::_exit(0);
  }
  ::close(alive[1]);
  std::array<char, 65536> buffer{};
  int seen = 0;
  std::array<pollfd, 2> watched = {{{watch.descriptor(), POLLIN, 0}, {alive[0], POLLIN, 0}}};
  while (seen < changes) {
    ::poll(watched.data(), watched.size(), -1);
    if ((watched[0].revents & POLLIN) == 0) break;  // it ended
    const auto got = ::read(watch.descriptor(), buffer.data(), sizeof(inotify_event) + 64);
    seen += got > 0 ? 1 : 0;
  }
  ::kill(child, SIGKILL);
  ::close(alive[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status);
}

std::string count(const fs::path& results, const std::string& sql) {
  SQLite::Database db(database_path(results).string(), SQLite::OPEN_READONLY);
  EXPECT_EQ(db.execAndGet("PRAGMA integrity_check").getString(), "ok");
  return db.execAndGet(sql).getString();
}

bool leaves_nothing_behind(const fs::path& results) {
  for (const auto& entry : fs::recursive_directory_iterator(results)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(".removing") || name.starts_with(".merge")) {
      ADD_FAILURE() << entry.path() << " is left over";
      return false;
    }
  }
  return true;
}

// Kills `work` after its first change, its second, ... until it ends before. `prepare` makes the
// folder, `check` judges what is left once somebody wrote there again.
void kill_everywhere(const std::function<void(const fs::path&)>& prepare,
                     const std::function<void(const fs::path&)>& work,
                     const std::function<void(const fs::path&)>& check) {
  int rounds = 0;
  for (int changes = 1;; changes += 1 + changes / 6) {
    const test::TemporaryFolder folder;
    const fs::path results = folder / "results";
    prepare(folder.path());
    const bool whole = survives(results, changes, [&] { work(folder.path()); });
    check(folder.path());
    if (testing::Test::HasFailure() || whole) break;
    ++rounds;
  }
  EXPECT_GE(rounds, 10);
}

TEST(HousekeepingKill, ASweepIsThereOrRemoved) {
  std::set<std::string> ends;
  kill_everywhere([](const fs::path& folder) { make(folder / "results", 0, kTrials); },
                  [](const fs::path& folder) { remove_sweep(folder / "results", "s"); },
                  [&](const fs::path& folder) {
                    const auto results = folder / "results";
                    { Store(database_path(results)).settle(); }
                    const auto trials = count(results, "SELECT count(*) FROM mvn_trial");
                    ends.insert(trials);
                    EXPECT_EQ(fs::exists(results / "s"), trials != "0");
                    EXPECT_TRUE(check_database(results, false).is_whole());
                    EXPECT_TRUE(leaves_nothing_behind(results));
                  });
  EXPECT_EQ(ends, (std::set<std::string>{"0", std::to_string(kTrials)}));
}

TEST(HousekeepingKill, AModelIsThereOrMarkedAsRemoved) {
  std::set<std::string> ends;
  kill_everywhere([](const fs::path& folder) { make(folder / "results", 0, kTrials); },
                  [](const fs::path& folder) {
                    const auto results = folder / "results";
                    collect_garbage(results, plan_gc(results, "s", 1));
                  },
                  [&](const fs::path& folder) {
                    const auto results = folder / "results";
                    { Store(database_path(results)).settle(); }
                    int there = 0;
                    for (int i = 0; i < kTrials; ++i) {
                      const auto model = trial_paths(results, "s", id_of(i)).model();
                      if (!fs::exists(model)) continue;
                      ++there;
                      EXPECT_TRUE(fs::exists(model / "a") && fs::exists(model / "b"));
                    }
                    const auto kept =
                        count(results, "SELECT count(*) FROM artifacts WHERE removed IS NULL");
                    ends.insert(kept);
                    EXPECT_EQ(kept, std::to_string(there));
                    EXPECT_TRUE(check_database(results, false).is_whole());
                    EXPECT_TRUE(leaves_nothing_behind(results));
                  });
  EXPECT_EQ(ends, (std::set<std::string>{"1", std::to_string(kTrials)}));
}

TEST(HousekeepingKill, ResultsAreMergedOrAsBefore) {
  std::set<std::string> ends;
  const auto merge = [](const fs::path& folder) {
    const auto results = folder / "results";
    merge_results(results, folder / "other", plan_merge(results, folder / "other"));
  };
  kill_everywhere(
      [](const fs::path& folder) {
        make(folder / "results", 0, 2);
        make(folder / "other", 1, 4);
      },
      merge,
      [&](const fs::path& folder) {
        const auto results = folder / "results";
        { Store(database_path(results)).settle(); }
        const auto trials = count(results, "SELECT count(*) FROM mvn_trial");
        ends.insert(trials);
        EXPECT_TRUE(check_database(results, false).is_whole());
        rebuild_database(results);
        EXPECT_EQ(count(results, "SELECT count(*) FROM mvn_trial"), trials);
        // The same command again does what is left.
        merge(folder);
        EXPECT_EQ(count(results, "SELECT count(*) FROM mvn_trial WHERE state = 'done'"), "4");
        EXPECT_TRUE(check_database(results, false).is_whole());
        EXPECT_TRUE(leaves_nothing_behind(results));
      });
  EXPECT_EQ(ends, (std::set<std::string>{"2", "4"}));
}

}  // namespace
}  // namespace mvn
